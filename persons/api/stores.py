from django.conf import settings

from clickhouse.client import ClickHouse, Limits, connect


def clickhouse() -> ClickHouse:
    """The ClickHouse of this installation, as questions see it: there is an end to what one may cost."""
    limits = Limits(**settings.QUERY_LIMITS)
    return connect(
        settings.CLICKHOUSE_QUERY_URL or settings.CLICKHOUSE_URL, limits, settings.CLICKHOUSE_CLUSTER
    )
