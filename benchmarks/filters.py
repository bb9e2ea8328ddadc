"""What a filter adds to the cost of a question.

    EVENTS=20000000 python -m benchmarks.filters

The question is the simplest there is: how many persons are behind one event? Times are the best of five.
"""

from datetime import UTC, datetime

from benchmarks.data import MONTHS_OF_EVENTS, PROJECT, filled_store, size_asked_for
from benchmarks.measure import best, line, peak_memory, write
from clickhouse.query.conditions import Compares, Condition, Contains, Equals, IsSet, IsWithin, Matches, Span
from clickhouse.query.filters import (
    EVERYTHING,
    AnyOf,
    Entity,
    EventProperty,
    Filter,
    Performed,
    PersonProperty,
    parts,
)
from clickhouse.sql.conditions import where
from clickhouse.sql.events import in_range, of_any_entity
from clickhouse.sql.filters import on_event, persons_of
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.persons import PERSON_OF_EVENT, events_with_merges

COUNT = """
SELECT count()
FROM
(
    SELECT {person_of_event} AS actor_id
    FROM {events}
    WHERE {condition}
    GROUP BY actor_id
)
WHERE actor_id IN
(
    {persons}
)
"""

_YEAR = Span(start=datetime(2024, 1, 1, tzinfo=UTC), end=datetime(2025, 1, 1, tzinfo=UTC))
_EVENT: dict[str, tuple[str, Condition]] = {
    "exact": ("$browser", Equals(texts=("Chrome",))),
    "exact, a list": ("$browser", Equals(texts=("Chrome", "Safari"))),
    "exact, a number": ("$screen_width", Equals(texts=("1100",), numbers=(1100.0,))),
    "icontains": ("$current_url", Contains(texts=("products/12",))),
    "regex": ("$current_url", Matches(patterns=("products/12.*3$",))),
    "gt": ("price", Compares(operator="gt", bounds=(20.0,))),
    "is_set": ("price", IsSet()),
    "is_set, nobody has it": ("nobody has it", IsSet()),
    "is_date_after": ("$os", IsWithin(spans=(_YEAR,), timezone="UTC")),
}
_PERSON: dict[str, tuple[str, Condition]] = {
    "exact": ("plan", Equals(texts=("free",))),
    "icontains": ("email", Contains(texts=("body-12",))),
    "gt": ("visits", Compares(operator="gt", bounds=(20.0,))),
}


def main() -> None:
    """Print one line per event and filter, with its ratio to the same question without a filter."""
    size = size_asked_for(default=5_000_000)
    store = filled_store(size)
    write(f"\n{size.events:,} events, {size.persons:,} persons: how many persons did it?\n")
    write(f"{'':52}{'best':>9}{'ratio':>8}{'memory':>10}\n")
    for event in ("$pageview", "pricing viewed"):
        plain = best(lambda event=event: store.rows(_count(event)))  # type: ignore[misc]
        line(f"{event}: no filter", plain, plain, peak_memory(store, _count(event)))
        for name, asked in _filters().items():
            statement = _count(event, asked)
            seconds = best(lambda statement=statement: store.rows(statement))  # type: ignore[misc]
            line(f"{event}: {name}", seconds, plain, peak_memory(store, statement))
    store.close()


def _filters() -> dict[str, Filter]:
    of_events = {f"event, {name}": EventProperty(key=key, condition=c) for name, (key, c) in _EVENT.items()}
    of_persons = {
        f"person, {name}": PersonProperty(key=key, condition=c) for name, (key, c) in _PERSON.items()
    }
    either = AnyOf(filters=(of_events["event, exact"], of_persons["person, exact"]))
    range_ = MONTHS_OF_EVENTS
    paid = Performed(event=Entity(names=("paid",)), after=range_.date_from, before=range_.date_to)
    return {**of_events, **of_persons, "event or person": either, "performed another event": paid}


def _count(event: str, asked: Filter = EVERYTHING) -> Fragment:
    of_event, of_person = parts(asked)
    return sql(
        COUNT,
        person_of_event=PERSON_OF_EVENT,
        events=events_with_merges(PROJECT),
        condition=where(
            in_range(PROJECT, MONTHS_OF_EVENTS),
            *of_any_entity(PROJECT, [Entity(names=(event,))]),
            on_event(PROJECT, of_event),
        ),
        persons=persons_of(PROJECT, of_person),
    )


if __name__ == "__main__":
    main()
