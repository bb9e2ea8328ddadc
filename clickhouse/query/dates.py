"""The date language of queries: `-7d`, `mStart`, `2024-03-15`, `all`, and the range they ask for.

Follows posthog-behaviour.md section 2, corrected by decisions.md section 4: text that is not wholly
understood is an error, never "now".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from clickhouse.query.wall_clock import (
    TICK,
    bucket,
    end_of_day,
    end_of_hour,
    last_day_of_month,
    months_before,
    on_the_clock,
    start_of_day,
    start_of_hour,
)

Interval = Literal["hour", "day", "week", "month"]
UtcDatetime = Annotated[AwareDatetime, AfterValidator(lambda instant: instant.astimezone(UTC))]

# What ClickHouse's DateTime64 can hold.
FIRST_YEAR, LAST_YEAR = 1900, 2299

RELATIVE = re.compile(r"[-+]?(?P<number>[0-9]*)(?P<unit>[hdwmqysM])(?P<edge>Start|End)?")
ELAPSED_UNITS = {"h": timedelta(hours=1), "M": timedelta(minutes=1), "s": timedelta(seconds=1)}
DAY_UNITS = {"d": 1, "w": 7, "q": 13 * 7}
MONTH_UNITS = {"m": 1, "y": 12}
UNITS_WITH_EDGES = "hdmy"

# A + or - does not separate a time from its date: 2021-01-01+02:00 is a date with an offset, not two o'clock.
# The + of an offset arrives as a space from a URL that was not escaped.
ABSOLUTE = re.compile(
    r"""
    (?: (?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2}) | (?P<compact>[0-9]{8}) )
    (?: [^-+0-9]
        (?P<time> (?:[01][0-9]|2[0-3])
            (?: (?P<colon>:?)[0-9]{2} (?: (?P=colon)[0-9]{2} (?:[.,][0-9]{1,9})? )? )? )
        (?P<offset> [Zz] | [-+\ ](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])? )?
    )?
    """,
    re.VERBOSE,
)

ALLOWED = (
    "an ISO 8601 date or datetime (2024-03-15, 2024-03-15T18:20:00, 2024-03-15T18:20:00+02:00) or a "
    "relative date (-24h, -7d, -1mStart, yEnd), that is a number, one of h (hours), d (days), w (weeks), "
    "m (months), q (13 weeks), y (years), M (minutes), s (seconds), and Start or End after h, d, m or y"
)


class DateError(ValueError):
    """A date that cannot be used. `parameter` names where it came from; the text says what is allowed."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


