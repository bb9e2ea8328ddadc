"""Histories on the edges of periods, to the microsecond, around changes of clocks, and every lifecycle to
ask of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple, get_args

from hypothesis import strategies as st

from clickhouse.query.dates import DateRange, Interval
from clickhouse.query.filters import EVERYTHING, AllOf, Entity
from clickhouse.query.lifecycle import LifecycleQuery, LifecycleType
from tests.clickhouse.generated_funnels import (
    ACTION,
    ANY,
    KINDS,
    MICROSECOND,
    ON,
    PLANS,
    PRO,
    SHOWN,
    Person,
    named,
)
from tests.clickhouse.reference_funnel import Event

PERSONS_PER_EXAMPLE = 10
QUERIES_PER_EXAMPLE = 8
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
PROFILE = "$process_person_profile"


class Calendar(NamedTuple):
    """Periods that follow each other: `starts` says when each begins, the last one when they end."""

    timezone: str
    interval: Interval
    starts: list[datetime]
    week_start_day: int = 0


def utc(day: str, *times: str) -> list[datetime]:
    """The times of the days of a month, written as `day hour:minute`."""
    return [datetime.strptime(f"{day}-{each}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC) for each in times]


BERLIN, NEW_YORK, KATHMANDU, APIA = "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"
NEW_YORKS_SUNDAYS = [
    *utc("2024-02", "18 05:00", "25 05:00"),
    *utc("2024-03", "03 05:00", "10 05:00", "17 04:00", "24 04:00"),
]
NEW_YORKS_MONDAYS = [
    *utc("2024-02", "19 05:00", "26 05:00"),
    *utc("2024-03", "04 05:00", "11 04:00", "18 04:00", "25 04:00"),
]
# Samoa had no Friday, 30 December 2011.
APIAS_SUNDAYS = [
    *utc("2011-12", "11 10:00", "18 10:00", "25 10:00", "31 10:00"),
    *utc("2012-01", "07 10:00", "14 10:00"),
]
APIAS_MONDAYS = [
    *utc("2011-12", "12 10:00", "19 10:00", "26 10:00"),
    *utc("2012-01", "01 10:00", "08 10:00", "15 10:00"),
]
CALENDARS = [
    Calendar(
        "UTC",
        "day",
        [
            *utc("1969-12", "29 00:00", "30 00:00", "31 00:00"),
            *utc("1970-01", "01 00:00", "02 00:00", "03 00:00"),
        ],
    ),
    Calendar(
        BERLIN,
        "day",
        utc("2024-03", "28 23:00", "29 23:00", "30 23:00", "31 22:00")
        + utc("2024-04", "01 22:00", "02 22:00"),
    ),
    Calendar(
        BERLIN, "hour", utc("2024-03", "30 23:00", "31 00:00", "31 01:00", "31 02:00", "31 03:00", "31 04:00")
    ),
    Calendar(
        BERLIN, "hour", utc("2024-10", "26 23:00", "27 00:00", "27 01:00", "27 02:00", "27 03:00", "27 04:00")
    ),
    Calendar(
        BERLIN,
        "month",
        [
            *utc("2023-12", "31 23:00"),
            *utc("2024-01", "31 23:00"),
            *utc("2024-02", "29 23:00"),
            *utc("2024-03", "31 22:00"),
            *utc("2024-04", "30 22:00"),
            *utc("2024-05", "31 22:00"),
        ],
    ),
    Calendar(
        NEW_YORK,
        "day",
        utc("2024-11", "01 04:00", "02 04:00", "03 04:00", "04 05:00", "05 05:00", "06 05:00", "07 05:00"),
    ),
    Calendar(NEW_YORK, "week", NEW_YORKS_SUNDAYS),
    Calendar(NEW_YORK, "week", NEW_YORKS_MONDAYS, week_start_day=1),
    Calendar(
        KATHMANDU,
        "hour",
        utc("1985-12", "31 16:30", "31 17:30", "31 18:30", "31 19:15", "31 20:15", "31 21:15"),
    ),
    Calendar(
        KATHMANDU,
        "day",
        [
            *utc("1985-12", "29 18:30", "30 18:30", "31 18:30"),
            *utc("1986-01", "01 18:15", "02 18:15", "03 18:15"),
        ],
    ),
    Calendar(
        APIA,
        "day",
        [
            *utc("2011-12", "28 10:00", "29 10:00", "30 10:00", "31 10:00"),
            *utc("2012-01", "01 10:00", "02 10:00"),
        ],
    ),
    Calendar(APIA, "week", APIAS_SUNDAYS),
    Calendar(APIA, "week", APIAS_MONDAYS, week_start_day=1),
    Calendar(
        APIA,
        "month",
        [
            *utc("2011-10", "01 10:00"),
            *utc("2011-11", "01 10:00"),
            *utc("2011-12", "01 10:00", "31 10:00"),
            *utc("2012-01", "31 10:00"),
            *utc("2012-02", "29 10:00"),
        ],
    ),
    Calendar(
        "Australia/Lord_Howe",
        "hour",
        utc("2024-04", "06 13:00", "06 14:00", "06 15:00", "06 15:30", "06 16:30", "06 17:30"),
    ),
]
TYPES = get_args(LifecycleType)
ENTITIES = [named("A"), named("A"), ANY, ACTION, Entity(names=("A",), filter=ON)]
FILTERS = [EVERYTHING, EVERYTHING, PRO, AllOf(filters=(SHOWN, PRO))]
PROPERTIES: list[dict[str, Any]] = [
    *[{}] * 5,
    {"flag": "on"},
    {"hidden": "yes"},
    {PROFILE: False},
    {PROFILE: True},
    {PROFILE: None},
]


@dataclass(frozen=True)
class Created(Person):
    """A person that was created at a time of its own. `other_created_at`: of whom it was merged with or split
    from, and of its own row before the latest."""

    created_at: datetime = LONG_AGO
    other_created_at: datetime = LONG_AGO


class Asked(NamedTuple):
    """A question, and the places of its periods among those of the calendar."""

    query: LifecycleQuery
    first: int
    last: int
    target: int


class Example(NamedTuple):
    calendar: Calendar
    persons: Sequence[Created]
    asked: Sequence[Asked]


def generated(random: Random) -> Example:
    calendar = random.choice(CALENDARS)
    return Example(
        calendar,
        [person(random, calendar) for _ in range(PERSONS_PER_EXAMPLE)],
        [asked(random, calendar) for _ in range(QUERIES_PER_EXAMPLE)],
    )


# Hypothesis draws a seed and no more, as for funnels.
examples = st.randoms(use_true_random=True).map(generated)


def person(random: Random, calendar: Calendar) -> Created:
    plan = random.choice(PLANS)
    places = range(len(calendar.starts) - 1)
    # Few periods, so that most have a neighbour or a gap, and some created in one of them.
    active = random.sample(places, random.choice([1, 1, 2, 2, 3, 4]))
    events = [
        Event(
            random.choice("AAAB"),
            moment(random, calendar, place),
            arrival,
            random.choice(PROPERTIES),
            {"plan": plan},
        )
        for arrival, place in enumerate(random.choices(active, k=random.choice([1, 2, 3, 5])))
    ]
    created = random.choice([*active, random.choice(places)])
    return Created(
        events,
        random.choice(KINDS),
        plan,
        created_at=moment(random, calendar, created),
        other_created_at=moment(random, calendar, random.choice(places)),
    )


def moment(random: Random, calendar: Calendar, place: int) -> datetime:
    """A moment in a period: its first or last, or one in between."""
    start, end = calendar.starts[place : place + 2]
    return random.choice([start, start + MICROSECOND, start + (end - start) / 2, end - MICROSECOND])


def asked(random: Random, calendar: Calendar) -> Asked:
    first = random.randrange(1, len(calendar.starts) - 2)
    last = random.randrange(first, len(calendar.starts) - 2)
    kind = random.choice(TYPES)
    target = random.randint(first, last + (kind == "dormant"))
    query = LifecycleQuery(
        project_id=0,
        entity=random.choice(ENTITIES),
        lifecycle_type=kind,
        target_date=moment(random, calendar, target),
        date_range=DateRange(
            date_from=moment(random, calendar, first),
            date_to=moment(random, calendar, last),
            timezone=calendar.timezone,
        ),
        interval=calendar.interval,
        week_start_day=calendar.week_start_day,
        filter=random.choice(FILTERS),
        limit=random.choice([100, 100, 100, 1, 2]),
        offset=random.choice([0, 0, 0, 1]),
    )
    return Asked(query, first, last, target)
