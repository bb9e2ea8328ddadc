"""When a person did something: the moments of its events, in order."""

from collections.abc import Callable, Sequence

from clickhouse.client import ClickHouse
from clickhouse.query.timeline import TimelineQuery
from clickhouse.sql.conditions import where
from clickhouse.sql.events import came_with, in_range, of_any_entity
from clickhouse.sql.filters import on_event
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.persons import PERSON_OF_EVENT, events_with_merges

MOMENTS = """
SELECT toUnixTimestamp64Micro(events.timestamp) AS moment, events.arrival
FROM {events}
WHERE {conditions}
ORDER BY moment, events.arrival
""".strip()

# The few events of one person are found by the hash; whose they are is then asked as everywhere.
OF_PERSON = "{person_of_event} = {person:UUID}"


def read_moments(
    store: ClickHouse, query: TimelineQuery, take: Callable[[Sequence[int], Sequence[int]], None]
) -> None:
    """The timestamps, in microseconds since 1970, and the arrivals of the events, handed over in portions.

    Raises ClickHouseUnavailable, ClickHouseError.
    """
    store.read_blocks(moments_statement(query), take)


def moments_statement(query: TimelineQuery) -> Fragment:
    """The statement behind `read_moments`."""
    return sql(
        MOMENTS,
        events=events_with_merges(query.project_id),
        conditions=where(
            in_range(query.project_id, query.date_range),
            *(of_any_entity(query.project_id, query.entities) if query.entities else ()),
            on_event(query.project_id, query.filter),
            came_with(query.distinct_ids, query.generations),
            sql(OF_PERSON, person_of_event=PERSON_OF_EVENT, person=query.person),
        ),
    )
