"""Funnels of every kind: who is counted, and how far each got."""

import itertools
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from clickhouse.client import ClickHouse
from clickhouse.funnel import funnel_count, funnel_persons, funnel_statement
from clickhouse.query.conditions import Span
from clickhouse.query.filters import Entity
from clickhouse.query.funnel import Attribution, EventBreakdown, Exclusion, FunnelQuery
from tests.clickhouse.generated_funnels import Example, Person, examples, named
from tests.clickhouse.reference_funnel import Event, comes_back, results
from tests.clickhouse.stored_funnels import (
    DAY_0,
    Steps,
    asked,
    check,
    days,
    furthest,
    person_id,
    seconds,
    stored,
    whole,
    window,
)

EXAMPLES = int(os.environ.get("FUNNEL_EXAMPLES", "40"))


ABSENT = None
SECOND = 1 / 86400
ABC, AB, AA, AAB, A_ANY = ["A", "B", "C"], ["A", "B"], ["A", "A"], ["A", "A", "B"], ["A", None]


@pytest.mark.parametrize(
    ("steps", "events", "expected"),
    [
        pytest.param(ABC, days(("A", 0), ("B", 14)), 2, id="the window's last moment converts"),
        pytest.param(ABC, days(("A", 0), ("B", 14 + SECOND)), 1, id="a second later does not"),
        pytest.param(ABC, days(("A", 0), ("B", 1), ("C", 14.5)), 2, id="the window runs from the first step"),
        pytest.param(
            ABC, days(("A", 0), ("B", 1), ("A", 13), ("C", 14.5)), 2, id="a new entry has not the old one's B"
        ),
        pytest.param(
            ABC,
            days(("A", 0), ("B", 1), ("A", 13), ("B", 13.5), ("C", 14.5)),
            3,
            id="a new entry may go all the way",
        ),
        pytest.param(AB, days(("B", 0), ("A", 1)), 1, id="order counts"),
        pytest.param(AB, days(("A", 59), ("B", 61)), 1, id="events after the range are not seen"),
        pytest.param(AB, days(("A", -1), ("B", 1)), ABSENT, id="events before the range are not seen"),
        pytest.param(AA, days(("A", 0)), 1, id="a repeated step needs two events"),
        pytest.param(AA, days(("A", 0), ("A", 1)), 2, id="and two are enough"),
        pytest.param(AA, days(("A", 0), ("A", 0)), 2, id="even at the same moment"),
        pytest.param(AB, days(("B", 0), ("A", 0)), 2, id="tied steps convert whichever arrived first"),
        pytest.param(AAB, days(("B", 0), ("A", 0)), 1, id="one of two tied A is missing"),
        pytest.param(AAB, days(("B", 0), ("A", 0), ("A", 0)), 3, id="a tie may go all the way"),
        pytest.param(A_ANY, days(("A", 0)), 1, id="any event is not the first step's own"),
        pytest.param(A_ANY, days(("X", 0), ("A", 0)), 2, id="but one tied with it will do"),
        pytest.param(
            ["A", "B", None], days(("A", 0), ("B", 1)), 2, id="one event takes a path one step at most"
        ),
        pytest.param(
            ["A", None, "X"],
            days(("A", 0), ("A", 1), ("X", 1)),
            3,
            id="a tie that begins an attempt takes earlier ones further as well",
        ),
    ],
)
def test_a_person_gets_exactly_so_far(
    clickhouse: ClickHouse, steps: list[str | None], events: list[Event], expected: int | None
) -> None:
    check(clickhouse, events, steps, expected)


def spoilt_by(name: str, from_step: int, to_step: int) -> dict[str, Any]:
    return {"exclusions": (Exclusion(entity=named(name), from_step=from_step, to_step=to_step),)}


