from django.conf import settings

from clickhouse.client import ClickHouse, connect


def clickhouse() -> ClickHouse:
    """The ClickHouse of this installation."""
    return connect(settings.CLICKHOUSE_URL)
