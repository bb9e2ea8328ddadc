from django.conf import settings

from clickhouse.client import ClickHouse, Limits, connect


def clickhouse() -> ClickHouse:
    """The ClickHouse of this installation, as questions see it: there is an end to what one may cost."""
    limits = Limits(settings.QUERY_TIMEOUT_SECONDS, settings.QUERY_MAX_MEMORY)
    return connect(settings.CLICKHOUSE_URL, limits, settings.CLICKHOUSE_CLUSTER)
