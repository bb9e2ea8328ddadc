"""Histories that get in their own way, and every kind of funnel to ask of them.

Few names, few moments: the same step again, several steps in one event, several events in one instant, the
last microsecond of the window and of the range and the first one after them.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
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

PERSONS_PER_EXAMPLE = (8, 16)
EVENTS_PER_PERSON = [0, 1, 2, 3, 4, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10]
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
    [timedelta(0), LENGTH / 2, LENGTH, LENGTH + MICROSECOND],
    [number * LENGTH / 4 for number in range(13)],
    [number * LENGTH / 10 for number in range(31)],
    [number * LENGTH / 10 for number in range(11)],
    [
        -MICROSECOND, timedelta(0), MICROSECOND, LENGTH - MICROSECOND, LENGTH, LENGTH + MICROSECOND,
        2 * LENGTH, 3 * LENGTH, 3 * LENGTH + MICROSECOND,
    ],
]  # fmt: skip
NAMES = [
    ["A", "B", "C", "X"],
    ["A", "B", "X"],
    ["A", "B", "C"],
    ["A", "B", "C", "X", "Y"],
    ["A", "B", "X", "Y"],
]
PROPERTIES: list[dict[str, Any]] = [
    {}, {}, {VALUE: "x"}, {VALUE: "x"}, {VALUE: "y"}, {VALUE: ""}, {VALUE: None}, {VALUE: 5}, {VALUE: "5"},
    {"flag": "on"}, {"flag": "on", VALUE: "x"}, {"flag": "on", VALUE: "y"}, {"flag": "off", VALUE: "y"},
    {"hidden": "yes"}, {"hidden": "yes", VALUE: "x"},
]  # fmt: skip
KINDS = [*["live"] * 8, "merged", "split", "deleted", "personless"]
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
SPOILERS = [
    named("X"), named("X"), named("X"), named("X", "Y"), named("C"), named("A"), Entity(filter=ON),
    Entity(names=("X",), filter=ON), Entity(names=("X",), first_time=True), ACTION,
]  # fmt: skip
FILTERS: list[Filter] = [
    EVERYTHING, EVERYTHING, EVERYTHING, SHOWN, SHOWN, Not(filter=IS_A), AllOf(filters=(SHOWN, PRO)),
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
ASKED = [("x",), ("y",), ("",), ("x", "y"), ("", "x"), ("", "x", "y"), ("5", "y"), ("x", "x"), (), None]
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


def generated(random: Random) -> Example:
    start = random.choice(STARTS)
    return Example(
        [person(random, start) for _ in range(random.randint(*PERSONS_PER_EXAMPLE))],
        [funnel(random, start) for _ in range(QUERIES_PER_EXAMPLE)],
    )


# Hypothesis draws a seed and no more: drawn one by one, choices take longer than the engine takes to answer,
# and three of four questions were asked before.
examples = st.randoms(use_true_random=True).map(generated)


def person(random: Random, start: datetime) -> Person:
    plan = random.choice(PLANS)
    names, offsets = random.choice(NAMES), random.choice(OFFSETS)
    properties = random.choice([PROPERTIES[:1], PROPERTIES, PROPERTIES])
    events = [
        Event(
            random.choice(names),
            start + random.choice(offsets),
            arrival,
            random.choice(properties),
            {"plan": plan},
        )
        for arrival in range(random.choice(EVENTS_PER_PERSON))
    ]
    return Person(events, random.choice(KINDS), plan)


def funnel(random: Random, start: datetime) -> FunnelQuery:
    """A funnel of any kind. With exclusions there is no entrance: that is refused before it gets here. Nor
    is there an entrance to an unordered funnel."""
    steps = steps_of_funnel(random)
    numbers = range(1, len(steps) + 1)
    order = random.choice(ORDERS)
    kinds = ["plain", *["exclusions"] * 2 * (len(steps) > 1), *["trends"] * (order != "unordered")]
    kind = random.choice(kinds)
    first, last = random.choice(RANGES)
    return FunnelQuery(
        project_id=0,
        steps=steps,
        date_range=DateRange(date_from=start + first * LENGTH, date_to=start + last * LENGTH, timezone="UTC"),
        filter=random.choice(FILTERS),
        order=order,
        window=random.choice(WINDOWS),
        exclusions=exclusions(random, len(steps)) if kind == "exclusions" else (),
        breakdown=random.choice([None, breakdown(random, len(steps))]),
        entrance=entrance(random, start) if kind == "trends" else None,
        furthest=sorted(random.sample(numbers, random.choice(numbers))),
        limit=random.choice([100, 100, 100, 1, 2]),
        offset=random.choice([0, 0, 0, 1, 2]),
    )


def steps_of_funnel(random: Random) -> list[Entity]:
    names = [named(each) for each in "ABC"]
    return random.choice(
        [
            names,
            random.sample(names, 3),
            random.choices([*names, named("A", "B"), ANY], k=random.randint(1, 4)),
            random.choices(ENTITIES, k=random.randint(2, 4)),
        ]
    )


def exclusions(random: Random, steps: int) -> list[Exclusion]:
    spans = list(itertools.combinations(range(steps), 2))
    drawn = [(random.choice(SPOILERS), *random.choice(spans)) for _ in range(random.choice([1, 1, 2]))]
    return [Exclusion(entity=entity, from_step=first, to_step=last) for entity, first, last in drawn]


def breakdown(random: Random, steps: int) -> EventBreakdown:
    attribution = random.choice(ATTRIBUTIONS)
    step = random.randrange(steps) if attribution == "step" else None
    return EventBreakdown(key=VALUE, attribution=attribution, step=step, values=random.choice(ASKED))


def entrance(random: Random, start: datetime) -> Span:
    first, last = random.choice(ENTRANCES)
    return Span(start=None if first is None else start + first, end=None if last is None else start + last)
