"""Statements from pieces, values always beside the text.

    sql("SELECT uuid FROM events WHERE team_id = {team_id:Int64} AND {condition}",
        team_id=7, condition=sql("event = {event:String}", event="paid"))

A placeholder with a type is a bound parameter: ClickHouse receives its value apart from the text
(``{name:Type}``, ClickHouse manual, "Queries with parameters"). A placeholder without a type is where
another fragment goes. No value ever becomes part of the text.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_PLACEHOLDER = re.compile(r"\{(?P<name>[a-z_][a-z0-9_]*)(?::(?P<type>[^{}]+))?\}")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of SQL and the values of its ``{name:Type}`` parameters."""

    text: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


TRUE, FALSE = Fragment("true"), Fragment("false")


def sql(template: str, **values: Any) -> Fragment:
    """Fill a template with bound values and fragments.

    Two fragments may use the same parameter name for different values: the later one is renamed.
    A fragment of several lines keeps the indentation of the place it is put in.
    """
    parameters: dict[str, Any] = {}

    def fill(match: re.Match[str]) -> str:
        name, kind = match["name"], match["type"]
        value = values[name]
        if kind is not None:
            name = _claim(parameters, name, _wire(value))
            return f"{{{name}:{kind}}}"
        return _indented(_adopt(value, parameters), template, match.start())

    return Fragment(_PLACEHOLDER.sub(fill, template), parameters)


def joined(separator: str, fragments: Iterable[Fragment]) -> Fragment:
    """The fragments in a row, e.g. ``joined(" AND ", conditions)``."""
    parameters: dict[str, Any] = {}
    return Fragment(separator.join([_adopt(each, parameters) for each in fragments]), parameters)


def _adopt(fragment: Fragment, parameters: dict[str, Any]) -> str:
    renamed = {name: _claim(parameters, name, value) for name, value in fragment.parameters.items()}

    def rename(match: re.Match[str]) -> str:
        return f"{{{renamed[match['name']]}:{match['type']}}}"

    return _PLACEHOLDER.sub(rename, fragment.text)


def _claim(parameters: dict[str, Any], name: str, value: Any) -> str:
    candidate, number = name, 1
    while candidate in parameters and not _same(parameters[candidate], value):
        number += 1
        candidate = f"{name}_{number}"
    parameters[candidate] = value
    return candidate


def _same(left: Any, right: Any) -> bool:
    # 1 == True in Python, yet they are different values to ClickHouse.
    return type(left) is type(right) and bool(left == right)


def _wire(value: Any) -> Any:
    # The driver writes datetimes without their microseconds.
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value


def _indented(text: str, template: str, position: int) -> str:
    line = template[template.rfind("\n", 0, position) + 1 : position]
    return text.replace("\n", "\n" + " " * (len(line) - len(line.lstrip(" "))))
