"""Trends and stickiness in plain words (posthog-behaviour.md 5 and 11, decisions.md 7), to hold the SQL
against."""

import functools
import math
import operator
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from clickhouse.query.dates import Interval
from clickhouse.query.trends import Numbers, Sessions, Statistic, TrendsQuery
from tests.clickhouse.reference_filters import as_number
from tests.clickhouse.reference_funnel import Event, holds, matches, text


class Breakdown(NamedTuple):
    """One value of a property, of the events or of the person, as it is sent."""

    of: str
    key: str
    value: str
    normalize_url: bool = False
    bin: tuple[float, float] | None = None


def counted(history: Sequence[Event], query: TrendsQuery, by: Breakdown | None = None) -> list[Event]:
    """The events that count, of everything that the person ever did. `query` is without the breakdown."""
    history = sorted(history, key=lambda event: (event.at, event.arrival))
    return [
        event
        for event in history
        if query.date_range.date_from <= event.at <= query.date_range.date_to
        and matches(query.entity, event, history)
        and holds(query.filter, event)
        and (by is None or has_value(event, by))
    ]


def has_value(event: Event, by: Breakdown) -> bool:
    value = text((event.properties if by.of == "event" else event.person).get(by.key))
    if value is not None and by.normalize_url:
        value = value.rstrip("/?#") or "/"
    if by.value in ("", "$$_posthog_breakdown_null_$$"):
        return value in (None, "")
    if by.bin is not None:
        number = None if value is None else as_number(value)
        return number is not None and by.bin[0] <= number < by.bin[1]
    return value == by.value


def measured(events: Sequence[Event], query: TrendsQuery) -> float | None:
    """The number of somebody whose events these are, of which there is at least one."""
    match query.measure:
        case Sessions():
            sessions = {text(event.properties.get("$session_id")) for event in events}
            return len(sessions - {None, ""})
        case Numbers(key=key, statistic=statistic):
            return of_numbers([event.properties.get(key) for event in events], statistic)
    return len(events)


def of_numbers(values: Sequence[Any], statistic: Statistic) -> float | None:
    texts = [text(value) for value in values]
    numbers = sorted(n for n in (as_number(each) for each in texts if each is not None) if n is not None)
    if not numbers:
        return None
    total = functools.reduce(operator.add, numbers, 0.0)
    found = {
        "sum": total,
        "avg": total / len(numbers),
        "min": numbers[0],
        "max": numbers[-1],
        **{
            name: percentile(numbers, level)
            for name, level in (("median", 0.5), ("p75", 0.75), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99))
        },
    }[statistic]
    return found if math.isfinite(found) else None


def percentile(numbers: Sequence[float], level: float) -> float:
    """Between the two numbers that are nearest to its place, as far as it lies between them."""
    place = level * (len(numbers) - 1) + 1
    below = int(place)
    if below >= len(numbers):
        return numbers[-1]
    return numbers[below - 1] + (place - below) * (numbers[below] - numbers[below - 1])


def intervals(events: Sequence[Event], interval: Interval, zone: ZoneInfo, week_start_day: int) -> int:
    """In how many intervals the events happened: by what calendar and clock on the wall showed."""
    return len({on_the_wall(event.at.astimezone(zone), interval, week_start_day) for event in events})


def on_the_wall(local: datetime, interval: Interval, week_start_day: int) -> object:
    day = local.date()
    match interval:
        case "hour":
            # An hour that comes twice is two: with the one offset from UTC, and with the other.
            return day, local.hour, local.utcoffset()
        case "day":
            return day
        case "week":
            return day - timedelta(days=(day.isoweekday() - week_start_day) % 7)
    return day.year, day.month
