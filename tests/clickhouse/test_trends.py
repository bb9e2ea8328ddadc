"""Trends and stickiness: who did it, and what number everybody gets."""

import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from clickhouse.client import ClickHouse
from clickhouse.query.dates import DateRange, interval_starts
from clickhouse.query.filters import both
from clickhouse.query.trends import Events, Intervals, Measure, Numbers, Sessions, TrendsQuery
from clickhouse.trends import trends_count, trends_persons
from persons.api.parameters.leaves import Context
from persons.api.parameters.trends_breakdown import TrendBreakdownParameters, breakdown_filter
from persons.models import Project
from tests.clickhouse.generated_funnels import MICROSECOND, Person, named
from tests.clickhouse.generated_trends import Asked, Example, stickiness_examples, trend_examples
from tests.clickhouse.reference_funnel import Event
from tests.clickhouse.reference_trends import Breakdown, counted, intervals, measured
from tests.clickhouse.stored_funnels import person_id, stored

TRENDS_EXAMPLES = int(os.environ.get("TRENDS_EXAMPLES", "25"))
STICKINESS_EXAMPLES = int(os.environ.get("STICKINESS_EXAMPLES", "25"))
DAY_0 = datetime(2024, 3, 1, tzinfo=UTC)
# To shrink an example of many persons Hypothesis would take minutes.
SETTINGS: dict[str, Any] = {
    "deadline": None,
    "phases": [Phase.explicit, Phase.reuse, Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


def did(*properties: dict[str, Any], name: str = "A", days: float = 1) -> list[Event]:
    """Events on day 0 and each so many days later."""
    return [
        Event(name, DAY_0 + timedelta(days=number * days), number, each)
        for number, each in enumerate(properties)
    ]


def asked(project: int, measure: Measure, **more: Any) -> TrendsQuery:
    """A of thirty days."""
    month = DateRange(date_from=DAY_0, date_to=DAY_0 + timedelta(days=30), timezone="UTC")
    return TrendsQuery(
        project_id=project, entity=named("A"), measure=measure, **{"date_range": month, **more}
    )


def of(*values: Any) -> list[Event]:
    return did(*({} if value is ... else {"x": value} for value in values))


def in_sessions(*values: Any) -> list[Event]:
    return did(*({"$session_id": value} for value in values))


def number(statistic: Any) -> Numbers:
    return Numbers(key="x", statistic=statistic)


@pytest.mark.parametrize(
    ("measure", "events", "value"),
    [
        (Events(), of(1, 2, 3), 3),
        (Sessions(), in_sessions("a", "b", "a"), 2),
        (Sessions(), in_sessions("", None, "a", 5), 2),
        (Sessions(), of(1), 0),
        (number("sum"), of(1, 2.5, "4"), 7.5),
        (number("sum"), of(1, "abc", True, None, ..., "inf", [7], ""), 1.0),
        (number("sum"), of("abc", ...), None),
        (number("sum"), of(1e308, 1e308), None),
        (number("avg"), of(1, 2, 6, "none"), 3.0),
        (number("min"), of(3, -2, "x"), -2.0),
        (number("max"), of(-3, -2, "x"), -2.0),
        *((number(each), of("x"), None) for each in ("avg", "min", "max", "median", "p99")),
        (number("median"), of(4, 1), 2.5),
        (number("median"), of(3, 1, 9), 3.0),
        (number("p75"), of(1, 2, 3, 4, 5), 4.0),
        (number("p90"), of(*range(0, 101, 10)), 90.0),
        (number("p95"), of(*range(21)), 19.0),
        (number("p99"), of(0, 100), 99.0),
        (number("p90"), of(7), 7.0),
    ],
)
def test_a_person_has_the_number_that_the_measure_says(
    clickhouse: ClickHouse, measure: Measure, events: list[Event], value: float | None
) -> None:
    project = stored(clickhouse, [Person(events)])
    query = asked(project, measure)
    assert measured(events, query) == value, "the reference is wrong"
    assert trends_persons(clickhouse, query) == [(person_id(project, 0), value)]


def test_the_sum_of_the_same_numbers_is_the_same_in_any_order(clickhouse: ClickHouse) -> None:
    numbers = [0.1, 0.2, 0.3, 0.7, 1e16, -1e16]
    project = stored(clickhouse, [Person(of(*numbers)), Person(of(*reversed(numbers)))])
    first, second = trends_persons(clickhouse, asked(project, number("sum")))
    assert first.value == second.value


def test_persons_come_by_their_number_then_by_uuid_and_those_without_last(clickhouse: ClickHouse) -> None:
    amounts: Any = [5, 7, "none", 5, -1, 5, "none"]
    project = stored(clickhouse, [Person(of(each)) for each in amounts])
    order = sorted(
        range(len(amounts)),
        key=lambda place: (
            amounts[place] == "none",
            0 if amounts[place] == "none" else -amounts[place],
            str(person_id(project, place)),
        ),
    )
    found = trends_persons(clickhouse, asked(project, number("sum")))
    assert [actor.uuid for actor in found] == [person_id(project, place) for place in order]


def test_pages_joined_are_everybody_once(clickhouse: ClickHouse) -> None:
    kinds = cycle(["live", "deleted", "merged", "personless"])
    persons = [
        Person(of(*range(1 + number % 3)), kind) for number, kind in zip(range(100), kinds, strict=False)
    ]
    project = stored(clickhouse, persons)
    pages = []
    for offset in range(0, 100, 7):
        page = trends_persons(clickhouse, asked(project, Events(), limit=7, offset=offset))
        assert (len(page) == 8) == (offset + 7 < 50)
        pages.extend(page[:7])
    wanted = {person_id(project, number): 1 + number % 3 for number in range(0, 100, 2)}
    assert pages == sorted(wanted.items(), key=lambda actor: (-actor[1], str(actor[0])))
    assert trends_count(clickhouse, asked(project, Events(), limit=7)) == 50


def test_another_project_is_not_seen(clickhouse: ClickHouse) -> None:
    stored(clickhouse, [Person(of(1))])
    empty = stored(clickhouse, [])
    assert trends_persons(clickhouse, asked(empty, Events())) == []
    assert trends_count(clickhouse, asked(empty, Events())) == 0


@pytest.mark.parametrize(("hours", "whole"), [(24, 20), (1, 240), (1, 600)])
def test_as_many_intervals_as_there_are_can_be_told_apart(
    clickhouse: ClickHouse, hours: int, whole: int
) -> None:
    """Few enough for the bits of a number, and more."""
    project = stored(clickhouse, [Person(did(*[{}] * number, days=hours / 24)) for number in (whole, 3, 1)])
    month = DateRange(date_from=DAY_0, date_to=DAY_0 + timedelta(hours=hours * whole), timezone="UTC")
    interval: Any = "day" if hours == 24 else "hour"
    starts = interval_starts(month, interval, week_start_day=0, most=10_000)
    for place, value in enumerate((whole, 3, 1)):
        query = asked(project, Intervals(starts=starts), date_range=month, value=value)
        assert trends_persons(clickhouse, query) == [(person_id(project, place), value)]


def test_an_interval_that_begins_as_the_range_ends_is_one(clickhouse: ClickHouse) -> None:
    end = DAY_0 + timedelta(days=2)
    project = stored(clickhouse, [Person([Event("A", end - MICROSECOND, 0), Event("A", end, 1)])])
    days = DateRange(date_from=DAY_0, date_to=end, timezone="UTC")
    starts = interval_starts(days, "day", week_start_day=0, most=3)
    query = asked(project, Intervals(starts=starts), date_range=days)
    assert trends_persons(clickhouse, query) == [(person_id(project, 0), 2)]


def agree(
    store: ClickHouse, example: Example, value_of: Callable[[Sequence[Event], Asked], float | None]
) -> None:
    """That the engine finds what the reference does."""
    project = stored(store, example.persons)
    people = {person_id(project, number): person for number, person in enumerate(example.persons)}
    context = Context(Project(pk=project, timezone="UTC"), DAY_0)
    for each in example.asked:
        query = each.query.model_copy(update={"project_id": project})
        wanted: list[tuple[UUID, float | None]] = []
        for uuid, person in people.items():
            if events := counted(person.history, query, each.by):
                wanted.append((uuid, value_of(events, each)))
        wanted = [actor for actor in wanted if query.value is None or actor[1] == query.value]
        wanted.sort(key=lambda actor: (actor[1] is None, -(actor[1] or 0), str(actor[0])))
        if each.by is not None:
            query = query.model_copy(
                update={"filter": both(query.filter, breakdown_filter(context, sent(each.by)))}
            )
        note(f"{query.model_dump_json(exclude_defaults=True)}\n{each}\n{people}")
        assert trends_persons(store, query) == wanted[query.offset : query.offset + query.limit + 1]
        assert trends_count(store, query) == len(wanted)


def sent(by: Breakdown) -> TrendBreakdownParameters:
    return TrendBreakdownParameters.model_validate(
        {
            "breakdown": by.key,
            "breakdown_type": by.of,
            "breakdown_value": by.value,
            "breakdown_normalize_url": by.normalize_url,
            "breakdown_histogram_bin_count": 10 if by.bin else None,
        }
    )


@settings(max_examples=TRENDS_EXAMPLES, **SETTINGS)
@given(example=trend_examples)
def test_everybody_has_the_number_that_the_reference_says(clickhouse: ClickHouse, example: Example) -> None:
    agree(clickhouse, example, lambda events, each: measured(events, each.query))


@settings(max_examples=STICKINESS_EXAMPLES, **SETTINGS)
@given(example=stickiness_examples)
def test_everybody_is_as_sticky_as_the_reference_says(clickhouse: ClickHouse, example: Example) -> None:
    def value_of(events: Sequence[Event], each: Asked) -> int:
        zone = ZoneInfo(each.query.date_range.timezone)
        return intervals(events, each.interval, zone, each.week_start_day)

    agree(clickhouse, example, value_of)