class DateRange(BaseModel):
    """The window of a query. Both bounds are inclusive, in UTC, to the microsecond.

    `date_from` later than `date_to` is an empty range. `timezone` is the project's, in which days and
    hours are counted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    date_from: UtcDatetime
    date_to: UtcDatetime
    timezone: str


@dataclass(frozen=True)
class Moment:
    """What a date text means before rounding, and how it was written, which decides the rounding.

    `at` is aware and in the project's timezone. `day` is the local day of `at`, or the day that was
    written: they differ when that day was skipped. `form`: "date" and "datetime" are absolute, "hours" is
    relative in hours, "relative" in any other unit.
    """

    at: datetime
    day: date
    form: Literal["date", "datetime", "hours", "relative"]


def resolve_date_range(
    date_from: str | None,
    date_to: str | None,
    *,
    timezone: str,
    now: datetime,
    interval: Interval = "day",
    explicit_date: bool = False,
    earliest_event: Callable[[], datetime | None],
) -> DateRange:
    """The range that `date_from` and `date_to` ask for (posthog-behaviour.md 2.2, decisions.md 4).

    None stands for a parameter that was not given. `timezone` is the project's IANA name; `now` and the
    result of `earliest_event` are aware. `earliest_event` is called for `date_from="all"` only.
    `explicit_date` turns all rounding off.

    Raises DateError for a text that is not wholly understood and for a date ClickHouse cannot hold.
    """
    local_now = now.astimezone(ZoneInfo(timezone))
    first = _range_start(date_from, local_now, timezone, explicit_date, earliest_event)
    last = _range_end(date_to, local_now, timezone, explicit_date, interval)
    return DateRange(
        date_from=_storable("date_from", first), date_to=_storable("date_to", last), timezone=timezone
    )


def one_interval(date_range: DateRange, interval: Interval) -> DateRange:
    """The interval that begins with a range: an hour, or the rest of the day and whole days up to a week or a
    month. Raises DateError for a date ClickHouse cannot hold."""
    zone = ZoneInfo(date_range.timezone)
    first = date_range.date_from.astimezone(zone)
    if interval == "hour":
        end = date_range.date_from + timedelta(hours=1) - TICK
    else:
        following = {
            "day": first.date() + timedelta(days=1),
            "week": first.date() + timedelta(days=7),
            "month": months_before(first.replace(tzinfo=None), -1).date(),
        }[interval]
        end = start_of_day(following, zone) - TICK
    return date_range.model_copy(update={"date_to": _storable("date_from", end)})


def last_days(date_range: DateRange, number: int, *, clipped: bool) -> DateRange:
    """So many days, the last of which is the one in which the range ends; `clipped`: not before the range
    begins. Raises DateError for a date ClickHouse cannot hold."""
    zone = ZoneInfo(date_range.timezone)
    last = date_range.date_to.astimezone(zone).date()
    start = _storable("date_to", start_of_day(last - timedelta(days=number - 1), zone))
    if clipped:
        start = max(start, date_range.date_from)
    return date_range.model_copy(update={"date_from": start})


def interval_starts(
    date_range: DateRange, interval: Interval, *, week_start_day: int, most: int
) -> tuple[datetime, ...]:
    """When each interval of a range begins (UTC), the first one at or before its start.

    Raises DateError when there are more than `most`.
    """
    zone = ZoneInfo(date_range.timezone)
    start, following = bucket(date_range.date_from, interval, zone, week_start_day=week_start_day)
    starts = [start]
    while following <= date_range.date_to:
        if len(starts) == most:
            raise DateError(
                "interval", f"The range may have at most {most} intervals: ask for longer ones, or fewer."
            )
        starts.append(following)
        _, following = bucket(following, interval, zone, week_start_day=week_start_day)
    return tuple(starts)


def parse_moment(text: str, *, parameter: str, timezone: str, now: datetime) -> Moment:
    """The moment an absolute or relative date stands for, not rounded (posthog-behaviour.md 2.1).

    Raises DateError, naming `parameter`, for a text that is not wholly understood and for a date
    ClickHouse cannot hold.
    """
    zone = ZoneInfo(timezone)
    text = text.strip()
    try:
        moment = _relative(text, now.astimezone(zone), zone) or _absolute(text, zone)
    except OverflowError:
        raise _out_of_range(parameter) from None
    except ValueError as impossible:
        raise _not_understood(parameter, text) from impossible
    if moment is None:
        raise _not_understood(parameter, text)
    _storable(parameter, moment.at)
    return moment


def days_of(moment: Moment, timezone: str) -> tuple[datetime, datetime]:
    """When the local day of a moment begins, and when the next one does (UTC)."""
    zone = ZoneInfo(timezone)
    return start_of_day(moment.day, zone), start_of_day(moment.day + timedelta(days=1), zone)


def _range_start(
    text: str | None,
    now: datetime,
    timezone: str,
    explicit_date: bool,
    earliest_event: Callable[[], datetime | None],
) -> datetime:
    zone = ZoneInfo(timezone)
    if text is None:
        return start_of_day(now.date() - timedelta(days=7), zone)
    if text.strip() == "all":
        return earliest_event() or start_of_day(now.date(), zone)
    moment = parse_moment(text, parameter="date_from", timezone=timezone, now=now)
    if explicit_date or moment.form in {"date", "datetime"}:
        return moment.at
    return start_of_hour(moment.at) if moment.form == "hours" else start_of_day(moment.day, zone)


def _range_end(
    text: str | None, now: datetime, timezone: str, explicit_date: bool, interval: Interval
) -> datetime:
    if text is None:
        moment = Moment(at=now, day=now.date(), form="relative")
    else:
        moment = parse_moment(text, parameter="date_to", timezone=timezone, now=now)
    if explicit_date:
        return moment.at
    if interval != "hour" or moment.form == "date":
        return end_of_day(moment.day, ZoneInfo(timezone))
    return moment.at if moment.form == "datetime" else end_of_hour(moment.at)


def _relative(text: str, now: datetime, zone: ZoneInfo) -> Moment | None:
    """The moment of a relative date; None when `text` is not one, or names an edge its unit lacks.

    Without a number nothing is subtracted: `d` is today, as `dStart` is its beginning. The sign means
    nothing: PostHog always subtracts, and so do we. Raises OverflowError for times before the year 1.
    """
    match = RELATIVE.fullmatch(text)
    # PostHog ignores the edge of a week or a quarter; whoever wrote it would get another range than asked.
    if match is None or (match["edge"] and match["unit"] not in UNITS_WITH_EDGES):
        return None
    moment = _before(now, int(match["number"] or 0), match["unit"], zone)
    if match["edge"]:
        moment = _edge(moment, match["unit"], match["edge"], zone).astimezone(zone)
    return Moment(at=moment, day=moment.date(), form="hours" if match["unit"] == "h" else "relative")


def _before(now: datetime, number: int, unit: str, zone: ZoneInfo) -> datetime:
    """`now` minus `number` units. Hours and less elapse; days and more are read off a calendar."""
    if number == 0:
        return now  # going through the clock face would lose which of two doubled hours it is
    if unit in ELAPSED_UNITS:
        return (now.astimezone(UTC) - number * ELAPSED_UNITS[unit]).astimezone(zone)
    wall = now.replace(tzinfo=None)
    if unit in MONTH_UNITS:
        return on_the_clock(months_before(wall, number * MONTH_UNITS[unit]), zone)
    return on_the_clock(wall - timedelta(days=number * DAY_UNITS[unit]), zone)


def _edge(moment: datetime, unit: str, edge: str, zone: ZoneInfo) -> datetime:
    """The first or last microsecond (UTC) of the hour, day, month or year that `moment` is in."""
    day = moment.date()
    if unit == "h":
        return start_of_hour(moment) if edge == "Start" else end_of_hour(moment)
    if edge == "Start":
        first = {"d": day, "m": day.replace(day=1), "y": date(day.year, 1, 1)}[unit]
        return start_of_day(first, zone)
    last = {"d": day, "m": last_day_of_month(day), "y": date(day.year, 12, 31)}[unit]
    return end_of_day(last, zone)


def _absolute(text: str, zone: ZoneInfo) -> Moment | None:
    """The moment of an ISO 8601 date or datetime; None when `text` does not look like one.

    Without an offset the time is the project's. Fractions beyond microseconds are cut off. Raises
    ValueError for a date or time that does not exist in any timezone, like 30 February.
    """
    match = ABSOLUTE.fullmatch(text)
    if match is None:
        return None
    if match["compact"]:
        day = date.fromisoformat(match["compact"])
    else:
        day = date(int(match["year"]), int(match["month"]), int(match["day"]))
    if not match["time"]:
        return Moment(at=start_of_day(day, zone).astimezone(zone), day=day, form="date")
    offset = (match["offset"] or "").upper().replace(" ", "+")
    written = datetime.combine(day, time.fromisoformat(match["time"] + offset))
    at = written.astimezone(zone) if offset else on_the_clock(written, zone)
    return Moment(at=at, day=at.date(), form="datetime")


def _storable(parameter: str, moment: datetime) -> datetime:
    instant = moment.astimezone(UTC)
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise _out_of_range(parameter)
    return instant


def _out_of_range(parameter: str) -> DateError:
    return DateError(parameter, f"{parameter} must be from {FIRST_YEAR}-01-01 to {LAST_YEAR}-12-31 (UTC).")


def _not_understood(parameter: str, text: str) -> DateError:
    allowed = f'{ALLOWED}; or "all"' if parameter == "date_from" else ALLOWED
    return DateError(parameter, f"{parameter} cannot be {text[:50]!r}. Allowed: {allowed}.")
