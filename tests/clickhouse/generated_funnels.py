"""Histories that get in their own way, and every kind of funnel to ask of them.

Few names, few moments: the same step again, several steps in one event, several events in one instant, the
last microsecond of the window and of the range and the first one after them.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

from clickhouse.query.conditions import Equals, Span
from clickhouse.query.dates import DateRange
from clickhouse.query.filters import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Entity,
    EventColumn,
    EventProperty,
    Filter,
    Not,
    PersonProperty,
)
from clickhouse.query.funnel import (
    Attribution,
    ConversionWindow,
    EventBreakdown,
    Exclusion,
    FunnelQuery,
    Order,
)
from tests.clickhouse.reference_funnel import Event

PERSONS_PER_EXAMPLE = (4, 8)
QUERIES_PER_EXAMPLE = 6
VALUE = "value"

MICROSECOND = timedelta(microseconds=1)
LENGTH = timedelta(seconds=10)
STARTS = [
    datetime(2024, 3, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 50, tzinfo=UTC),
    datetime(1900, 1, 2, tzinfo=UTC),
]
OFFSETS = [
    [timedelta(0), MICROSECOND, LENGTH, LENGTH + MICROSECOND],
    [timedelta(0), LENGTH / 2, LENGTH, 2 * LENGTH],
    [number * LENGTH / 4 for number in range(13)],
    [
        -MICROSECOND, timedelta(0), MICROSECOND, LENGTH - MICROSECOND, LENGTH, LENGTH + MICROSECOND,
        2 * LENGTH, 3 * LENGTH, 3 * LENGTH + MICROSECOND,
    ],
]  # fmt: skip
NAMES = [["A", "B", "C", "X"], ["A", "B", "X"], ["A", "A", "B", "B", "C"], ["A", "B", "C", "X", "Y"]]
PROPERTIES: list[dict[str, Any]] = [
    {}, {}, {VALUE: "x"}, {VALUE: "x"}, {VALUE: "y"}, {VALUE: ""}, {VALUE: None}, {VALUE: 5}, {VALUE: "5"},
    {"flag": "on"}, {"flag": "on", VALUE: "x"}, {"flag": "on", VALUE: "y"}, {"flag": "off", VALUE: "y"},
    {"hidden": "yes"}, {"hidden": "yes", VALUE: "x"},
]  # fmt: skip
KINDS = ["live", "live", "live", "live", "merged", "split", "deleted", "personless"]
PLANS = ["free", "pro"]


def named(*names: str) -> Entity:
    return Entity(names=names)


ON = EventProperty(key="flag", condition=Equals(texts=("on",)))
PRO = PersonProperty(key="plan", condition=Equals(texts=("pro",)))
SHOWN = Not(filter=EventProperty(key="hidden", condition=Equals(texts=("yes",))))
IS_A = EventColumn(column="event", condition=Equals(texts=("A",)))
ANY = Entity()
ACTION = Entity(names=("A", "B"), filter=AnyOf(filters=(IS_A, ON)))
FILTERED = [
    Entity(names=("A",), filter=ON),
    Entity(names=("B",), filter=Not(filter=ON)),
    Entity(filter=ON),
    Entity(names=("B",), filter=PRO),
    ACTION,
]
FIRST = [
    Entity(names=("A",), first_time=True),
    Entity(names=("A", "B"), first_time=True),
    Entity(first_time=True),
    Entity(names=("A",), first_time=True, filter=ON),
    Entity(names=("B",), first_time=True, filter=Not(filter=ON)),
]
ENTITIES = [
    named("A"),
    named("B"),
    named("C"),
    named("A"),
    named("B"),
    named("A", "B"),
    ANY,
    *FILTERED,
    *FIRST,
]
STEPS = st.one_of(
    st.permutations([named("A"), named("B"), named("C")]),
    st.lists(st.sampled_from([named("A"), named("B"), named("A", "B"), ANY]), min_size=1, max_size=4),
    st.lists(st.sampled_from(ENTITIES), min_size=2, max_size=4),
).map(tuple)
SPOILERS = [
    named("X"), named("X"), named("X"), named("X", "Y"), named("C"), named("A"), Entity(filter=ON),
    Entity(names=("X",), filter=ON), Entity(names=("X",), first_time=True), ACTION,
]  # fmt: skip
FILTERS: list[Filter] = [
    EVERYTHING, EVERYTHING, EVERYTHING, SHOWN, Not(filter=IS_A), PRO, AllOf(filters=(SHOWN, PRO)),
]  # fmt: skip
RANGES = [
    (0, 3),
    (0, 3),
    (0, 3),
    (0, 2),
    (1, 3),
    (0, 1),
    (2, 0),
]  # From, to in LENGTHs; the last one is empty.
WINDOWS = [
    *[ConversionWindow(value=10, unit="second")] * 5,
    ConversionWindow(value=20, unit="second"),
    ConversionWindow(),
    ConversionWindow(value=400 * 366, unit="day"),
]
ENTRANCES: list[tuple[timedelta | None, timedelta | None]] = [
    (timedelta(0), LENGTH), (MICROSECOND, 2 * LENGTH), (LENGTH, 2 * LENGTH), (LENGTH, LENGTH + MICROSECOND),
    (-LENGTH, 4 * LENGTH), (None, LENGTH), (LENGTH, None), (2 * LENGTH, 3 * LENGTH),
]  # fmt: skip
ATTRIBUTIONS: list[Attribution] = ["first_touch", "last_touch", "all_events", "step"]
ASKED = [("x",), ("y",), ("",), ("x", "y"), ("", "x"), ("5", "y"), ("x", "x"), (), None]
ORDERS: list[Order] = ["ordered", "strict", "unordered"]


@dataclass(frozen=True)
class Person:
    """A person and what it did.

    `kind`: live; deleted; personless (events, but no person); merged (every event with an odd number of
    arrival was sent by a person that this one swallowed); split (the same, undone later, and the other person
    was deleted).
    """

    events: Sequence[Event]
    kind: str = "live"
    plan: str = "free"

    @property
    def history(self) -> list[Event]:
        """What a question sees of it: nothing unless there is such a person, and nobody else's events."""
        if self.kind in ("deleted", "personless"):
            return []
        return [event for event in self.events if self.kind != "split" or event.arrival % 2 == 0]


