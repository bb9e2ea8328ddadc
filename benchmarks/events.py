"""What a page of events costs, near the end of the list, far from it, and filtered.

    EVENTS=20000000 python -m benchmarks.events

Pages have 100 events unless said otherwise. The floor is the first page as the engine gives it without
asking whose events they are: times, arrivals and uuids of the last month in order. Times are the best of
five.
"""

from datetime import datetime, timedelta
from uuid import UUID

from benchmarks.data import MONTHS_OF_EVENTS, PROJECT, filled_store, size_asked_for
from benchmarks.measure import best, line, write
from clickhouse.client import ClickHouse
from clickhouse.event_list import event_by_uuid, events_page
from clickhouse.query.conditions import Compares, Contains
from clickhouse.query.dates import DateRange
from clickhouse.query.events import EventsQuery, Place
from clickhouse.query.filters import Entity, EventProperty, PersonIs, PersonProperty
from clickhouse.sql.events import in_range
from clickhouse.sql.fragment import Fragment, sql

_END = MONTHS_OF_EVENTS.date_to
_FLOOR = """
SELECT timestamp, arrival, uuid
FROM events
WHERE {in_range}
ORDER BY timestamp DESC, arrival DESC, uuid DESC
LIMIT 101
""".strip()


def _asked(**fields: object) -> EventsQuery:
    return EventsQuery.model_validate({"project_id": PROJECT, "before": _END, **fields})


def _beyond(moment: datetime) -> Place:
    return Place(moment, 0, UUID(int=0))


_DEAR = EventProperty(key="price", condition=Compares(operator="gt", bounds=(124.8,)))
_TOO_DEAR = EventProperty(key="price", condition=Compares(operator="gt", bounds=(1_000.0,)))
_STARTERS = PersonProperty(key="plan", condition=Contains(texts=("start",)))
_QUESTIONS = {
    "first page": _asked(),
    "first page of 10,000": _asked(limit=10_000),
    "a page in the middle": _asked(beyond=_beyond(_END - timedelta(days=45))),
    "the oldest first, from a date": _asked(order="oldest", after=MONTHS_OF_EVENTS.date_from),
    "an offset of 1,000,000": _asked(offset=1_000_000),
    "of a rarer event": _asked(entity=Entity(names=("paid",))),
    "filtered by a property, one in 1,000": _asked(filter=_DEAR),
    "filtered by a property, none": _asked(filter=_TOO_DEAR),
    "filtered by persons": _asked(filter=_STARTERS),
}


def main() -> None:
    """Print a line per question."""
    size = size_asked_for()
    store = filled_store(size)
    write(f"\n{size.events:,} events, {size.persons:,} persons: pages of events\n")
    write(f"{'':52}{'best':>9}{'ratio':>8}\n")
    floor = best(lambda: store.rows(_floor()))
    line("floor", floor, floor)
    for name, query in _QUESTIONS.items():
        line(name, best(lambda query=query: events_page(store, query)), floor)  # type: ignore[misc]
    _of_one(store, floor)
    store.close()


def _of_one(store: ClickHouse, floor: float) -> None:
    event = events_page(store, _asked()).events[0]
    own = _asked(filter=PersonIs(uuid=event.person), distinct_ids=(event.distinct_id,), generations=(0,))
    line("of one person", best(lambda: events_page(store, own)), floor)
    line("one event by its uuid", best(lambda: event_by_uuid(store, PROJECT, event.place.uuid)), floor)


def _floor() -> Fragment:
    month = DateRange(date_from=_END - timedelta(days=30), date_to=_END, timezone="UTC")
    return sql(_FLOOR, in_range=in_range(PROJECT, month))


if __name__ == "__main__":
    main()
