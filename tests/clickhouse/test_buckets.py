"""Buckets of time: which hour, day, week or month a moment is in, by the clocks of a timezone."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.query.dates import Interval
from clickhouse.query.wall_clock import bucket

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "interval", "zone", "start", "end"),
    [
        ("2024-03-13 10:20:30.5", "hour", "UTC", "2024-03-13 10:00", "2024-03-13 11:00"),
        ("2024-03-13 10:00", "hour", "UTC", "2024-03-13 10:00", "2024-03-13 11:00"),
        ("2024-03-13 10:20", "hour", "Asia/Kathmandu", "2024-03-13 10:15", "2024-03-13 11:15"),
        ("2024-03-13 10:20", "day", "UTC", "2024-03-13 00:00", "2024-03-14 00:00"),
        ("2024-03-13 00:00", "day", "UTC", "2024-03-13 00:00", "2024-03-14 00:00"),
        ("2024-03-13 02:00", "day", NEW_YORK, "2024-03-12 04:00", "2024-03-13 04:00"),
        ("2024-03-13 10:20", "month", "UTC", "2024-03-01 00:00", "2024-04-01 00:00"),
        ("2024-02-29 23:59", "month", "UTC", "2024-02-01 00:00", "2024-03-01 00:00"),
        ("2023-12-31 23:59", "month", "UTC", "2023-12-01 00:00", "2024-01-01 00:00"),
        # Clocks go forward: a day of 23 hours, a month that is an hour short.
        ("2024-03-31 10:00", "day", BERLIN, "2024-03-30 23:00", "2024-03-31 22:00"),
        ("2024-03-31 10:00", "month", BERLIN, "2024-02-29 23:00", "2024-03-31 22:00"),
        # Clocks go back: a day of 25 hours, and an hour that comes twice.
        ("2024-11-03 10:00", "day", NEW_YORK, "2024-11-03 04:00", "2024-11-04 05:00"),
        ("2024-11-03 05:30", "hour", NEW_YORK, "2024-11-03 05:00", "2024-11-03 06:00"),
        ("2024-11-03 06:30", "hour", NEW_YORK, "2024-11-03 06:00", "2024-11-03 07:00"),
        # Clocks change by a part of an hour: back by a half, forward by a quarter.
        ("2024-04-06 14:59", "hour", "Australia/Lord_Howe", "2024-04-06 14:00", "2024-04-06 15:00"),
        ("2024-04-06 15:00", "hour", "Australia/Lord_Howe", "2024-04-06 15:00", "2024-04-06 15:30"),
        ("1985-12-31 18:29", "hour", "Asia/Kathmandu", "1985-12-31 17:30", "1985-12-31 18:30"),
        ("1985-12-31 18:30", "hour", "Asia/Kathmandu", "1985-12-31 18:30", "1985-12-31 19:15"),
        # Midnight does not exist.
        ("2024-09-08 12:00", "day", "America/Santiago", "2024-09-08 04:00", "2024-09-09 03:00"),
        # At one minute past midnight clocks go back to the day before.
        ("2010-11-07 02:30", "day", "America/St_Johns", "2010-11-07 02:30", "2010-11-08 03:30"),
        ("2010-11-07 03:00", "day", "America/St_Johns", "2010-11-07 02:30", "2010-11-08 03:30"),
        ("2010-11-07 02:29", "day", "America/St_Johns", "2010-11-06 02:30", "2010-11-07 02:30"),
        # Friday, 30 December, was skipped: Thursday is followed by Saturday.
        ("2011-12-30 09:59", "day", "Pacific/Apia", "2011-12-29 10:00", "2011-12-30 10:00"),
        ("2011-12-30 10:00", "day", "Pacific/Apia", "2011-12-30 10:00", "2011-12-31 10:00"),
        ("2011-12-30 10:00", "week", "Pacific/Apia", "2011-12-25 10:00", "2011-12-31 10:00"),
    ],
)
def test_a_moment_is_in_the_bucket_that_clocks_show(
    moment: str, interval: Interval, zone: str, start: str, end: str
) -> None:
    assert bucket(utc(moment), interval, ZoneInfo(zone)) == (utc(start), utc(end))


@pytest.mark.parametrize(
    ("day", "of_sunday", "of_monday"),
    [
        ("2024-03-09", "2024-03-03", "2024-03-04"),
        ("2024-03-10", "2024-03-10", "2024-03-04"),
        ("2024-03-11", "2024-03-10", "2024-03-11"),
        ("2024-03-16", "2024-03-10", "2024-03-11"),
        ("2024-03-17", "2024-03-17", "2024-03-11"),
    ],
)
def test_a_week_begins_on_the_projects_day(day: str, of_sunday: str, of_monday: str) -> None:
    for week_start_day, first in enumerate((of_sunday, of_monday)):
        found = bucket(utc(f"{day} 12:00"), "week", ZoneInfo("UTC"), week_start_day=week_start_day)
        assert found == (utc(first), utc(first) + timedelta(days=7))


MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from(
    ["UTC", BERLIN, NEW_YORK, "Asia/Kathmandu", "America/Santiago", "America/Havana", "America/St_Johns",
     "Pacific/Apia", "Australia/Lord_Howe", "Africa/Monrovia"]
)  # fmt: skip


CHANGES = st.sampled_from(
    [utc(at) for at in ("2024-03-31 01:00", "2024-11-03 06:00", "1985-12-31 18:30", "2024-04-06 15:00",
                        "2024-10-05 15:30", "2011-12-30 10:00", "2010-11-07 02:31", "1972-01-07 00:44:30")]
)  # fmt: skip
NEAR_CHANGES = st.builds(
    lambda at, by: at + by, CHANGES, st.timedeltas(-timedelta(hours=2), timedelta(hours=2))
)


@given(
    MOMENTS | NEAR_CHANGES, ZONES, st.sampled_from(["hour", "day", "week", "month"]), st.sampled_from([0, 1])
)
def test_buckets_hold_their_moments_and_follow_each_other_without_gaps(
    moment: datetime, zone_name: str, interval: Interval, week_start_day: int
) -> None:
    zone, spans = ZoneInfo(zone_name), []
    for _ in range(3):
        start, end = bucket(moment, interval, zone, week_start_day=week_start_day)
        assert start <= moment < end
        assert bucket(start, interval, zone, week_start_day=week_start_day) == (start, end)
        spans.append((start, end))
        moment = end
    assert all(end == start for (_, end), (start, _) in pairwise(spans))
