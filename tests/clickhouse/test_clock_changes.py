"""Days and hours where clocks are changed: a date range is what people there mean by it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.query.dates import Interval
from clickhouse.query.wall_clock import end_of_day, end_of_hour, start_of_day, start_of_hour
from tests.clickhouse.zones import APIA, BERLIN, HAVANA, KATHMANDU, LORD_HOWE, NEW_YORK, SANTIAGO, resolve


@pytest.mark.parametrize(
    ("timezone", "day", "first", "hours"),
    [
        (BERLIN, "2024-03-31", "2024-03-30T23:00Z", 23),
        (BERLIN, "2024-10-27", "2024-10-26T22:00Z", 25),
        (NEW_YORK, "2024-03-10", "2024-03-10T05:00Z", 23),
        (NEW_YORK, "2024-11-03", "2024-11-03T04:00Z", 25),
        (KATHMANDU, "2024-03-15", "2024-03-14T18:15Z", 24),
        (KATHMANDU, "1986-01-01", "1985-12-31T18:30Z", 23.75),  # clocks went from 00:00 to 00:15
        (SANTIAGO, "2021-09-05", "2021-09-05T04:00Z", 23),  # there was no 00:00
        (SANTIAGO, "2021-04-03", "2021-04-03T03:00Z", 25),  # 23:00 to 24:00 came twice
        (HAVANA, "2021-11-07", "2021-11-07T04:00Z", 25),  # 00:00 came twice
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30Z", 23.5),  # clocks went from 23:30 to 00:30
        (APIA, "2011-12-29", "2011-12-29T10:00Z", 24),
        (APIA, "2011-12-30", "2011-12-30T10:00Z", 0),  # there was no such day
        (APIA, "2011-12-31", "2011-12-30T10:00Z", 24),
    ],
)
def test_a_day_is_as_long_as_the_clocks_make_it(timezone: str, day: str, first: str, hours: float) -> None:
    the_day = resolve(day, day, timezone=timezone)
    assert the_day.date_from == datetime.fromisoformat(first)
    length = the_day.date_to - the_day.date_from + timedelta(microseconds=1)
    assert length == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("timezone", "now", "text", "expected"),
    [
        # 23 hours before: calendar days keep the clock face, hours do not
        (BERLIN, "2024-03-31T10:00Z", "-1d", "2024-03-30T11:00Z"),
        (BERLIN, "2024-03-31T10:00Z", "-24h", "2024-03-30T10:00Z"),
        (NEW_YORK, "2024-11-03T17:00Z", "-1w", "2024-10-27T16:00Z"),
        (NEW_YORK, "2024-11-03T17:00Z", "-168h", "2024-10-27T17:00Z"),
        (NEW_YORK, "2024-04-10T16:00Z", "-1m", "2024-03-10T16:00Z"),
        (NEW_YORK, "2024-04-08T16:00Z", "-1m", "2024-03-08T17:00Z"),
        # 02:30 was skipped, so it is 03:30
        (BERLIN, "2024-04-01T00:30Z", "-1d", "2024-03-31T01:30Z"),
        # 02:30 came twice, so it is the first
        (BERLIN, "2024-10-28T01:30Z", "-1d", "2024-10-27T00:30Z"),
        # the second 02:30 remains itself when nothing is subtracted, and an hour before it is the first
        (BERLIN, "2024-10-27T01:30Z", "0d", "2024-10-27T01:30Z"),
        (BERLIN, "2024-10-27T01:30Z", "-1h", "2024-10-27T00:30Z"),
        (BERLIN, "2024-10-27T01:30Z", "-60M", "2024-10-27T00:30Z"),
        (BERLIN, "2024-10-27T01:30Z", "-3600s", "2024-10-27T00:30Z"),
        # the day before was skipped, so it moves forward to today
        (APIA, "2011-12-31T02:00Z", "-1d", "2011-12-31T02:00Z"),
        (APIA, "2011-12-31T02:00Z", "-2d", "2011-12-30T02:00Z"),
        (BERLIN, "2024-03-15T10:00Z", "2024-03-31T02:30:00", "2024-03-31T01:30Z"),
        (BERLIN, "2024-03-15T10:00Z", "2024-10-27T02:30:00", "2024-10-27T00:30Z"),
        (KATHMANDU, "2024-03-15T10:00Z", "2024-03-15T12:00:00", "2024-03-15T06:15Z"),
    ],
)
def test_clock_changes_move_moments_as_people_expect(
    timezone: str, now: str, text: str, expected: str
) -> None:
    asked = resolve(text, timezone=timezone, now=datetime.fromisoformat(now), explicit_date=True)
    assert asked.date_from == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("timezone", "now", "first"),
    [
        (KATHMANDU, "2024-03-15T10:00Z", "2024-03-15T09:15Z"),
        (BERLIN, "2024-10-27T00:30Z", "2024-10-27T00:00Z"),
        (BERLIN, "2024-10-27T01:30Z", "2024-10-27T01:00Z"),  # 02:00 to 03:00, the second time
    ],
)
def test_an_hour_begins_and_ends_on_the_projects_clock(timezone: str, now: str, first: str) -> None:
    this_hour = resolve("0h", timezone=timezone, now=datetime.fromisoformat(now), interval="hour")
    assert this_hour.date_from == datetime.fromisoformat(first)
    assert this_hour.date_to - this_hour.date_from == timedelta(hours=1) - timedelta(microseconds=1)


ZONES = st.sampled_from([BERLIN, NEW_YORK, KATHMANDU, SANTIAGO, HAVANA, APIA, LORD_HOWE, "Africa/Casablanca"])
# Until 2011 clocks in Newfoundland went back over midnight; since then every zone's days follow one another.
MOMENTS = st.datetimes(datetime(2011, 12, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, ZONES)
def test_every_moment_is_inside_its_own_day_and_hour(moment: datetime, timezone: str) -> None:
    zone = ZoneInfo(timezone)
    here = moment.astimezone(zone)
    first = start_of_day(here.date(), zone)
    assert first <= moment <= end_of_day(here.date(), zone)
    assert first.astimezone(zone).date() == here.date()
    assert start_of_day(first.astimezone(zone).date(), zone) == first
    assert start_of_hour(here) <= moment <= end_of_hour(here)


@given(
    numbers=st.tuples(st.integers(0, 60), st.integers(0, 60)),
    unit=st.sampled_from(["h", "d", "w", "m", "q", "y", "s", "M", "hStart", "dStart", "mStart", "yStart"]),
    interval=st.sampled_from(["hour", "day", "week", "month"]),
    now=MOMENTS,
    timezone=ZONES,
)
def test_a_relative_range_is_never_backwards(
    *, numbers: tuple[int, int], unit: str, interval: Interval, now: datetime, timezone: str
) -> None:
    earlier, later = f"-{max(numbers)}{unit}", f"-{min(numbers)}{unit}"
    asked = resolve(earlier, later, timezone=timezone, now=now, interval=interval)
    assert asked.date_from <= asked.date_to
    assert asked.date_from <= now
