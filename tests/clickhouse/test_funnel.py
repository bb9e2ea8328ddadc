"""Ordered funnels: who is counted, and how far each got."""

import itertools
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clickhouse.client import ClickHouse
from clickhouse.funnel import funnel_count, funnel_persons, funnel_statement
from clickhouse.query.dates import DateRange
from clickhouse.query.filters import Entity
from clickhouse.query.funnel import ConversionWindow, FunnelQuery, furthest_steps
from tests.clickhouse.reference_funnel import Event, furthest_step

EXAMPLES = int(os.environ.get("FUNNEL_EXAMPLES", "200"))
DAY_0 = datetime(2024, 3, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FORTNIGHT = ConversionWindow()
projects = itertools.count(7_000_000)


@dataclass(frozen=True)
class Person:
    """A person and its events as (name, moment), in order of arrival.

    `kind`: live; deleted; personless (events, but no person); merged (every other event was sent by a
    person that this one swallowed); split (the same, undone later, and the other person was deleted).
    """

    events: Sequence[tuple[str, datetime]]
    kind: str = "live"


def person_id(project: int, number: int, role: str = "person") -> UUID:
    return uuid5(NAMESPACE_OID, f"{project} {number} {role}")


def insert(store: ClickHouse, table: str, project: int, rows: list[dict[str, Any]], token: str) -> None:
    if rows:
        lines = b"\n".join(json.dumps({"team_id": project, **row}).encode() for row in rows)
        store.insert_json(table, lines, token=f"{project} {token}")


def person_row(identifier: UUID, *, version: int = 1, deleted: bool = False) -> dict[str, Any]:
    return {"id": str(identifier), "is_deleted": int(deleted), "version": version}


def override_row(distinct_id: str, owner: UUID, *, version: int, deleted: bool = False) -> dict[str, Any]:
    return {
        "distinct_id": distinct_id,
        "person_id": str(owner),
        "is_deleted": int(deleted),
        "version": version,
    }


def stored(store: ClickHouse, persons: Sequence[Person]) -> int:
    """A new project with these persons. Versions come in inserts of their own, hence in several parts."""
    project = next(projects)
    rows_of = {"events": event_rows, "person": person_rows, "person_distinct_id_overrides": override_rows}
    for table, make in rows_of.items():
        rows = [row for number, person in enumerate(persons) for row in make(project, number, person)]
        for version in (1, 2):
            insert(store, table, project, [r for r in rows if r.get("version", 1) == version], f"v{version}")
    return project


def event_rows(project: int, number: int, person: Person) -> list[dict[str, Any]]:
    has_two_devices = person.kind in ("merged", "split")
    rows = []
    for arrival, (name, at) in enumerate(person.events):
        role = "other" if has_two_devices and arrival % 2 else "person"
        row = {
            "event": name,
            "timestamp": at.strftime("%Y-%m-%d %H:%M:%S.%f"),
            "distinct_id": f"{number} {role}",
            "person_id": str(person_id(project, number, role)),
            "arrival": arrival,
        }
        rows.append(row)
    return rows


def person_rows(project: int, number: int, person: Person) -> list[dict[str, Any]]:
    own, other = person_id(project, number), person_id(project, number, "other")
    gone = {"deleted": [own], "merged": [other], "split": [other]}.get(person.kind, [])
    if person.kind == "personless":
        return []
    return [
        *(person_row(each) for each in {own, *gone}),
        *(person_row(each, version=2, deleted=True) for each in gone),
    ]


def override_rows(project: int, number: int, person: Person) -> list[dict[str, Any]]:
    own, stranger = person_id(project, number), person_id(project, number, "stranger")
    if person.kind == "merged":
        return [
            override_row(f"{number} other", stranger, version=1),
            override_row(f"{number} other", own, version=2),
        ]
    if person.kind == "split":
        return [
            override_row(f"{number} other", own, version=1),
            override_row(f"{number} other", own, version=2, deleted=True),
        ]
    return []


def asked(
    project: int,
    steps: Sequence[str | None],
    funnel_step: int,
    *,
    first: datetime = DAY_0,
    last: datetime = DAY_0 + timedelta(days=60),
    window: ConversionWindow = FORTNIGHT,
    **page: int,
) -> FunnelQuery:
    return FunnelQuery(
        project_id=project,
        steps=tuple(Entity(names=None if name is None else (name,)) for name in steps),
        date_range=DateRange(date_from=first, date_to=last, timezone="UTC"),
        window=window,
        furthest=furthest_steps(funnel_step, len(steps)),
        **page,
    )


def furthest(store: ClickHouse, events: Sequence[tuple[str, datetime]], steps: Sequence[str | None]) -> int:
    """How far one person gets, as the store sees it."""
    project = stored(store, [Person(events)])
    reached = [n for n in range(1, len(steps) + 1) if funnel_persons(store, asked(project, steps, n))]
    assert reached == list(range(1, len(reached) + 1))
    return len(reached)


def days(*events: tuple[str, float]) -> list[tuple[str, datetime]]:
    return [(name, DAY_0 + timedelta(days=day)) for name, day in events]


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
        pytest.param(AB, days(("A", -1), ("B", 1)), 0, id="events before the range are not seen"),
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
            2,
            id="a tie's first step opens a path before the rest of the tie is offered",
        ),
    ],
)
def test_a_person_gets_exactly_so_far(
    clickhouse: ClickHouse,
    steps: list[str | None],
    events: list[tuple[str, datetime]],
    expected: int,
) -> None:
    assert furthest(clickhouse, events, steps) == expected


