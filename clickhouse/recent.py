"""The latest events of a person."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.moments import in_utc
from clickhouse.portions import Ids, portions
from clickhouse.sql.events import of_distinct_ids
from clickhouse.sql.fragment import Fragment, sql

LATEST = """
SELECT timestamp, event, distinct_id, uuid, properties
FROM events
WHERE {conditions}
ORDER BY timestamp DESC, arrival DESC
LIMIT {most:UInt32}
""".strip()


class Event(NamedTuple):
    """An event as it is stored; its properties are JSON."""

    timestamp: datetime
    name: str
    distinct_id: str
    uuid: UUID
    properties: str


def latest_events(
    store: ClickHouse, project_id: int, distinct_ids: Sequence[str], generations: Sequence[int], *, most: int
) -> list[Event]:
    """The latest events that came with these distinct ids in these generations, the latest first.

    Raises ClickHouseUnavailable, ClickHouseError.
    """
    found = [
        Event(in_utc(timestamp), *rest)
        for ids in portions(distinct_ids, generations)
        for timestamp, *rest in store.rows(latest_statement(project_id, ids, most))
    ]
    return sorted(found, key=lambda event: event.timestamp, reverse=True)[:most]


def latest_statement(project_id: int, ids: Ids, most: int) -> Fragment:
    """A statement behind `latest_events`."""
    return sql(LATEST, conditions=of_distinct_ids(project_id, ids.distinct_ids, ids.generations), most=most)
