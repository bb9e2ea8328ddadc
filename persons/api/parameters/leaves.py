"""What a single property filter means, where it concerns an event or a person by itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clickhouse.query.conditions import Equals, IsSet, Span
from clickhouse.query.dates import DateError, parse_moment
from clickhouse.query.elements import SelectorError, parse_selector
from clickhouse.query.filters import (
    ElementSelected,
    ElementValue,
    EventColumn,
    EventProperty,
    EventTime,
    Filter,
    PersonProperty,
    contrary,
    either,
)
from persons.api.parameters.conditions import Asked, condition, date_spans, scalars
from persons.api.parameters.properties import PropertyParameter
from persons.errors import invalid
from persons.models import Project


@dataclass(frozen=True, slots=True)
class Context:
    """In which project, and when, a question is asked. `of_persons`: it is about persons, not their events.

    `cohorts`: those whose definitions are being read, the outermost first. `expanded`: all that were read for
    the question.
    """

    project: Project
    now: datetime
    of_persons: bool = False
    cohorts: tuple[int, ...] = ()
    expanded: list[int] = field(default_factory=list)


def leaf(context: Context, asked: PropertyParameter, path: str) -> Filter:
    """Raises a 400 whose attr begins with `path`."""
    found = _READERS[asked.type](context, asked, path)
    return contrary(found) if asked.negation else found


def _asked(context: Context, asked: PropertyParameter, path: str) -> Asked:
    return condition(asked.operator, asked.value, path=path, project=context.project, now=context.now)


def _unless(is_contrary: bool, found: Filter) -> Filter:
    return contrary(found) if is_contrary else found


def _event(context: Context, asked: PropertyParameter, path: str) -> Filter:
    wanted, is_contrary = _asked(context, asked, path)
    return _unless(is_contrary, EventProperty(key=asked.key, condition=wanted))


def _person(context: Context, asked: PropertyParameter, path: str) -> Filter:
    wanted, is_contrary = _asked(context, asked, path)
    return _unless(is_contrary, PersonProperty(key=asked.key, condition=wanted))


def _event_metadata(context: Context, asked: PropertyParameter, path: str) -> Filter:
    match asked.key:
        case "event" | "distinct_id":
            wanted, is_contrary = _asked(context, asked, path)
            return _unless(is_contrary, EventColumn(column=asked.key, condition=wanted))
        case "timestamp":
            return EventTime(spans=_time_spans(context, asked, path))
    raise invalid(f"{path}.key", "Must be event, distinct_id or timestamp.")


_MICROSECOND = timedelta(microseconds=1)
_SIDES: dict[str, Callable[[datetime], Span]] = {
    "gt": lambda moment: Span(start=moment + _MICROSECOND),
    "gte": lambda moment: Span(start=moment),
    "min": lambda moment: Span(start=moment),
    "lt": lambda moment: Span(end=moment),
    "lte": lambda moment: Span(end=moment + _MICROSECOND),
    "max": lambda moment: Span(end=moment + _MICROSECOND),
}  # fmt: skip


def _time_spans(context: Context, asked: PropertyParameter, path: str) -> tuple[Span, ...]:
    """A timestamp is always there; comparisons are exact to the microsecond."""
    operator, at = asked.operator, f"{path}.value"
    if operator in ("is_set", "is_not_set"):
        return (Span(),) if operator == "is_set" else ()
    if operator.startswith("is_date_"):
        return date_spans(operator, scalars(asked.value, at), at=at, project=context.project, now=context.now)
    if operator not in _SIDES:
        allowed = ", ".join(("is_date_exact", "is_date_before", "is_date_after", *_SIDES))
        raise invalid(f"{path}.operator", f"For the key timestamp, must be one of {allowed}.")
    return tuple(_SIDES[operator](moment_of(context, each, at)) for each in scalars(asked.value, at))


def moment_of(context: Context, value: object, at: str) -> datetime:
    """The moment that a date stands for, absolute or relative, as it is."""
    if not isinstance(value, str):
        raise invalid(at, "Must be a date as text, like 2024-03-15T18:20:00 or -7d.")
    try:
        return parse_moment(value, parameter=at, timezone=context.project.timezone, now=context.now).at
    except DateError as error:
        raise invalid(at, str(error)) from error


def _element(context: Context, asked: PropertyParameter, path: str) -> Filter:
    if asked.key not in ("tag_name", "text", "href", "selector"):
        raise invalid(f"{path}.key", "Must be tag_name, text, href or selector.")
    wanted, is_contrary = _asked(context, asked, path)
    match asked.key:
        case "href":
            return _unless(is_contrary, ElementValue(of="href", condition=wanted))
        case "text" if isinstance(wanted, IsSet):
            return _unless(is_contrary, ElementValue(of="text", condition=wanted))
        case "text":
            return ElementValue(of="text", condition=wanted, contrary=is_contrary)
    if not isinstance(wanted, Equals):
        raise invalid(f"{path}.operator", f"For the key {asked.key}, must be exact, is_not, in or not_in.")
    if asked.key == "tag_name":
        return _unless(is_contrary, ElementValue(of="tag_name", condition=Equals(texts=wanted.texts)))
    found = either(*(selected(text, f"{path}.value") for text in wanted.texts))
    return _unless(is_contrary, found)


def selected(text: str, at: str) -> ElementSelected:
    """The elements that a CSS selector finds. Raises a 400 with the attr `at`."""
    try:
        return ElementSelected(selector=parse_selector(text))
    except SelectorError as error:
        raise invalid(at, str(error)) from error


_READERS: dict[str, Callable[[Context, PropertyParameter, str], Filter]] = {
    "event": _event,
    "person": _person,
    "event_metadata": _event_metadata,
    "element": _element,
}
