"""Bringing ClickHouse to this release's schema, one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection

from clickhouse.client import ClickHouse
from clickhouse.schema.migrate import Migration, migrate

# As in flusher.py: any number that nothing else in the database locks.
_SCHEMA_LOCK = 7_315_000_003


def bring_up_to_date(store: ClickHouse) -> tuple[Migration, ...]:
    """Apply what is missing and return it; whoever comes second waits, and finds nothing to do.

    ClickHouse knows no locks, so this one is PostgreSQL's. Cut off, it is simply done again. Raises
    SchemaFromTheFuture, ClickHouseError.
    """
    with _alone():
        return migrate(store)


@contextmanager
def _alone() -> Iterator[None]:
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [_SCHEMA_LOCK])
        yield