STRICT, UNORDERED = {"order": "strict"}, {"order": "unordered"}
X_FROM_A_TO_B, X_FROM_B_TO_C = spoilt_by("X", 0, 1), spoilt_by("X", 1, 2)
X_CLEARS = {**UNORDERED, **X_FROM_A_TO_B}


@pytest.mark.parametrize(
    ("steps", "events", "expected", "more"),
    [
        pytest.param(
            ABC, "A0 B1 A2 X3 C5", 3, {**window(60), **X_FROM_A_TO_B}, id="a spoilt attempt stops no other"
        ),
        pytest.param(AB, "A0 A1 X2", ABSENT, {**window(10), **STRICT, **X_FROM_A_TO_B}, id="all are spoilt"),
        pytest.param(ABC, "A0 B8 X11", 2, {**window(10), **X_CLEARS}, id="though a later attempt is spoilt"),
        pytest.param(
            ABC, "A0 B8 X10", ABSENT, {**window(10), **X_CLEARS}, id="in no order, X within the window spoils"
        ),
        pytest.param(
            ABC,
            "A0 B1 A8 X9 C10",
            3,
            {**window(10), **X_FROM_A_TO_B},
            id="the first goes on after the second",
        ),
        pytest.param(
            AAB, "A0 A1 X2 B3", ABSENT, {**window(10), **spoilt_by("X", 1, 2)}, id="a repeated step"
        ),
        pytest.param(
            AAB, "A0 A1 X2 A3 A4 B5", 3, {**window(10), **spoilt_by("X", 1, 2)}, id="done again after X"
        ),
        pytest.param([None, "B"], "B100 N105", 1, {**window(10), **UNORDERED}, id="as if it had not been"),
    ],
)
def test_the_first_of_the_furthest_attempts_decides(
    clickhouse: ClickHouse, steps: Steps, events: str, expected: int | None, more: dict[str, Any]
) -> None:
    check(clickhouse, seconds(events), steps, expected, **more)


DAY_1 = {"entrance": Span(start=DAY_0 + timedelta(days=1), end=DAY_0 + timedelta(days=2))}


@pytest.mark.parametrize(
    ("steps", "events", "expected", "more"),
    [
        pytest.param(AB, days(("A", 1), ("B", 9)), 2, {}, id="a later bucket's step counts for the entrance"),
        pytest.param(AB, days(("A", 2), ("B", 3)), ABSENT, {}, id="the bucket's end is not in it"),
        pytest.param(AB, days(("A", 0), ("B", 1)), ABSENT, {}, id="an earlier path does not count"),
        pytest.param(AB, days(("A", 1)), 1, {}, id="a drop-off"),
        pytest.param(AB, days(("A", 1), ("A", 9), ("B", 15.5)), 1, {}, id="a later path does not help"),
        pytest.param(AB, days(("B", 1), ("A", 1)), 1, {}, id="what happens at once is not put in order"),
        pytest.param(AB, days(("A", 1), ("B", 1)), 2, {}, id="but taken as it came"),
        pytest.param(AB, days(("A", 1), ("X", 1), ("B", 1)), 1, STRICT, id="strictness holds at one instant"),
        pytest.param(AB, days(("A", 1), ("A", 9), ("B", 10)), 2, STRICT, id="a later first step breaks none"),
        pytest.param(["A", "A"], days(("A", 1), ("A", 9)), 2, {}, id="the same step again may be later"),
    ],
)
def test_only_paths_that_begin_in_the_entrance_count(
    clickhouse: ClickHouse, steps: Steps, events: list[Event], expected: int | None, more: dict[str, Any]
) -> None:
    check(clickhouse, events, steps, expected, **DAY_1, **more)


def by(attribution: Attribution, *values: str, step: int | None = None) -> EventBreakdown:
    return EventBreakdown(key="browser", attribution=attribution, step=step, values=values)


BROWSERS = days(("A", 0), ("A", 1, "Chrome"), ("B", 2, "Safari"), ("X", 3, "Opera"))


