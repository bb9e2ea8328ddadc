"""Lifecycles: who was new, returning, resurrecting or dormant in which period."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from clickhouse.client import ClickHouse
from clickhouse.lifecycle import lifecycle_count, lifecycle_persons
from clickhouse.query.dates import DateRange
from clickhouse.query.lifecycle import LifecycleQuery, LifecycleType
from tests.clickhouse.generated_funnels import named
from tests.clickhouse.generated_lifecycles import PROFILE, Asked, Calendar, Created, Example, examples
from tests.clickhouse.reference_funnel import Event, holds, matches
from tests.clickhouse.reference_lifecycle import lifecycle
from tests.clickhouse.stored_funnels import (
    event_rows,
    insert,
    override_rows,
    person_id,
    person_rows,
    projects,
)

JULY = datetime(2021, 7, 1, tzinfo=UTC)
EXAMPLES = int(os.environ.get("LIFECYCLE_EXAMPLES", "30"))
TYPES: tuple[LifecycleType, ...] = get_args(LifecycleType)


def stored(store: ClickHouse, persons: Sequence[Created]) -> int:
    """A new project with these persons. Versions come in inserts of their own, hence in several parts."""
    project = next(projects)
    rows_of = {
        "events": event_rows,
        "person": created_rows,
        "person_distinct_id_overrides": override_rows,
    }
    for table, make in rows_of.items():
        rows = [row for number, person in enumerate(persons) for row in make(project, number, person)]
        for version in (1, 2, 3):
            insert(store, table, project, [r for r in rows if r.get("version", 1) == version], f"v{version}")
    return project


def created_rows(project: int, number: int, person: Created) -> list[dict[str, Any]]:
    """The latest row of the person says when it was created, an older one something else."""
    own, other = str(person_id(project, number)), str(person.other_created_at)
    rows = [{**row, "created_at": other} for row in person_rows(project, number, person)]
    latest = max((row for row in rows if row["id"] == own), key=lambda row: row["version"], default=None)
    if latest is not None:
        rows.append({**latest, "created_at": str(person.created_at), "version": latest["version"] + 1})
    return rows


def on(*days: float, properties: dict[str, Any] | None = None) -> list[Event]:
    """Events A on these days of July, from 1 on; 5.5 is the noon of the fifth."""
    return [
        Event("A", JULY + timedelta(days=day - 1), arrival, properties or {})
        for arrival, day in enumerate(days)
    ]


def created(day: float, events: Sequence[Event], kind: str = "live") -> Created:
    return Created(events, kind, created_at=JULY + timedelta(days=day - 1))


def told(store: ClickHouse, person: Created) -> dict[int, LifecycleType]:
    """What the person is on each of the days from 5 to 11, and on the one after them."""
    project, found = stored(store, [person]), dict[int, LifecycleType]()
    for number in range(5, 13):
        for kind in TYPES:
            query = asked(project, kind, day=number)
            if query.can_have_persons and lifecycle_persons(store, query):
                assert number not in found, "a person cannot be two things"
                found[number] = kind
    return found


def asked(
    project: int, kind: LifecycleType, *, day: float, first: float = 5, last: float = 11.5
) -> LifecycleQuery:
    """The lifecycle of A, by day, in a part of July."""
    at = [JULY + timedelta(days=each - 1) for each in (first, last, day)]
    return LifecycleQuery(
        project_id=project,
        entity=named("A"),
        lifecycle_type=kind,
        target_date=at[2],
        date_range=DateRange(date_from=at[0], date_to=at[1], timezone="UTC"),
    )


MOMENT = timedelta(microseconds=1) / timedelta(days=1)


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        pytest.param(
            created(6, on(6.5, 7.5, 9.5)),
            {6: "new", 7: "returning", 8: "dormant", 9: "resurrecting", 10: "dormant"},
            id="p1 of the specification",
        ),
        pytest.param(created(1, on(4, 5)), {5: "returning", 6: "dormant"}, id="p2"),
        pytest.param(created(1, on(2, 5)), {5: "resurrecting", 6: "dormant"}, id="p3"),
        pytest.param(created(5, on(6)), {6: "resurrecting", 7: "dormant"}, id="p4"),
        pytest.param(
            created(1, on(4.5)), {5: "dormant"}, id="who was active before the range can be dormant in it"
        ),
        pytest.param(created(11, on(11.9)), {11: "new", 12: "dormant"}, id="dormant after the range"),
        pytest.param(created(11, on(11, 12)), {11: "new", 12: "dormant"}, id="of which nothing is seen"),
        pytest.param(created(7.9, on(7)), {7: "new", 8: "dormant"}, id="created late in the period"),
        pytest.param(
            created(8, on(7, 8)), {7: "resurrecting", 8: "returning", 9: "dormant"}, id="and after it"
        ),
        pytest.param(
            created(9, on(5, 9)),
            {5: "resurrecting", 6: "dormant", 9: "resurrecting", 10: "dormant"},
            id="who did it before being created is not new",
        ),
        pytest.param(created(9, on(3, 9)), {9: "new", 10: "dormant"}, id="unless that is not seen"),
        pytest.param(created(9, on(9, 4)), {5: "dormant", 9: "resurrecting", 10: "dormant"}, id="this is"),
        pytest.param(
            created(6, on(6, 7 - MOMENT, 8)),
            {6: "new", 7: "dormant", 8: "resurrecting", 9: "dormant"},
            id="the last moment of a day",
        ),
        pytest.param(
            created(6, [*on(6), *on(7, properties={PROFILE: False})]),
            {6: "new", 7: "dormant"},
            id="without a profile nothing counts",
        ),
        pytest.param(
            created(6, on(6, 7), "merged"),
            {6: "new", 7: "returning", 8: "dormant"},
            id="merged persons are one",
        ),
        pytest.param(created(6, on(6, 7), "split"), {6: "new", 7: "dormant"}, id="and two after a split"),
        pytest.param(created(6, on(6), "deleted"), {}, id="the deleted are nobody"),
        pytest.param(created(6, on(6), "personless"), {}, id="nor are the personless"),
    ],
)
def test_a_person_is_exactly_this(
    clickhouse: ClickHouse, person: Created, expected: dict[int, LifecycleType]
) -> None:
    assert told(clickhouse, person) == expected


@pytest.mark.parametrize(
    ("kind", "first", "day", "last", "possible"),
    [
        ("new", 5, 4.9, 11, False),
        ("new", 5.5, 5, 11, True),
        ("returning", 5, 11.9, 11, True),
        ("returning", 5, 12, 11, False),
        ("resurrecting", 5, 12, 11, False),
        ("dormant", 5, 4.9, 11, False),
        ("dormant", 5, 12.9, 11, True),
        ("dormant", 5, 13, 11, False),
        ("dormant", 12, 12, 11, False),
    ],
)
def test_only_the_range_can_have_persons_and_the_period_after_it_the_dormant(
    kind: LifecycleType, first: float, day: float, last: float, possible: bool
) -> None:
    assert asked(1, kind, day=day, first=first, last=last).can_have_persons is possible


def statuses(person: Created, drawn: Asked, calendar: Calendar) -> set[tuple[int, LifecycleType]]:
    """What the reference says a person is in which period."""
    query, history = drawn.query, person.history
    did_it = [
        event.at
        for event in history
        if matches(query.entity, event, history)
        and holds(query.filter, event)
        and event.properties.get(PROFILE) is not False
    ]
    return lifecycle(did_it, person.created_at, calendar.starts, drawn.first, drawn.last)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(example=examples)
def test_everybody_is_what_the_reference_says(clickhouse: ClickHouse, example: Example) -> None:
    calendar, persons, questions = example
    project = stored(clickhouse, persons)
    people = {person_id(project, number): person for number, person in enumerate(persons)}
    for asked in questions:
        query = asked.query.model_copy(update={"project_id": project})
        status = (asked.target, query.lifecycle_type)
        wanted = [
            each for each in sorted(people, key=str) if status in statuses(people[each], asked, calendar)
        ]
        note(f"{query.model_dump_json(exclude_defaults=True)}\n{example}")
        found = lifecycle_persons(clickhouse, query)
        assert found == wanted[query.offset : query.offset + query.limit + 1]
    assert lifecycle_count(clickhouse, query) == len(wanted)
