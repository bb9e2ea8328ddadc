"""Days, hours and months as the clocks of a timezone show them.

Local times are missing or doubled when clocks change, so everything that is rounded or compared is an
instant in UTC. Two aware datetimes that share a `ZoneInfo` must not be compared or subtracted: Python
then looks at the clock face and forgets the change between them.
"""

from bisect import bisect_left
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

TICK = timedelta(microseconds=1)


def on_the_clock(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment in `zone` at which clocks show `wall` (naive).

    A time that occurs twice is the first of the two; one that is skipped moves forward by the length of
    the gap, as in RFC 5545.
    """
    # The way through UTC matters: a skipped time keeps its impossible clock face otherwise.
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC).astimezone(zone)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) of a local day; for a day that was skipped, the first one after it."""
    midnight = datetime.combine(day, time.min)
    moment = on_the_clock(midnight, zone)
    if moment.replace(tzinfo=None) == midnight:
        return moment.astimezone(UTC)
    return _end_of_gap(midnight, zone)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The last microsecond (UTC) before the next local day begins: days neither overlap nor leave gaps."""
    return start_of_day(day + timedelta(days=1), zone) - TICK


def start_of_hour(moment: datetime) -> datetime:
    """The last full hour (UTC) at or before a local moment.

    Counted at the offset the moment itself has, so an hour is always sixty minutes and the doubled hour
    of a clock change is two hours.
    """
    past_the_hour = timedelta(minutes=moment.minute, seconds=moment.second, microseconds=moment.microsecond)
    return moment.astimezone(UTC) - past_the_hour


def end_of_hour(moment: datetime) -> datetime:
    """The last microsecond (UTC) of the hour that a local moment is in."""
    return start_of_hour(moment) + timedelta(hours=1) - TICK


def bucket(
    moment: datetime,
    interval: Literal["hour", "day", "week", "month"],
    zone: ZoneInfo,
    *,
    week_start_day: int = 0,
) -> tuple[datetime, datetime]:
    """When the hour, day, week or month that a moment is in begins, and when the next one does (UTC).

    `week_start_day`: 0 when weeks begin on Sunday, 1 for Monday. An hour in which clocks change ends there,
    and another one begins: sixty minutes each, unless clocks change by a part of an hour.
    """
    local = moment.astimezone(zone)
    if interval == "hour":
        start, last = start_of_hour(local), end_of_hour(local)
        return _change(start, moment, zone) or start, _change(moment, last, zone) or last + TICK
    first = local.date()
    # Clocks that go back over midnight show again a day that has ended.
    if start_of_day(first + timedelta(days=1), zone) <= moment:
        first += timedelta(days=1)
    following = first + timedelta(days=1)
    if interval == "week":
        first -= timedelta(days=(first.isoweekday() - week_start_day) % 7)
        following = first + timedelta(days=7)
    if interval == "month":
        following = last_day_of_month(first) + timedelta(days=1)
        first = first.replace(day=1)
    return start_of_day(first, zone), start_of_day(following, zone)


def months_before(wall: datetime, months: int) -> datetime:
    """`wall` that many calendar months earlier; the day is clamped to the length of the month.

    Raises OverflowError before the year 1, as subtracting days does.
    """
    year, month = divmod(wall.year * 12 + wall.month - 1 - months, 12)
    if year < 1:
        raise OverflowError("before the year 1")
    return wall.replace(year=year, month=month + 1, day=min(wall.day, monthrange(year, month + 1)[1]))


def last_day_of_month(day: date) -> date:
    """The last day of the month that `day` is in."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime | None:
    """The instant (UTC) in between at which clocks were changed, which they do on whole seconds; None when
    they were not."""

    def offset(second: int) -> timedelta | None:
        return (first + timedelta(seconds=second)).astimezone(zone).utcoffset()

    first = before.astimezone(UTC).replace(microsecond=0)
    width = (after - first) // timedelta(seconds=1)
    if offset(0) == offset(width):
        return None
    return first + timedelta(
        seconds=bisect_left(range(width), True, key=lambda n: offset(n) == offset(width))
    )


def _end_of_gap(skipped: datetime, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which clocks jumped over `skipped`, a naive local time in whole seconds.

    zoneinfo does not tell its transitions, but fold=1 and fold=0 read a skipped time at the offsets after
    and before the jump, and those two instants enclose it.
    """
    before = skipped.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = skipped.replace(tzinfo=zone, fold=0).astimezone(UTC)

    def clock_face(second: int) -> datetime:
        return (before + timedelta(seconds=second)).astimezone(zone).replace(tzinfo=None)

    width = (after - before) // timedelta(seconds=1)
    return before + timedelta(seconds=bisect_left(range(width), skipped, key=clock_face))
