"""Events one by one, in the order of their times.

Which events are on a page is one question, which reads narrow columns only; what they say is another, about
those few. A page is looked for in an hour first, then in longer and longer ranges: it seldom needs a long
one, and whatever is in a range costs looking up whose it is.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.moments import in_utc
from clickhouse.portions import by_number
from clickhouse.query.dates import FIRST_YEAR, DateRange
from clickhouse.query.events import EventsQuery, Place
from clickhouse.query.wall_clock import TICK
from clickhouse.sql.conditions import where
from clickhouse.sql.events import came_with, in_range, of_any_entity
from clickhouse.sql.filters import on_event
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.persons import PERSON_OF_EVENT, can_be_seen, events_with_merges

PAGE = """
SELECT events.timestamp, events.arrival, events.uuid, {person_of_event} AS person
FROM {events}
WHERE {conditions}
ORDER BY {order}
LIMIT {rows:UInt64} OFFSET {offset:UInt64}
""".strip()

DOCUMENTS = """
SELECT timestamp, arrival, uuid, event, distinct_id, properties, elements_chain
FROM events
WHERE {in_range}
  AND uuid IN {uuids:Array(UUID)}
""".strip()

BEYOND = """
(events.timestamp, events.arrival, events.uuid) {sign} (
    {timestamp:DateTime64(6, 'UTC')}, {arrival:UInt64}, {uuid:UUID}
)
""".strip()

ONE = """
SELECT events.timestamp, events.arrival, events.uuid, {person_of_event} AS person
FROM {events}
WHERE {conditions}
LIMIT 1
""".strip()

_ORDERS = {
    "newest": Fragment("events.timestamp DESC, events.arrival DESC, events.uuid DESC"),
    "oldest": Fragment("events.timestamp, events.arrival, events.uuid"),
}
_SIGNS = {"newest": Fragment("<"), "oldest": Fragment(">")}
_WIDTHS = [timedelta(hours=12**power) for power in range(4)]
_EARLIEST = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)


class Event(NamedTuple):
    """An event as it is stored: properties are JSON. `person`: whose it is now, who need not be a person."""

    place: Place
    person: UUID
    name: str
    distinct_id: str
    properties: str
    elements_chain: str


class EventPage(NamedTuple):
    """The events of a page, and whether there is another page."""

    events: list[Event]
    more: bool


class _Found(NamedTuple):
    place: Place
    person: UUID


def events_page(store: ClickHouse, query: EventsQuery) -> EventPage:
    """A page of events. Raises ClickHouseUnavailable, ClickHouseError."""
    found: list[_Found] = []
    for window in _windows(query):
        if query.offset:
            found.clear()
        found += _found(store, page_statement(query, window))
        if len(found) > query.limit:
            break
    return EventPage(_documents(store, query.project_id, found[: query.limit]), len(found) > query.limit)


def event_by_uuid(store: ClickHouse, project_id: int, uuid: UUID) -> Event | None:
    """One event. Raises ClickHouseUnavailable, ClickHouseError."""
    return next(iter(_documents(store, project_id, _found(store, one_statement(project_id, uuid)))), None)


def page_statement(query: EventsQuery, window: DateRange) -> Fragment:
    """The statement behind `events_page`, within a range of dates."""
    return sql(
        PAGE,
        person_of_event=PERSON_OF_EVENT,
        events=events_with_merges(query.project_id),
        conditions=where(
            in_range(query.project_id, window),
            *of_any_entity(query.project_id, [query.entity]),
            *_of_ids(query),
            *_beyond(query),
            on_event(query.project_id, query.filter),
            can_be_seen(query.project_id),
        ),
        order=_ORDERS[query.order],
        rows=query.limit + 1,
        offset=query.offset,
    )


def one_statement(project_id: int, uuid: UUID) -> Fragment:
    """The statement behind `event_by_uuid`."""
    return sql(
        ONE,
        person_of_event=PERSON_OF_EVENT,
        events=events_with_merges(project_id),
        conditions=where(
            sql("team_id = {project:Int64}", project=project_id),
            sql("events.uuid = {uuid:UUID}", uuid=uuid),
            can_be_seen(project_id),
        ),
    )


def documents_statement(project_id: int, places: Sequence[Place]) -> Fragment:
    """What the events at these places, in the order of their times, say."""
    ends = (places[0].timestamp, places[-1].timestamp)
    return sql(
        DOCUMENTS,
        in_range=in_range(project_id, DateRange(date_from=min(ends), date_to=max(ends), timezone="UTC")),
        uuids=[place.uuid for place in places],
    )


def _windows(query: EventsQuery) -> Iterator[DateRange]:
    """Longer and longer ranges, one after the other from where the page begins. With an offset each has those
    before it in it: how many events there are that are left out nobody knows."""
    first, last = query.after or _EARLIEST, query.before - TICK
    if query.beyond is not None and query.order == "newest":
        last = min(last, query.beyond.timestamp)
    elif query.beyond is not None:
        first = max(first, query.beyond.timestamp)
    near, whole = timedelta(), last - first
    for width in [*(each for each in _WIDTHS if each < whole), whole]:
        ends = (last - width, last - near) if query.order == "newest" else (first + near, first + width)
        yield DateRange(date_from=ends[0], date_to=ends[1], timezone="UTC")
        near = timedelta() if query.offset else width + TICK


def _of_ids(query: EventsQuery) -> Iterator[Fragment]:
    if query.distinct_ids is not None:
        yield came_with(query.distinct_ids, query.generations)


def _beyond(query: EventsQuery) -> Iterator[Fragment]:
    if query.beyond is not None:
        yield sql(BEYOND, sign=_SIGNS[query.order], **query.beyond._asdict())


def _found(store: ClickHouse, statement: Fragment) -> list[_Found]:
    return [
        _Found(Place(in_utc(timestamp), arrival, uuid), person)
        for timestamp, arrival, uuid, person in store.rows(statement)
    ]


def _documents(store: ClickHouse, project_id: int, found: Sequence[_Found]) -> list[Event]:
    """In the same order. Those that have been removed in between are left out."""
    said: dict[Place, tuple[str, str, str, str]] = {}
    for places in by_number(each.place for each in found):
        for timestamp, arrival, uuid, *rest in store.rows(documents_statement(project_id, places)):
            said[Place(in_utc(timestamp), arrival, uuid)] = tuple(rest)
    return [Event(*each, *said[each.place]) for each in found if each.place in said]
