"""The ClickHouse of this installation, as the settings have it."""

from django.conf import settings

from clickhouse.client import ClickHouse, Limits, connect


def clickhouse() -> ClickHouse:
    """As questions see it: there is an end to what one may cost, and nothing may be changed."""
    limits = Limits(**settings.QUERY_LIMITS)
    return connect(
        settings.CLICKHOUSE_QUERY_URL or settings.CLICKHOUSE_URL, limits, settings.CLICKHOUSE_CLUSTER
    )


def writable_clickhouse() -> ClickHouse:
    """As whoever fills it sees it, without limits."""
    return connect(settings.CLICKHOUSE_URL, cluster=settings.CLICKHOUSE_CLUSTER)
