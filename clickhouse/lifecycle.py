"""Who was new, returning, resurrecting or dormant in a period (posthog-behaviour.md 6).

Returning are those who did it in the period and in the one before, dormant those who did it only in the one
before. Of those who did it in the period but not in the one before, new are the persons that were created in
the period and are not seen to do it in any that came earlier; the others are resurrecting. So for two of the
four two periods are read, and for the others all that are seen.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.funnel import COUNT, PAGE
from clickhouse.query.conditions import Equals, Span
from clickhouse.query.filters import EventProperty, Filter, Not, both, parts
from clickhouse.query.lifecycle import LifecycleQuery, Period
from clickhouse.recordings import RecordedEvent, recorded_events
from clickhouse.sql.conditions import where, within
from clickhouse.sql.events import in_range, of_any_entity
from clickhouse.sql.filters import on_event, persons_of
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.persons import PERSON_OF_EVENT, events_with_merges, live_persons

ACTIVE = """
person.id IN
(
    SELECT {person_of_event} AS actor_id
    FROM {events}
    WHERE {conditions}
    GROUP BY actor_id
    HAVING {having}
)
""".strip()

RETURNING = """
min(timestamp) < {target:DateTime64(6, 'UTC')}
  AND max(timestamp) >= {target:DateTime64(6, 'UTC')}
""".strip()

DORMANT = "max(timestamp) < {target:DateTime64(6, 'UTC')}"

NEW = "min(timestamp) >= {target:DateTime64(6, 'UTC')}"

RESURRECTING = """
max(timestamp) >= {target:DateTime64(6, 'UTC')}
  AND countIf(timestamp >= {previous:DateTime64(6, 'UTC')} AND timestamp < {target:DateTime64(6, 'UTC')}) = 0
  AND NOT (
      min(timestamp) >= {target:DateTime64(6, 'UTC')}
      AND actor_id IN
      (
          {created_in_target}
      )
  )
""".strip()

PERSONLESS = EventProperty(key="$process_person_profile", condition=Equals(texts=("false",)))


def lifecycle_persons(store: ClickHouse, query: LifecycleQuery) -> list[UUID]:
    """A page of the persons asked for, ordered by the text of their uuid.

    One person more than `query.limit` comes back when there is another page.
    Raises ClickHouseUnavailable, ClickHouseError.
    """
    return [uuid for (uuid,) in store.rows(lifecycle_statement(query))]


def lifecycle_count(store: ClickHouse, query: LifecycleQuery) -> int:
    """How many persons all pages have. Raises ClickHouseUnavailable, ClickHouseError."""
    ((count,),) = store.rows(sql(COUNT, persons=_persons(query)))
    return int(count)


def lifecycle_statement(query: LifecycleQuery) -> Fragment:
    """The statement behind `lifecycle_persons`."""
    return sql(PAGE, persons=_persons(query), rows=query.limit + 1, offset=query.offset)


def lifecycle_recordings(
    store: ClickHouse, query: LifecycleQuery, persons: Sequence[UUID]
) -> dict[UUID, list[RecordedEvent]]:
    """What the persons did in the period, or in the one before it when they were dormant in this one.

    Raises ClickHouseUnavailable, ClickHouseError.
    """
    period = query.previous if query.lifecycle_type == "dormant" else query.target
    return recorded_events(
        store,
        query.project_id,
        persons=persons,
        entity=query.entity,
        date_range=period.dates(query.date_range.timezone),
        asked=_counted(query),
    )


def _persons(query: LifecycleQuery) -> Fragment:
    """The ids of all persons asked for, without order."""
    target, previous, seen = query.target.start, query.previous.start, query.seen.start
    created = within([Span(start=target, end=query.target.end)], Fragment("person.created_at"))
    conditions = []
    match query.lifecycle_type:
        case "returning":
            active = _active(query, previous, sql(RETURNING, target=target))
        case "dormant":
            active = _active(query, previous, sql(DORMANT, target=target))
        case "new":
            active = _active(query, seen, sql(NEW, target=target))
            conditions = [created]
        case "resurrecting":
            in_target = live_persons(query.project_id, created)
            having = sql(RESURRECTING, target=target, previous=previous, created_in_target=in_target)
            active = _active(query, seen, having)
    return persons_of(query.project_id, parts(query.filter).of_person, *conditions, active)


def _active(query: LifecycleQuery, start: datetime, having: Fragment) -> Fragment:
    """Whether what a person did, from `start` to the end of the target, is as `having` says."""
    dates = Period(start, min(query.target.end, query.seen.end)).dates(query.date_range.timezone)
    return sql(
        ACTIVE,
        person_of_event=PERSON_OF_EVENT,
        events=events_with_merges(query.project_id),
        conditions=where(
            in_range(query.project_id, dates),
            *of_any_entity(query.project_id, [query.entity]),
            on_event(query.project_id, parts(_counted(query)).of_event),
        ),
        having=having,
    )


def _counted(query: LifecycleQuery) -> Filter:
    """Of which events: those that leave persons alone do not count (ingestion.md 4.4)."""
    return both(query.filter, Not(filter=PERSONLESS))
