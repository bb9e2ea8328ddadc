"""What ClickHouse knows of distinct ids: whose they are, and how many events they have."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.moments import in_utc
from clickhouse.portions import Ids, portions
from clickhouse.sql.events import of_distinct_ids
from clickhouse.sql.fragment import Fragment, sql

COPIES = """
SELECT distinct_id, person_id, is_deleted, version
FROM person_distinct_id2 FINAL
WHERE team_id = {project:Int64}
  AND distinct_id IN {ids:Array(String)}
""".strip()

EVENTS = """
SELECT distinct_id, count(), min(timestamp), max(timestamp)
FROM events
WHERE {conditions}
GROUP BY distinct_id
""".strip()


class Copy(NamedTuple):
    """ClickHouse's copy of a distinct id: its version, and whose it is if it is anybody's."""

    version: int
    person: UUID | None


class Events(NamedTuple):
    """How many events came with a distinct id, and between which moments they happened."""

    number: int
    first: datetime
    last: datetime


def copies(store: ClickHouse, project_id: int, distinct_ids: Sequence[str]) -> dict[str, Copy]:
    """The copies of those distinct ids that have one. Raises ClickHouseUnavailable, ClickHouseError."""
    return {
        distinct_id: Copy(version, None if is_deleted else person)
        for ids in portions(distinct_ids, [0] * len(distinct_ids))
        for distinct_id, person, is_deleted, version in store.rows(
            sql(COPIES, project=project_id, ids=ids.distinct_ids)
        )
    }


def events(
    store: ClickHouse, project_id: int, distinct_ids: Sequence[str], generations: Sequence[int]
) -> dict[str, Events]:
    """The events of those distinct ids that have any in the generation given with them.

    Raises ClickHouseUnavailable, ClickHouseError.
    """
    return {
        distinct_id: Events(count, in_utc(first), in_utc(last))
        for ids in portions(distinct_ids, generations)
        for distinct_id, count, first, last in store.rows(events_statement(project_id, ids))
    }


def events_statement(project_id: int, ids: Ids) -> Fragment:
    """A statement behind `events`."""
    return sql(EVENTS, conditions=of_distinct_ids(project_id, ids.distinct_ids, ids.generations))
