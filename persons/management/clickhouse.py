"""Commands that work on ClickHouse itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from clickhouse.client import ClickHouse
from clickhouse.schema.migrate import Migration, migrate
from persons.management.postgres import postgres_at_hand
from persons.outbox.schema import bring_up_to_date
from persons.stores import writable_clickhouse
from persons_api import embedded


@contextmanager
def clickhouse_at_hand() -> Iterator[ClickHouse]:
    """The store, without limits. Raises DataFolderError while a server has the embedded one."""
    store = writable_clickhouse()
    if not store.embedded:
        yield store
        return
    embedded.prepare(settings.DATA_DIR)
    with embedded.owned(settings.DATA_DIR):
        try:
            yield store
        finally:
            store.close()


def up_to_date(store: ClickHouse) -> tuple[Migration, ...]:
    """Bring the schema of such a store up to date; returns what was missing."""
    if store.embedded:
        # Whoever has the folder is alone.
        return migrate(store)
    with postgres_at_hand():
        return bring_up_to_date(store)
