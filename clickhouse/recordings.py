"""In which recorded sessions persons did something: for actors with `include_recordings`."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.moments import in_utc
from clickhouse.query.dates import DateRange
from clickhouse.query.filters import Entity, Filter, parts
from clickhouse.sql.conditions import where
from clickhouse.sql.events import in_range, of_any_entity
from clickhouse.sql.filters import on_event
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.persons import PERSON_OF_EVENT, events_with_merges
from clickhouse.sql.properties import property_text

SESSIONS = """
SELECT
    {person_of_event} AS actor_id,
    {session_id} AS session_id,
    {window_id} AS window_id,
    events.uuid,
    timestamp
FROM {events}
WHERE {conditions}
ORDER BY timestamp, arrival
LIMIT {most:UInt32} BY actor_id
""".strip()

MOST_EVENTS = 10


class RecordedEvent(NamedTuple):
    """An event in a session. `window_id` is empty when the SDK sent none."""

    session_id: str
    window_id: str
    uuid: UUID
    timestamp: datetime


def recorded_events(
    store: ClickHouse,
    project_id: int,
    *,
    persons: Sequence[UUID],
    entity: Entity,
    date_range: DateRange,
    asked: Filter,
    most: int = MOST_EVENTS,
) -> dict[UUID, list[RecordedEvent]]:
    """For each of the persons the first events of the entity that have a session, in order of time, `most` at
    most.

    Raises ClickHouseUnavailable, ClickHouseError.
    """
    if not persons:
        return {}
    session_id = sql("ifNull({text}, '')", text=property_text("events", "$session_id"))
    statement = sql(
        SESSIONS,
        person_of_event=PERSON_OF_EVENT,
        session_id=session_id,
        window_id=sql("ifNull({text}, '')", text=property_text("events", "$window_id")),
        events=events_with_merges(project_id),
        conditions=where(
            in_range(project_id, date_range),
            *of_any_entity(project_id, [entity]),
            on_event(project_id, parts(asked).of_event),
            Fragment("session_id != ''"),
            sql("actor_id IN {persons:Array(UUID)}", persons=list(persons)),
        ),
        most=most,
    )
    found: dict[UUID, list[RecordedEvent]] = {}
    for actor_id, session, window, uuid, timestamp in store.rows(statement):
        happened = in_utc(timestamp)
        found.setdefault(actor_id, []).append(RecordedEvent(session, window, uuid, happened))
    return found
