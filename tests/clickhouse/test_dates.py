"""What date_from and date_to mean: posthog-behaviour.md section 2, decisions.md section 4."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from clickhouse.query.dates import DateError, DateRange, Interval, parse_moment, resolve_date_range
from tests.clickhouse.zones import NEW_YORK, NOW, local, resolve


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