# Few moments, so that they collide, around the edges of the range and of the window.
WINDOW = ConversionWindow(value=10, unit="second")
LENGTH = timedelta(seconds=10)
OFFSETS = [
    -MICROSECOND,
    timedelta(0),
    MICROSECOND,
    LENGTH - MICROSECOND,
    LENGTH,
    LENGTH + MICROSECOND,
    2 * LENGTH,
    3 * LENGTH,
    3 * LENGTH + MICROSECOND,
]
STARTS = [DAY_0, datetime(1969, 12, 31, 23, 59, 50, tzinfo=UTC), datetime(1900, 1, 2, tzinfo=UTC)]
HISTORIES = st.lists(st.tuples(st.sampled_from("AAABBC"), st.sampled_from(OFFSETS)), max_size=9)
KINDS = st.sampled_from(["live", "live", "merged", "split", "deleted", "personless"])
PERSONS = st.lists(st.tuples(HISTORIES, KINDS), min_size=1, max_size=12)
STEPS = st.one_of(
    st.permutations(["A", "B", "C"]),
    st.lists(st.sampled_from(["A", "B", "C"]), min_size=2, max_size=4),
    st.lists(st.sampled_from(["A", "A", "B", None]), min_size=2, max_size=4),
)


def expected_step(person: Person, start: datetime, steps: Sequence[str | None]) -> int:
    """How far the reference sees the person go; 0 for those who must not be seen."""
    if person.kind in ("deleted", "personless"):
        return 0
    events = [
        Event(name, at, arrival)
        for arrival, (name, at) in enumerate(person.events)
        if start <= at <= start + 3 * LENGTH and not (person.kind == "split" and arrival % 2)
    ]
    return furthest_step(events, steps, LENGTH)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, start=st.sampled_from(STARTS), drawn=PERSONS)
def test_everybody_gets_as_far_as_the_specification_says(
    clickhouse: ClickHouse,
    steps: list[str | None],
    start: datetime,
    drawn: list[tuple[list[tuple[str, timedelta]], str]],
) -> None:
    persons = [Person([(name, start + offset) for name, offset in history], kind) for history, kind in drawn]
    project = stored(clickhouse, persons)
    expected = [expected_step(person, start, steps) for person in persons]
    last = start + 3 * LENGTH
    for step in [*range(-len(steps), -1), len(steps)]:
        query = asked(project, steps, step, first=start, last=last, window=WINDOW)
        wanted = [person_id(project, n) for n, reached in enumerate(expected) if reached in query.furthest]
        assert funnel_persons(clickhouse, query) == sorted(wanted, key=str)
    assert funnel_count(clickhouse, query) == len(wanted)


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
        page = funnel_persons(clickhouse, asked(project, steps, len(steps), limit=7, offset=offset))
        has_more = len(page) == 8
        assert has_more == (offset + 7 < 50)
        pages.extend(page[:7])

    assert pages == sorted((person_id(project, number) for number in range(0, 100, 2)), key=str)
    assert funnel_count(clickhouse, asked(project, steps, len(steps), limit=7)) == 50


def test_another_project_is_not_seen(clickhouse: ClickHouse) -> None:
    stored(clickhouse, [Person(days(("A", 0), ("B", 1)))])
    empty = stored(clickhouse, [])
    assert funnel_persons(clickhouse, asked(empty, AB, 1)) == []
    assert funnel_count(clickhouse, asked(empty, AB, 1)) == 0


def test_an_event_name_is_a_value_and_never_sql(clickhouse: ClickHouse) -> None:
    name = "it's {odd:String} \\ \" %s\n\t'; DROP TABLE events"
    project = stored(clickhouse, [Person(days((name, 0), ("B", 1)))])
    assert funnel_persons(clickhouse, asked(project, [name, "B"], 2)) == [person_id(project, 0)]
    assert name not in funnel_statement(asked(project, [name, "B"], 2)).text


def test_twenty_steps_are_walked(clickhouse: ClickHouse) -> None:
    events = days(*((f"step {number // 2}", number / 10) for number in range(20)))
    assert furthest(clickhouse, events, [name for name, _ in events]) == 20


@pytest.mark.parametrize(
    ("funnel_step", "steps"),
    [(1, (1, 2, 3)), (2, (2, 3)), (3, (3,)), (-2, (1,)), (-3, (2,))],
)
def test_funnel_step_says_which_furthest_steps_are_meant(funnel_step: int, steps: tuple[int, ...]) -> None:
    assert furthest_steps(funnel_step, 3) == steps


@pytest.mark.parametrize("funnel_step", [0, -1, 4, -4])
def test_a_funnel_step_that_is_no_step_is_refused(funnel_step: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 3"):
        furthest_steps(funnel_step, 3)


def test_a_month_has_31_days() -> None:
    assert ConversionWindow(value=2, unit="month").microseconds == 62 * 86_400_000_000


def test_a_window_longer_than_all_of_time_is_refused() -> None:
    with pytest.raises(ValidationError, match="400 years"):
        ConversionWindow(value=10**15, unit="month")
