"""What property filters mean, in plain words (decisions.md 5), to hold the SQL against.

`holds` takes a filter as it is sent and says whether it holds of an event: a dict with `event`,
`distinct_id`, `properties` and `person`, the properties of its person.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson

# Operators that a missing value satisfies, and what they negate.
NEGATIVE = {
    "is_not": "exact",
    "not_in": "exact",
    "not_icontains": "icontains",
    "not_regex": "regex",
    "is_not_set": "is_set",
}
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda left, right: left > right,
    "gte": lambda left, right: left >= right,
    "min": lambda left, right: left >= right,
    "lt": lambda left, right: left < right,
    "lte": lambda left, right: left <= right,
    "max": lambda left, right: left <= right,
}


def holds(filters: Any, event: dict[str, Any], zone: ZoneInfo, now: datetime) -> bool:
    if isinstance(filters, list):
        return all(holds(each, event, zone, now) for each in filters)
    if filters["type"] in ("AND", "OR"):
        members = [holds(each, event, zone, now) for each in filters["values"]]
        return all(members) if filters["type"] == "AND" or not members else any(members)
    value = value_of(filters, event)
    answer = condition(filters.get("operator", "exact"), filters.get("value"), value, zone, now)
    return answer != bool(filters.get("negation"))


def value_of(leaf: dict[str, Any], event: dict[str, Any]) -> str | None:
    """The value that a filter asks about, as text."""
    key = leaf["key"]
    match leaf["type"]:
        case "event":
            return text(event["properties"].get(key))
        case "person":
            return text(event["person"].get(key))
    found: str = event[key]
    return found


def text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        return number_text(value)
    return orjson.dumps(value).decode()


def number_text(number: float) -> str:
    if number == int(number) and abs(number) < 1e21:
        return str(int(Decimal(repr(number))))
    return format(Decimal(repr(number)), "f")


def condition(operator: str, asked: Any, value: str | None, zone: ZoneInfo, now: datetime) -> bool:
    if operator in NEGATIVE:
        return not condition(NEGATIVE[operator], asked, value, zone, now)
    if value is None:
        return False
    if operator == "is_set":
        return True
    options = [each for each in asked if each is not None] if isinstance(asked, list) else [asked]
    if operator in ("between", "not_between"):
        low, high = options
        if operator == "between":
            return compare("gte", value, low) and compare("lte", value, high)
        return compare("lt", value, low) or compare("gt", value, high)
    return any(single(operator, value, option, zone, now) for option in options)


def single(operator: str, value: str, option: Any, zone: ZoneInfo, now: datetime) -> bool:
    wanted = text(option)
    assert wanted is not None
    match operator:
        case "exact" | "in":
            return value == wanted or equal_numbers(value, wanted) or equal_documents(value, wanted)
        case "icontains":
            return lower(wanted) in lower(value)
        case "regex":
            return re.search(wanted, value, re.DOTALL) is not None
        case "gt" | "gte" | "min" | "lt" | "lte" | "max":
            return compare(operator, value, option)
    if operator.startswith("is_date_"):
        return on_date(operator, value, wanted, zone, now)
    return version(operator.removeprefix("semver_"), value, wanted)


def lower(value: str) -> str:
    return "".join(each.lower() if len(each.lower()) == 1 else each for each in value)


def equal_numbers(left: str, right: str) -> bool:
    """Equal as numbers, if both are written as JSON writes numbers, and none is too large for a double."""
    number = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?"
    if not (re.fullmatch(number, left) and re.fullmatch(number, right)):
        return False
    return float(left) == float(right) and abs(float(right)) < 2**53


def equal_documents(left: str, right: str) -> bool:
    """Equal as JSON, if both are objects or both are lists."""
    found = []
    for each in (left, right):
        try:
            found.append(orjson.loads(each) if each.lstrip()[:1] in ("{", "[") else None)
        except orjson.JSONDecodeError:
            return False
    return None not in found and canonical(found[0]) == canonical(found[1])


def canonical(document: Any) -> Any:
    """The same with texts for numbers and booleans, so that 1, true and "1" differ, and 1 and 1.0 do not."""
    match document:
        case dict():
            return {key: canonical(each) for key, each in document.items()}
        case list():
            return [canonical(each) for each in document]
        case str():
            return document
    return (text(document),)


def compare(operator: str, value: str, bound: Any) -> bool:
    number = None if isinstance(bound, bool) else as_number(str(bound))
    if number is None:
        return COMPARE[operator](value.encode(), text(bound).encode())  # type: ignore[union-attr]
    own = as_number(value)
    return own is not None and COMPARE[operator](own, number)


def as_number(value: str) -> float | None:
    if not re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", value):
        return None
    number = float(value)
    return number if abs(number) != float("inf") else None


def on_date(operator: str, value: str, wanted: str, zone: ZoneInfo, now: datetime) -> bool:
    moment = as_moment(value, zone)
    if moment is None:
        return False
    if re.fullmatch(r"\d{4}-\d\d-\d\d", wanted):
        day = datetime.fromisoformat(wanted).date()
        start = datetime.combine(day, time.min, zone)
        end = datetime.combine(day + timedelta(days=1), time.min, zone)
    elif match := re.fullmatch(r"-(\d+)h", wanted):
        start = (now - timedelta(hours=int(match[1]))).replace(microsecond=0)
        end = start + timedelta(seconds=1)
    else:
        read = as_moment(wanted, zone)
        assert read is not None
        start = read.replace(microsecond=0)
        end = start + timedelta(seconds=1)
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if operator == "is_date_before":
        return moment < start
    return start <= moment < end if operator == "is_date_exact" else moment >= end


def as_moment(value: str, zone: ZoneInfo) -> datetime | None:
    if re.fullmatch(r"[0-9]{9,10}(\.[0-9]+)?", value):
        seconds = Decimal(value)
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(seconds * 1_000_000))
    if re.fullmatch(r"[0-9]{13}", value):
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(value))
    if not re.match(r"(19|2[0-2])\d\d-\d\d?-\d\d?(?:$|[T ]\d\d:\d\d)", value):
        return None
    try:
        day, separator, rest = re.fullmatch(r"([-0-9]+)([T ]?)(.*)", value, re.DOTALL).groups()  # type: ignore[union-attr]
        padded = "-".join(part.zfill(2) for part in day.split("-"))
        moment = datetime.fromisoformat(padded + separator + rest.replace(" ", ""))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def version(operator: str, value: str, wanted: str) -> bool:
    own, bound = version_key(value), version_key(wanted.replace("*", "0"))
    if own is None or bound is None:
        return False
    if operator in ("tilde", "caret", "wildcard"):
        numbers = [int(each) for each in re.split(r"[-+]", wanted)[0].lstrip("v").split(".") if each != "*"]
        if not numbers:
            return bool(own >= bound)
        return bool(bound <= own < ceiling(operator, numbers))
    if operator in ("eq", "neq"):
        return bool(own == bound) == (operator == "eq")
    return COMPARE[operator](own, bound)


def ceiling(operator: str, numbers: list[int]) -> Any:
    """The lowest pre-release of the first version that a range leaves out."""
    fixed = len(numbers)
    if operator == "tilde":
        fixed = min(fixed, 2)
    elif operator == "caret" and any(numbers):
        fixed = next(place for place, number in enumerate(numbers, 1) if number)
    kept = numbers[:fixed]
    return version_key(".".join(map(str, ([*kept[:-1], kept[-1] + 1, 0, 0])[:3])) + "-0")


def version_key(value: str) -> Any:
    """semver.org 11: by numbers, a pre-release before its release, pre-releases label by label."""
    number, labels = r"(0|[1-9]\d{0,18})", r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
    match = re.fullmatch(
        rf"v?{number}(?:\.{number}(?:\.{number})?)?(?:-({labels}))?(?:\+{labels})?", value, re.ASCII
    )
    if match is None:
        return None
    major, minor, patch, pre = match.groups()
    key = [
        (0, int(each), "") if re.fullmatch(number, each) else (1, 0, each) for each in (pre or "").split(".")
    ]
    return (int(major), int(minor or 0), int(patch or 0), pre is None, key)