class Example(NamedTuple):
    persons: list[Person]
    queries: list[FunnelQuery]


@st.composite
def persons(draw: st.DrawFn, start: datetime) -> Person:
    plan = draw(st.sampled_from(PLANS))
    names, offsets = draw(st.sampled_from(NAMES)), draw(st.sampled_from(OFFSETS))
    properties = draw(st.sampled_from([PROPERTIES[:1], PROPERTIES, PROPERTIES]))
    told = st.tuples(st.sampled_from(names), st.sampled_from(offsets), st.sampled_from(properties))
    events = [
        Event(name, start + offset, arrival, known, {"plan": plan})
        for arrival, (name, offset, known) in enumerate(draw(st.lists(told, max_size=10)))
    ]
    return Person(events, draw(st.sampled_from(KINDS)), plan)


@st.composite
def funnels(draw: st.DrawFn, start: datetime) -> FunnelQuery:
    """A funnel of any kind. With exclusions there is no entrance: that is refused before it gets here. Nor
    is there an entrance to an unordered funnel."""
    steps = draw(STEPS)
    order = draw(st.sampled_from(ORDERS))
    kinds = ["plain", *(["exclusions"] * 2 if len(steps) > 1 else []), *(["trends"] * (order != "unordered"))]
    kind = draw(st.sampled_from(kinds))
    first, last = draw(st.sampled_from(RANGES))
    return FunnelQuery(
        project_id=0,
        steps=steps,
        date_range=DateRange(date_from=start + first * LENGTH, date_to=start + last * LENGTH, timezone="UTC"),
        filter=draw(st.sampled_from(FILTERS)),
        order=order,
        window=draw(st.sampled_from(WINDOWS)),
        exclusions=draw(exclusions(len(steps))) if kind == "exclusions" else (),
        breakdown=draw(st.none() | breakdowns(len(steps))),
        entrance=draw(entrances(start)) if kind == "trends" else None,
        furthest=draw(st.sampled_from(sets_of_steps(len(steps)))),
        limit=draw(st.sampled_from([100, 100, 100, 1, 2])),
        offset=draw(st.sampled_from([0, 0, 0, 1, 2])),
    )


def exclusions(steps: int) -> st.SearchStrategy[tuple[Exclusion, ...]]:
    spans = list(itertools.combinations(range(steps), 2))
    one = st.builds(
        lambda entity, span: Exclusion(entity=entity, from_step=span[0], to_step=span[1]),
        st.sampled_from(SPOILERS),
        st.sampled_from(spans),
    )
    return st.lists(one, min_size=1, max_size=2).map(tuple)


def breakdowns(steps: int) -> st.SearchStrategy[EventBreakdown]:
    return st.builds(
        lambda attribution, step, values: EventBreakdown(
            key=VALUE, attribution=attribution, step=step if attribution == "step" else None, values=values
        ),
        st.sampled_from(ATTRIBUTIONS),
        st.integers(0, steps - 1),
        st.sampled_from(ASKED),
    )


def entrances(start: datetime) -> st.SearchStrategy[Span]:
    return st.sampled_from(
        [
            Span(start=None if since is None else start + since, end=None if until is None else start + until)
            for since, until in ENTRANCES
        ]
    )


def sets_of_steps(steps: int) -> list[tuple[int, ...]]:
    """Every set of furthest steps that can be asked for."""
    numbers = range(1, steps + 1)
    return [each for size in numbers for each in itertools.combinations(numbers, size)]


@st.composite
def examples(draw: st.DrawFn) -> Example:
    start = draw(st.sampled_from(STARTS))
    fewest, most = PERSONS_PER_EXAMPLE
    return Example(
        draw(st.lists(persons(start), min_size=fewest, max_size=most)),
        draw(st.lists(funnels(start), min_size=QUERIES_PER_EXAMPLE, max_size=QUERIES_PER_EXAMPLE)),
    )