@pytest.mark.parametrize(
    ("events", "expected", "breakdown"),
    [
        pytest.param(BROWSERS, 2, by("first_touch", "Chrome"), id="the first value"),
        pytest.param(BROWSERS, ABSENT, by("first_touch", "Safari", "", "Opera"), id="and no other"),
        pytest.param(BROWSERS, 2, by("last_touch", "Safari"), id="the last value of a step"),
        pytest.param(BROWSERS, ABSENT, by("last_touch", "Opera"), id="other events have no say"),
        pytest.param(days(("A", 0)), 1, by("first_touch", ""), id="nothing is the empty value"),
        pytest.param(BROWSERS, 1, by("all_events", "Chrome"), id="only the events with the value"),
        pytest.param(BROWSERS, ABSENT, by("all_events", "Safari"), id="which must come to a first step"),
        pytest.param(BROWSERS, 1, by("all_events", ""), id="or those without one"),
        pytest.param(BROWSERS, 2, by("step", "", step=0), id="the step of the first attempt has no value"),
        pytest.param(BROWSERS, ABSENT, by("step", "Chrome", step=0), id="a later attempt has no say"),
        pytest.param(BROWSERS, ABSENT, by("step", "Safari", step=0), id="nor has another step"),
        pytest.param(BROWSERS, 2, by("step", "Safari", step=1), id="the other steps need none"),
        pytest.param(BROWSERS, ABSENT, by("step", "", step=1), id="the empty value is a value"),
        pytest.param(days(("A", 0, "Chrome")), ABSENT, by("step", "", step=1), id="no step, no value"),
    ],
)
def test_a_breakdown_says_for_which_value_a_person_counts(
    clickhouse: ClickHouse, events: list[Event], expected: int | None, breakdown: EventBreakdown
) -> None:
    check(clickhouse, events, AB, expected, breakdown=breakdown)


FIRST_MINUTE = {"entrance": Span(start=DAY_0, end=DAY_0 + timedelta(minutes=1))}


@pytest.mark.parametrize(
    ("steps", "events", "step", "value", "more"),
    [
        pytest.param(AB, "A0=a A1=b B2=c", 0, "a", {}, id="the first attempt"),
        pytest.param(AB, "A0=a A20=b B21=c", 0, "b", {}, id="the attempt that got furthest"),
        pytest.param(AB, "A0=a A1=b B2=c B3=d", 1, "c", {}, id="the event that made the step"),
        pytest.param(AB, "A0=a X1=b A2=c B3=d", 0, "c", X_FROM_A_TO_B, id="not that of a spoilt attempt"),
        pytest.param(AB, "A0=a A1=b", 1, None, {}, id="a step that was not made"),
        pytest.param(AB, "A0=a A0=b B0=c", 0, "a", {}, id="the first to arrive at one instant"),
        pytest.param(AAB, "B0=c A0=a A0=b", 1, "b", {}, id="a contested instant of repeated steps"),
        pytest.param(AAB, "A0=a A1=b B2=c", 1, "b", {}, id="a repeated step"),
        pytest.param(AB, "A0=a B1=b", 1, "b", STRICT, id="strict order"),
        pytest.param(AB, "B0=b A1=a", 0, "b", UNORDERED, id="in no order, the step that came first"),
        pytest.param(AB, "B0=b A1=a", 1, "a", UNORDERED, id="and second"),
        pytest.param(A_ANY, "A0=a A1=b", 1, "b", UNORDERED, id="in no order, steps that share events"),
        pytest.param(AB, "B0=b", 1, None, UNORDERED, id="in no order, a step that was not made"),
        pytest.param(AB, "A0=a A1=b B2=c", 0, "a", FIRST_MINUTE, id="funnel trends"),
        pytest.param(AB, "A0=a A1=b", 1, None, FIRST_MINUTE, id="funnel trends, dropped off"),
    ],
)
def test_the_value_of_a_step_is_that_of_its_event_on_the_attempt_that_counts(
    clickhouse: ClickHouse, *, steps: Steps, events: str, step: int, value: str | None, more: dict[str, Any]
) -> None:
    history = seconds(events)
    for asked_for in ("", "a", "b", "c", "d"):
        breakdown = by("step", asked_for, step=step)
        expected = max(furthest(clickhouse, history, steps, **window(10), **more))
        counts = expected if asked_for == value else ABSENT
        check(clickhouse, history, steps, counts, breakdown=breakdown, **window(10), **more)


