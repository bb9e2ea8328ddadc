"""From an operator and a value to a condition (spec/decisions.md 5.2 to 5.6).

There are no property definitions here, so the value that was sent decides whether texts are compared as
numbers. Every function raises a 400 naming `<path>.value`.
"""

import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
import re2

from clickhouse.query.conditions import (
    LARGEST_EXACT_NUMBER,
    Between,
    Bound,
    Compares,
    Condition,
    Contains,
    Equals,
    IsSet,
    IsVersion,
    IsWithin,
    JsonNode,
    Matches,
    Span,
)
from clickhouse.query.dates import DateError, days_of, parse_moment
from clickhouse.query.versions import version_bound, version_range
from persons.api.parameters.numbers import number_in, number_text
from persons.errors import invalid
from persons.models import Project

Scalar = str | int | float | bool
MAX_VALUES = 10_000
# Of the objects and lists that the values of a filter are; each is a part of the statement.
MAX_NODES = 500
MAX_VALUE_LENGTH = 100_000


class Asked(NamedTuple):
    """A condition, and whether it is its contrary that is asked for."""

    condition: Condition
    contrary: bool


def condition(operator: str, value: Any, *, path: str, project: Project, now: datetime) -> Asked:
    """What a filter's operator and value stand for."""
    if operator in ("is_set", "is_not_set"):
        return Asked(IsSet(), operator == "is_not_set")
    at = f"{path}.value"
    values = scalars(value, at)
    if operator in _CONTRARY:
        return Asked(_SIMPLE[_CONTRARY[operator]](values, at), True)
    if operator in _SIMPLE:
        return Asked(_SIMPLE[operator](values, at), False)
    if operator in _DATES:
        spans = date_spans(operator, values, at=at, project=project, now=now)
        return Asked(IsWithin(spans=spans, timezone=project.timezone), False)
    if operator in _COMPARISONS:
        bounds = tuple(_bound(each) for each in values)
        return Asked(Compares(operator=_COMPARISONS[operator], bounds=bounds), False)
    return Asked(_version(operator.removeprefix("semver_"), values, at), False)


def scalars(value: Any, at: str) -> list[Scalar]:
    """The values asked for; nulls in a list are none."""
    if value is None:
        raise invalid(at, "Required, unless the operator is is_set or is_not_set.", "required")
    values = [each for each in value if each is not None] if isinstance(value, list) else [value]
    if len(values) > MAX_VALUES:
        raise invalid(at, f"May have at most {MAX_VALUES} values.")
    for each in values:
        if not isinstance(each, Scalar):
            raise invalid(at, "Must be a text, a number, true or false, or a list of these.")
        if isinstance(each, str) and len(each) > MAX_VALUE_LENGTH:
            raise invalid(at, f"May have at most {MAX_VALUE_LENGTH} characters.")
    return values


