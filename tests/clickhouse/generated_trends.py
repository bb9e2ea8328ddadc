"""Histories for trends and stickiness, and every question to ask of them: numbers that are none, values that
look alike, moments on the edges of intervals and ranges, and clocks that change."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, NamedTuple, get_args
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from clickhouse.query.dates import DateRange, Interval, interval_starts
from clickhouse.query.filters import EVERYTHING, AllOf, Filter, Not
from clickhouse.query.trends import Events, Intervals, Measure, Numbers, Sessions, Statistic, TrendsQuery
from tests.clickhouse.generated_funnels import (
    ENTITIES,
    FILTERED,
    FIRST,
    IS_A,
    KINDS,
    MICROSECOND,
    PLANS,
    PRO,
    SHOWN,
    VALUE,
    Person,
    named,
)
from tests.clickhouse.reference_funnel import Event
from tests.clickhouse.reference_trends import Breakdown

PERSONS_PER_EXAMPLE, QUERIES_PER_EXAMPLE = 12, 8
MAX_INTERVALS = 5_000
AMOUNT = "amount"

AMOUNTS: list[Any] = [
    1, 1, 2, 2.5, -3, 0.1, 0.2, 0.3, 0.7, 1e16, 1e308, "7", "1e2", " 5", "", "abc", "inf", "nan", True, None,
    [1], {"a": 1}, 9007199254740993,
]  # fmt: skip
SESSIONS: list[Any] = ["s1", "s1", "s2", "S1", "s3", "", None, 5, "5"]
VALUES: list[Any] = [
    "x", "x", "y", "", "5", 5, 5.5, 7, -1, True, None, ["x"], "https://a.io", "https://a.io/", "https://a.io/?#",
    "https://a.io/x", "/", "?#", "X",
]  # fmt: skip
BINS = [(5, 7), (5, 5), (-10, 5.5), (5.5, 1e9), (-1e300, 1e300)]
ASKED = ["x", "X", "y", "", "5", "5.5", "true", '["x"]', "https://a.io", "/", "$$_posthog_breakdown_null_$$"]
MEASURES: list[Measure] = [
    Events(),
    Events(),
    Sessions(),
    *(Numbers(key=AMOUNT, statistic=each) for each in get_args(Statistic)),
]
FILTERS: list[Filter] = [
    EVERYTHING, EVERYTHING, SHOWN, PRO, Not(filter=IS_A), AllOf(filters=(SHOWN, PRO)),
    Not(filter=AllOf(filters=(PRO, IS_A))),
]  # fmt: skip


class Zone(NamedTuple):
    """A timezone, and a day on which its clocks change."""

    name: str
    day: date


ZONES = [
    Zone("Europe/Berlin", date(2024, 3, 31)),
    Zone("Europe/Berlin", date(2024, 10, 27)),
    Zone("America/New_York", date(2024, 3, 10)),
    Zone("America/New_York", date(2024, 11, 3)),
    Zone("Asia/Kathmandu", date(1986, 1, 1)),
    Zone("Asia/Kathmandu", date(2024, 1, 1)),
    Zone("Pacific/Apia", date(2011, 12, 30)),
    Zone("Pacific/Apia", date(2012, 4, 1)),
    Zone("UTC", date(1970, 1, 1)),
]


class Asked(NamedTuple):
    """A question without its breakdown, and that; the calendar, where intervals are asked for."""

    query: TrendsQuery
    by: Breakdown | None = None
    interval: Interval = "day"
    week_start_day: int = 0


class Example(NamedTuple):
    persons: Sequence[Person]
    asked: Sequence[Asked]


def trends(random: Random) -> Example:
    moments = moments_around(random.choice(ZONES), days=2)
    return Example(
        [person(random, moments) for _ in range(PERSONS_PER_EXAMPLE)],
        [trend(random, moments) for _ in range(QUERIES_PER_EXAMPLE)],
    )


def stickiness(random: Random) -> Example:
    zone = random.choice(ZONES)
    moments = moments_around(zone, days=random.choice([1, 2, 12, 40]))
    return Example(
        [person(random, moments) for _ in range(PERSONS_PER_EXAMPLE)],
        [sticky(random, zone.name, moments) for _ in range(QUERIES_PER_EXAMPLE)],
    )


# Hypothesis draws a seed and no more, as for funnels.
trend_examples = st.randoms(use_true_random=True).map(trends)
stickiness_examples = st.randoms(use_true_random=True).map(stickiness)


def moments_around(zone: Zone, *, days: int) -> list[datetime]:
    """Midnights, the quarters of the hours in which clocks change, and the moments before and after them."""
    info = ZoneInfo(zone.name)
    midnights = [
        datetime.combine(zone.day + timedelta(days=number), datetime.min.time(), info).astimezone(UTC)
        for number in range(-days, days + 1)
    ]
    quarters = [midnights[days] + number * timedelta(minutes=15) for number in range(-8, 20)]
    return [at + by for at in (*midnights, *quarters) for by in (timedelta(0), MICROSECOND, -MICROSECOND)]


def person(random: Random, moments: Sequence[datetime]) -> Person:
    plan, own = random.choice(PLANS), random.sample(moments, 4)
    events = [
        Event(random.choice("AAABX"), random.choice(own), arrival, properties(random), {"plan": plan})
        for arrival in range(random.choice([0, 1, 2, 3, 4, 6, 9]))
    ]
    return Person(events, random.choice(KINDS), plan)


def properties(random: Random) -> dict[str, Any]:
    drawn = {
        AMOUNT: random.choice(AMOUNTS),
        "$session_id": random.choice(SESSIONS),
        VALUE: random.choice(VALUES),
    }
    kept = {key: value for key, value in drawn.items() if random.random() < 0.8}
    return {**kept, **random.choice([{}, {"flag": "on"}, {"hidden": "yes"}])}


def trend(random: Random, moments: Sequence[datetime]) -> Asked:
    first, last = sorted(random.sample(moments, 2))
    query = TrendsQuery(
        project_id=0,
        entity=random.choice([named("A"), random.choice(ENTITIES), random.choice([*FIRST, *FILTERED])]),
        measure=random.choice(MEASURES),
        date_range=DateRange(date_from=first, date_to=last, timezone="UTC"),
        filter=random.choice(FILTERS),
        value=random.choice([None, None, None, 1]),
        limit=random.choice([100, 100, 1, 3]),
        offset=random.choice([0, 0, 1, 3]),
    )
    return Asked(query, random.choice([None, breakdown(random)]))


def breakdown(random: Random) -> Breakdown:
    kind = random.choice(["text", "text", "address", "bin", "person"])
    value = random.choice(ASKED)
    match kind:
        case "address":
            return Breakdown("event", VALUE, value, normalize_url=True)
        case "bin":
            limits = random.choice(BINS)
            return Breakdown("event", VALUE, json.dumps(limits), bin=limits)
        case "person":
            return Breakdown("person", random.choice(["plan", "none"]), random.choice([*PLANS, "", "x"]))
    return Breakdown("event", VALUE, value)


def sticky(random: Random, timezone: str, moments: Sequence[datetime]) -> Asked:
    first, last = sorted(random.sample(moments, 2))
    asked_range = DateRange(date_from=first, date_to=last, timezone=timezone)
    interval, week_start_day = random.choice(get_args(Interval)), random.choice([0, 1])
    starts = interval_starts(asked_range, interval, week_start_day=week_start_day, most=MAX_INTERVALS)
    query = TrendsQuery(
        project_id=0,
        entity=random.choice([named("A"), random.choice(ENTITIES)]),
        measure=Intervals(starts=starts),
        date_range=asked_range,
        filter=random.choice([EVERYTHING, EVERYTHING, PRO, SHOWN]),
        value=random.choice([None, 1, 1, 2, 2, 3, 4]),
    )
    return Asked(query, None, interval, week_start_day)