FIRST_A = Entity(names=("A",), first_time=True)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(days(("A", 0), ("B", 1)), 2, id="the first one counts"),
        pytest.param(days(("A", -1), ("A", 0), ("B", 1)), ABSENT, id="even if nobody asked for its day"),
        pytest.param(days(("A", 0), ("A", 9), ("B", 15)), 1, id="a later one begins nothing"),
        pytest.param(days(("A", 0), ("A", 0), ("B", 1)), 2, id="of two at once the first that came counts"),
    ],
)
@pytest.mark.parametrize("order", ["ordered", "strict"])
def test_a_step_for_the_first_time_is_the_first_that_ever_was(
    clickhouse: ClickHouse, events: list[Event], expected: int | None, order: str
) -> None:
    check(clickhouse, events, [FIRST_A, "B"], expected, order=order)


A_FROM_A_TO_B = spoilt_by("A", 0, 1)


@pytest.mark.parametrize(
    ("steps", "events", "expected", "more"),
    [
        pytest.param(
            [FIRST_A, "B"], days(("A", 0), ("A", 20)), 1, UNORDERED, id="what is not the first one is no step"
        ),
        pytest.param(
            AB,
            days(("B", 0), ("X", 0), ("A", 1), ("A", 1)),
            1,
            {**STRICT, **A_FROM_A_TO_B},
            id="a contested instant and one that is not",
        ),
        pytest.param(
            [None, FIRST_A],
            days(("A", 0), ("X", 0), ("X", 20), ("A", 20)),
            1,
            X_FROM_A_TO_B,
            id="two contested instants",
        ),
        pytest.param([None, "A"], days(("A", 0), ("X", 0)), 1, {}, id="a tie keeps the first to open a path"),
        pytest.param([None, "A"], days(("X", 0), ("A", 0)), 2, {}, id="and the second may go on"),
        pytest.param(AB, days(("A", 0), ("A", 0)), 1, A_FROM_A_TO_B, id="a tie that spoils itself"),
        pytest.param(
            ABC,
            days(("A", 0), ("B", 1), ("X", 2), ("B", 3), ("C", 4)),
            ABSENT,
            X_FROM_B_TO_C,
            id="to do the same step again does not undo an exclusion",
        ),
        pytest.param(
            ABC,
            days(("A", 0), ("B", 1), ("A", 2), ("X", 3), ("B", 4)),
            2,
            X_FROM_A_TO_B,
            id="a spoilt path is no better than a clean one that got as far",
        ),
        pytest.param(
            ["A", "A", "B"],
            days(("A", 0), ("A", 8), ("A", 10), ("B", 22)),
            3,
            {},
            id="a step's latest path is the one that goes on",
        ),
        pytest.param(
            [named("A", "B"), "A", "C"],
            days(("A", 0), ("A", 1), ("B", 2), ("A", 15), ("C", 16)),
            3,
            UNORDERED,
            id="an event counts for the step that it was longest ago for",
        ),
    ],
)
def test_what_is_easily_got_wrong_comes_out_right(
    clickhouse: ClickHouse, steps: Steps, events: list[Event], expected: int | None, more: dict[str, Any]
) -> None:
    check(clickhouse, events, steps, expected, **more)


# To shrink an example of many persons Hypothesis would take minutes; `smallest` takes a second for one.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]


