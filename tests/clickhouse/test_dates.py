"""What date_from and date_to mean: posthog-behaviour.md section 2, decisions.md section 4."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clickhouse.query.dates import DateError, DateRange, Interval, parse_moment, resolve_date_range
from clickhouse.query.wall_clock import end_of_day, end_of_hour, start_of_day, start_of_hour

NEW_YORK = "America/New_York"
BERLIN = "Europe/Berlin"
KATHMANDU = "Asia/Kathmandu"
SANTIAGO = "America/Santiago"
HAVANA = "America/Havana"
APIA = "Pacific/Apia"
LORD_HOWE = "Australia/Lord_Howe"
# The worked example's: Friday 15 March 2024, 14:20:00 in New York.
NOW = datetime(2024, 3, 15, 18, 20, tzinfo=UTC)


def resolve(
    date_from: str | None = None,
    date_to: str | None = None,
    *,
    timezone: str = NEW_YORK,
    now: datetime = NOW,
    interval: Interval = "day",
    explicit_date: bool = False,
    earliest: datetime | None = None,
) -> DateRange:
    return resolve_date_range(
        date_from,
        date_to,
        timezone=timezone,
        now=now,
        interval=interval,
        explicit_date=explicit_date,
        earliest_event=lambda: earliest,
    )


def local(moment: datetime, timezone: str = NEW_YORK) -> str:
    """What clocks show, without what is all zeros: 2024-03-15 14:20."""
    text = moment.astimezone(ZoneInfo(timezone)).replace(tzinfo=None).isoformat(" ")
    return text.removesuffix(":00").removesuffix(" 00:00")


def test_it_resolves_the_worked_example_of_the_specification() -> None:
    default = resolve()
    assert default.date_from == datetime(2024, 3, 8, 5, tzinfo=UTC)
    assert default.date_to == datetime(2024, 3, 16, 3, 59, 59, 999999, tzinfo=UTC)
    assert default.timezone == NEW_YORK

    a_day_of_hours = resolve("-24h", interval="hour")
    assert local(a_day_of_hours.date_from) == "2024-03-14 14:00"
    assert local(a_day_of_hours.date_to) == "2024-03-15 14:59:59.999999"

    assert resolve("mStart").date_from == datetime(2024, 3, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-7d", "2024-03-08"),
        ("7d", "2024-03-08"),
        ("+7d", "2024-03-08"),
        (" 7d", "2024-03-08"),  # the + of a URL that was not escaped
        ("007d", "2024-03-08"),
        ("0d", "2024-03-15"),
        ("d", "2024-03-15"),
        ("-d", "2024-03-15"),
        ("-90s", "2024-03-15"),
        ("-30M", "2024-03-15"),
        ("-900M", "2024-03-14"),
        ("h", "2024-03-15 14:00"),
        ("-3h", "2024-03-15 11:00"),
        ("-1w", "2024-03-08"),
        ("-1m", "2024-02-15"),
        ("-3m", "2023-12-15"),
        ("-1q", "2023-12-15"),
        ("-2y", "2022-03-15"),
        ("dStart", "2024-03-15"),
        ("-1dStart", "2024-03-14"),
        ("-1dEnd", "2024-03-14"),
        ("-1hStart", "2024-03-15 13:00"),
        ("-1mStart", "2024-02-01"),
        ("-1mEnd", "2024-02-29"),
        ("yStart", "2024-01-01"),
        ("-1yEnd", "2023-12-31"),
    ],
)
def test_a_relative_date_from_is_shifted_and_then_rounded_down(text: str, expected: str) -> None:
    assert local(resolve(text).date_from) == expected


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        (datetime(2023, 3, 31, 12, tzinfo=UTC), "-1m", "2023-02-28"),
        (datetime(2024, 3, 31, 12, tzinfo=UTC), "-1m", "2024-02-29"),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), "-1y", "2023-02-28"),
        (datetime(2024, 1, 31, 12, tzinfo=UTC), "-2mEnd", "2023-11-30"),
    ],
)
def test_months_and_years_stay_inside_a_shorter_month(now: datetime, text: str, expected: str) -> None:
    assert local(resolve(text, now=now).date_from) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-05-01", "2021-05-01"),
        ("2021-5-1", "2021-05-01"),
        ("20210501", "2021-05-01"),
        (" 2021-05-01 ", "2021-05-01"),
        ("2021-05-01T09:30", "2021-05-01 09:30"),
        ("2021-05-01 09:30:15", "2021-05-01 09:30:15"),
        ("2021-5-1_09:30:15", "2021-05-01 09:30:15"),
        ("2021-05-01T09", "2021-05-01 09:00"),
        ("20210501T093015", "2021-05-01 09:30:15"),
        ("2021-05-01T09:30:15.5", "2021-05-01 09:30:15.500000"),
        ("2021-05-01T09:30:15,123456789", "2021-05-01 09:30:15.123456"),
        ("2021-05-01T09:30:15Z", "2021-05-01 05:30:15"),
        ("2021-05-01t09:30:15z", "2021-05-01 05:30:15"),
        ("2021-05-01T09:30:15.5+02:00", "2021-05-01 03:30:15.500000"),
        ("2021-05-01T09:30+0200", "2021-05-01 03:30"),
        ("2021-05-01T09:30-05", "2021-05-01 10:30"),
        ("2021-05-01T09:30:15 02:00", "2021-05-01 03:30:15"),
        ("2021-05-01 09:30:15 02:00", "2021-05-01 03:30:15"),
        ("1900-01-01", "1900-01-01"),
    ],
)
def test_an_absolute_date_from_is_used_as_it_is(text: str, expected: str) -> None:
    assert local(resolve(text).date_from) == expected
    assert local(resolve(text, explicit_date=True).date_from) == expected


@pytest.mark.parametrize("interval", ["day", "week", "month"])
@pytest.mark.parametrize(
    ("text", "last_day"),
    [
        (None, "2024-03-15"),
        ("-1d", "2024-03-14"),
        ("-1h", "2024-03-15"),
        ("-1mStart", "2024-02-01"),
        ("-1mEnd", "2024-02-29"),
        ("yEnd", "2024-12-31"),
        ("2021-05-01", "2021-05-01"),
        ("2021-05-01T09:30:00", "2021-05-01"),
        ("2021-05-01T02:00:00Z", "2021-04-30"),
    ],
)
def test_date_to_lasts_to_the_end_of_its_day(text: str | None, last_day: str, interval: Interval) -> None:
    assert local(resolve(date_to=text, interval=interval).date_to) == f"{last_day} 23:59:59.999999"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "2024-03-15 14:59:59.999999"),
        ("-2h", "2024-03-15 12:59:59.999999"),
        ("-1d", "2024-03-14 14:59:59.999999"),
        ("-1dStart", "2024-03-14 00:59:59.999999"),
        ("-1hEnd", "2024-03-15 13:59:59.999999"),
        ("-1mEnd", "2024-02-29 23:59:59.999999"),
        ("2021-05-01", "2021-05-01 23:59:59.999999"),
        ("2021-05-01T09:30:00", "2021-05-01 09:30"),
    ],
)
def test_by_the_hour_date_to_lasts_to_the_end_of_its_hour_and_a_date_to_the_end_of_the_day(
    text: str | None, expected: str
) -> None:
    assert local(resolve(date_to=text, interval="hour").date_to) == expected


@pytest.mark.parametrize("interval", ["hour", "day"])
def test_explicit_date_rounds_nothing(interval: Interval) -> None:
    relative = resolve("-1d", "-90s", explicit_date=True, interval=interval)
    assert local(relative.date_from) == "2024-03-14 14:20"
    assert local(relative.date_to) == "2024-03-15 14:18:30"

    absolute = resolve("2021-05-01T09:30:00", "2021-05-01", explicit_date=True, interval=interval)
    assert local(absolute.date_to) == "2021-05-01"

    default = resolve(explicit_date=True, interval=interval)
    assert local(default.date_from) == "2024-03-08"
    assert default.date_to == NOW


def test_all_begins_with_the_earliest_event() -> None:
    earliest = datetime(2020, 2, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert resolve("all", earliest=earliest).date_from == earliest


def test_all_begins_today_when_there_are_no_events() -> None:
    assert local(resolve("all", earliest=None).date_from) == "2024-03-15"


def test_the_earliest_event_is_not_looked_up_unless_it_is_asked_for() -> None:
    def must_not_be_called() -> datetime:
        raise AssertionError

    resolve_date_range("-7d", None, timezone=NEW_YORK, now=NOW, earliest_event=must_not_be_called)


def test_a_range_that_ends_before_it_begins_is_empty_not_an_error() -> None:
    backwards = resolve("2021-05-02", "2021-05-01")
    assert backwards.date_from > backwards.date_to


REFUSED = [
    "",
    " ",
    "now",
    "today",
    "yesterday",
    "last 7d",
    "7d ago",
    "7 d",
    "--7d",
    "7",
    "-",
    "1.5d",
    "\u0667d",
    "7D",
    "1W",
    "2H",
    "1Q",
    "1Y",
    "1S",
    "-7days",
    "ALL",
    "wStart",
    "-1wEnd",
    "qStart",
    "-1qEnd",
    "sStart",
    "MEnd",
    "dstart",
    "dStartEnd",
    "2021",
    "2021-05",
    "2021-W01-1",
    "2021-02-30",
    "2021-13-01",
    "20210230",
    "0000-01-01",
    "21-05-01",
    "01/05/2021",
    "1620000000",
    "2021-05-01T",
    "2021-05-01T9:30",
    "2021-05-01T09:60",
    "2021-05-01T24:00",
    "2021-05-01T09.30",
    "2021-05-01T09:30.5",
    "2021-05-01T09:3015",
    "2021-05-01T09:30:15.",
    "2021-05-01T09:30:15.1234567890",
    "2021-05-01T09:30:15 UTC",
    "2021-05-01T09:30:15+24:00",
    "2021-05-01T09:30:15+02:60",
    "2021-05-01+02:00",
    "2021-05-01-02:00",
    "2021-05-01T09:30:15Z and more",
]


@pytest.mark.parametrize("text", REFUSED)
def test_a_text_that_is_not_wholly_understood_is_refused(text: str) -> None:
    with pytest.raises(DateError, match="ISO 8601 date") as from_error:
        resolve(date_from=text)
    assert from_error.value.parameter == "date_from"
    with pytest.raises(DateError, match="ISO 8601 date") as to_error:
        resolve(date_to=text)
    assert to_error.value.parameter == "date_to"


def test_all_is_refused_for_date_to_and_offered_for_date_from_only() -> None:
    with pytest.raises(DateError) as to_error:
        resolve(date_to="all")
    assert '"all"' not in str(to_error.value)
    with pytest.raises(DateError, match='"all"'):
        resolve(date_from="everything")


@pytest.mark.parametrize(
    "text",
    [
        "-200y",
        "-3000y",
        "-2000m",
        "-99999d",
        "-999999999999999999999999d",
        "-999999999999999999999999h",
        "-999999999999999999999999m",
        "1899-12-31",
        "0001-01-01",
        "0001-01-01T00:00:00+14:00",
        "2300-01-01",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_date_that_clickhouse_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(DateError, match="from 1900-01-01 to 2299-12-31") as from_error:
        resolve(date_from=text)
    assert from_error.value.parameter == "date_from"
    with pytest.raises(DateError, match="from 1900-01-01 to 2299-12-31"):
        resolve(date_to=text)


def test_a_last_day_that_ends_in_the_year_2300_is_refused() -> None:
    assert resolve(date_to="2299-12-31", timezone="UTC").date_to.year == 2299
    with pytest.raises(DateError, match="2299"):
        resolve(date_to="2299-12-31", timezone=NEW_YORK)


def test_a_long_text_is_not_repeated_whole_in_the_error() -> None:
    with pytest.raises(DateError) as error:
        resolve("1" * 10_000 + "d")
    assert len(str(error.value)) < 1000


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


def test_a_single_moment_can_be_read_for_other_parameters() -> None:
    moment = parse_moment("-1d", parameter="target_date", timezone=NEW_YORK, now=NOW)
    assert (local(moment.at), moment.day, moment.form) == ("2024-03-14 14:20", date(2024, 3, 14), "relative")
    assert parse_moment("2024-3-1", parameter="target_date", timezone=NEW_YORK, now=NOW).form == "date"
    with pytest.raises(DateError, match="target_date cannot be 'soon'") as error:
        parse_moment("soon", parameter="target_date", timezone=NEW_YORK, now=NOW)
    assert error.value.parameter == "target_date"


def test_a_range_is_immutable_aware_and_kept_in_utc() -> None:
    eastern = datetime(2024, 3, 15, tzinfo=ZoneInfo(NEW_YORK))
    built = DateRange(date_from=eastern, date_to=eastern, timezone=NEW_YORK)
    assert built.model_dump_json() == (
        '{"date_from":"2024-03-15T04:00:00Z","date_to":"2024-03-15T04:00:00Z","timezone":"America/New_York"}'
    )
    assert hash(built) == hash(built.model_copy())
    with pytest.raises(ValidationError):
        DateRange(date_from=datetime(2024, 3, 15), date_to=eastern, timezone=NEW_YORK)  # noqa: DTZ001


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