def text_of(value: Scalar) -> str:
    """The text that a property with this value has."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else number_text(value)


def _equals(values: list[Scalar], at: str) -> Equals:
    numbers = [number_in(each, strictly=True) for each in values]
    exact = sorted(
        {number for number in numbers if number is not None and abs(number) <= LARGEST_EXACT_NUMBER}
    )
    documents = tuple(filter(None, (_document(each) for each in values if isinstance(each, str))))
    if sum(map(len, documents)) > MAX_NODES:
        raise invalid(at, f"Objects and lists as JSON text may have at most {MAX_NODES} members in all.")
    return Equals(texts=tuple(dict.fromkeys(map(text_of, values))), numbers=tuple(exact), documents=documents)


def _document(text: str) -> tuple[JsonNode, ...]:
    """The nodes of the object or the list that a JSON text is; none for any other text."""
    if not text.lstrip().startswith(("{", "[")):
        return ()
    try:
        pending: list[tuple[tuple[str | int, ...], Any]] = [((), orjson.loads(text))]
    except orjson.JSONDecodeError:
        return ()
    nodes: list[JsonNode] = []
    while pending and len(nodes) <= MAX_NODES:
        path, value = pending.pop()
        if isinstance(value, dict):
            nodes.append(JsonNode(path=path, type="object", length=len(value)))
            pending += [((*path, key), member) for key, member in value.items()]
        elif isinstance(value, list):
            nodes.append(JsonNode(path=path, type="list", length=len(value)))
            pending += [((*path, position), member) for position, member in enumerate(value, start=1)]
        elif isinstance(value, str):
            nodes.append(JsonNode(path=path, type="text", text=value))
        else:
            text_of_value = "null" if value is None else text_of(value)
            nodes.append(JsonNode(path=path, type="other", text=text_of_value))
    return tuple(nodes)


def _contains(values: list[Scalar], at: str) -> Contains:
    return Contains(texts=tuple(map(text_of, values)))


def _matches(values: list[Scalar], at: str) -> Matches:
    patterns = tuple(map(text_of, values))
    for pattern in patterns:
        check_pattern(pattern, at)
    return Matches(patterns=patterns)


def check_pattern(pattern: str, at: str) -> None:
    """Raises a 400 unless it is a regular expression that the engine understands."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise invalid(at, f"Not a regular expression that RE2 understands: {reason}.") from error


def _bound(value: Scalar) -> Bound:
    number = number_in(value)
    return text_of(value) if number is None else number


def _between(values: list[Scalar], at: str, *, outside: bool = False) -> Between:
    bounds = [_bound(each) for each in values]
    if len(bounds) != 2 or isinstance(bounds[0], str) != isinstance(bounds[1], str):
        raise invalid(at, "Must be a list of two numbers, or of two texts: the lowest and the highest.")
    low, high = bounds
    if low > high:  # type: ignore[operator]
        raise invalid(at, "The first of the two must not be greater than the second.")
    return Between(low=low, high=high, outside=outside)


def date_spans(
    operator: str, values: list[Scalar], *, at: str, project: Project, now: datetime
) -> tuple[Span, ...]:
    """The stretches of time that a date operator stands for: whole days where a date was given, whole seconds
    where a time was, or a time before now."""
    spans = []
    for value in values:
        if not isinstance(value, str):
            raise invalid(at, "Must be a date as text, like 2024-03-15, 2024-03-15T18:20:00 or -7d.")
        try:
            moment = parse_moment(value, parameter=at, timezone=project.timezone, now=now)
        except DateError as error:
            raise invalid(error.parameter, str(error)) from error
        if moment.form == "date":
            start, end = days_of(moment, project.timezone)
        else:
            start = moment.at.astimezone(UTC).replace(microsecond=0)
            end = start + timedelta(seconds=1)
        spans.append(_DATES[operator](start, end))
    return tuple(spans)


def _version(operator: Any, values: list[Scalar], at: str) -> IsVersion:
    try:
        return IsVersion(alternatives=tuple(_version_bounds(operator, text_of(each)) for each in values))
    except ValueError as error:
        raise invalid(at, str(error)) from error


def _version_bounds(operator: Any, text: str) -> Any:
    if operator in ("tilde", "caret", "wildcard"):
        return version_range(operator, text)
    return (version_bound(operator, text),)


_SIMPLE: dict[str, Callable[[list[Scalar], str], Condition]] = {
    "exact": _equals,
    "in": _equals,
    "icontains": _contains,
    "regex": _matches,
    "between": _between,
    "not_between": functools.partial(_between, outside=True),
}
_CONTRARY = {"is_not": "exact", "not_in": "in", "not_icontains": "icontains", "not_regex": "regex"}
_COMPARISONS: dict[str, Any] = {
    "gt": "gt", "gte": "gte", "min": "gte", "lt": "lt", "lte": "lte", "max": "lte",
}  # fmt: skip
_DATES: dict[str, Callable[[datetime, datetime], Span]] = {
    "is_date_exact": lambda start, end: Span(start=start, end=end),
    "is_date_before": lambda start, end: Span(end=start),
    "is_date_after": lambda start, end: Span(start=end),
}