@settings(max_examples=EXAMPLES, deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(example=examples)
def test_everybody_gets_as_far_as_the_reference(clickhouse: ClickHouse, example: Example) -> None:
    project = stored(clickhouse, example.persons)
    people = {person_id(project, number): person for number, person in enumerate(example.persons)}
    for drawn in example.queries:
        query = drawn.model_copy(update={"project_id": project})
        note(query.model_dump_json(exclude_defaults=True))
        wanted = [each for each in sorted(people, key=str) if comes_back(people[each].history, query)]
        page = wanted[query.offset : query.offset + query.limit + 1]
        found = funnel_persons(clickhouse, query)
        assert found == page, disagreement(clickhouse, query, example.persons)
    assert funnel_count(clickhouse, query) == len(wanted), disagreement(clickhouse, query, example.persons)


def disagreement(store: ClickHouse, query: FunnelQuery, persons: Sequence[Person]) -> str:
    """What to read when the engine and the reference disagree about one of these persons."""
    lines = [query.model_dump_json(exclude_defaults=True)]
    for person in filter(None, (smallest(store, query, person) for person in persons)):
        lines.append(f"{person.kind}, {person.plan}, by the reference {results(person.history, query)}:")
        lines += [f"  {each.arrival} {each.at} {each.name} {each.properties}" for each in person.events]
    return "\n".join(lines)


def smallest(store: ClickHouse, query: FunnelQuery, person: Person) -> Person | None:
    """The person with no more events than it takes to disagree; None when there is no disagreement."""
    asked = query.model_copy(update={"project_id": stored(store, [person]), "offset": 0})
    if bool(funnel_persons(store, asked)) == comes_back(person.history, asked):
        return None
    fewer = (replace(person, events=[e for e in person.events if e is not each]) for each in person.events)
    return next(filter(None, (smallest(store, query, each) for each in fewer)), person)


@pytest.mark.parametrize("steps", [AB, AAB], ids=["disjoint steps", "overlapping steps"])
def test_pages_joined_are_everybody_once_in_order_of_their_uuid(
    clickhouse: ClickHouse, steps: list[str]
) -> None:
    events = days(("A", 0), ("A", 1), ("B", 2))
    kinds = itertools.cycle(["live", "deleted", "merged", "personless"])
    persons = [Person(events, kind) for _, kind in zip(range(100), kinds, strict=False)]
    project = stored(clickhouse, persons)

    pages = []
    for offset in range(0, 100, 7):
        page = funnel_persons(clickhouse, asked(project, steps, whole(steps), limit=7, offset=offset))
        has_more = len(page) == 8
        assert has_more == (offset + 7 < 50)
        pages.extend(page[:7])

    assert pages == sorted((person_id(project, number) for number in range(0, 100, 2)), key=str)
    assert funnel_count(clickhouse, asked(project, steps, whole(steps), limit=7)) == 50


def test_another_project_is_not_seen(clickhouse: ClickHouse) -> None:
    stored(clickhouse, [Person(days(("A", 0), ("B", 1)))])
    empty = stored(clickhouse, [])
    assert funnel_persons(clickhouse, asked(empty, AB, (1, 2))) == []
    assert funnel_count(clickhouse, asked(empty, AB, (1, 2))) == 0


def test_an_event_name_is_a_value_and_never_sql(clickhouse: ClickHouse) -> None:
    name = "it's {odd:String} \\ \" %s\n\t'; DROP TABLE events"
    project = stored(clickhouse, [Person(days((name, 0), ("B", 1)))])
    assert funnel_persons(clickhouse, asked(project, [name, "B"], (2,))) == [person_id(project, 0)]
    assert name not in funnel_statement(asked(project, [name, "B"], (2,))).text


def test_twenty_steps_are_walked(clickhouse: ClickHouse) -> None:
    events = days(*((f"step {number // 2}", number / 10) for number in range(20)))
    check(clickhouse, events, [event.name for event in events], 20)
