"""Conditions on one value, as SQL. NULL is as good as false, and comes of a missing value."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from clickhouse.query.conditions import (
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
from clickhouse.query.versions import PATTERN as VERSION
from clickhouse.query.versions import VersionBound, version_key
from clickhouse.sql.fragment import FALSE, TRUE, Fragment, joined, sql

# As RFC 8259 has it. A postal code with a leading zero, say, is a text and equals no number.
JSON_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$"

# What the engine's best effort reads without guessing: it would take "5" for a day of this month. Years as
# DateTime64 can hold them; unix time in seconds, or in milliseconds by its length.
MOMENT = (
    r"^(19|2[0-2])[0-9]{2}-(0?[1-9]|1[0-2])-(0?[1-9]|[12][0-9]|3[01])"
    r"([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?"
    r"( ?(Z|[-+]([01][0-9]|2[0-3]):?[0-5][0-9]))?)?$"
    r"|^[0-9]{9,10}(\.[0-9]{1,9})?$|^[0-9]{13}$"
)

# clickhouse/query/versions.py says how versions are ordered.
VERSION_KEYS = """
arrayMap(
    parts -> (
        toUInt64OrZero(parts[1]), toUInt64OrZero(parts[2]), toUInt64OrZero(parts[3]), empty(parts[4]),
        arrayMap(
            label -> if(match(label, '^(0|[1-9][0-9]*)$'), (0, length(label), label), (1, 0, label)),
            splitByChar('.', parts[4])
        )
    ),
    [extractGroups(assumeNotNull({value}), {version_pattern:String})]
)
""".strip()
VERSION_SIDE = (
    "key {sign} {version:Tuple(UInt64, UInt64, UInt64, UInt8, Array(Tuple(UInt8, UInt64, String)))}"
)


def holds(condition: Condition, value: Fragment) -> Fragment:
    """Whether the condition holds of a value, an expression of type Nullable(String)."""
    render: Callable[[Any, Fragment], Fragment] = _RENDERERS[type(condition)]
    return render(condition, value)


def negation(condition: Fragment) -> Fragment:
    """The contrary; true of a missing value. Never NULL."""
    return sql("NOT {known}", known=known(condition))


def known(condition: Fragment) -> Fragment:
    """True or false, for places in which NULL means something else."""
    return condition if condition in (TRUE, FALSE) else sql("ifNull({condition}, false)", condition=condition)


def any_of(conditions: Iterable[Fragment]) -> Fragment:
    """At least one holds; false when there are none."""
    return _grouped("\nOR ", conditions) or FALSE


def all_of(conditions: Iterable[Fragment]) -> Fragment:
    """Each holds; true when there are none."""
    return _grouped("\nAND ", conditions) or TRUE


def _grouped(separator: str, conditions: Iterable[Fragment]) -> Fragment | None:
    each = list(conditions)
    if len(each) <= 1:
        return each[0] if each else None
    return sql("(\n    {conditions}\n)", conditions=joined(separator, each))


def where(*conditions: Fragment) -> Fragment:
    """The conditions of a WHERE, one after the other; those that are always true are left out."""
    needed = [each for each in conditions if each != TRUE] or [TRUE]
    return functools.reduce(lambda left, right: sql("{left}\n  AND {right}", left=left, right=right), needed)


def within(spans: Iterable[Span], moment: Fragment) -> Fragment:
    """Whether a moment lies in one of the spans."""
    return any_of(all_of(_ends(span, moment)) for span in spans)


def _ends(span: Span, moment: Fragment) -> Iterable[Fragment]:
    if span.start is not None:
        yield sql("{moment} >= {start:DateTime64(6, 'UTC')}", moment=moment, start=span.start)
    if span.end is not None:
        yield sql("{moment} < {end:DateTime64(6, 'UTC')}", moment=moment, end=span.end)


def _equals(condition: Equals, value: Fragment) -> Fragment:
    alternatives = []
    if len(condition.texts) == 1:
        alternatives.append(sql("{value} = {text:String}", value=value, text=condition.texts[0]))
    elif condition.texts:
        texts = list(condition.texts)
        alternatives.append(sql("{value} IN {texts:Array(String)}", value=value, texts=texts))
    if condition.numbers:
        numbers = list(condition.numbers)
        equal = sql("{number} IN {numbers:Array(Float64)}", number=_number(value), numbers=numbers)
        written = sql("match({value}, {json_number:String})", value=value, json_number=JSON_NUMBER)
        alternatives.append(all_of([equal, written]))
    alternatives += [all_of(_node_conditions(document, value)) for document in condition.documents]
    return any_of(alternatives)


_CONTAINERS = {"object": "Object", "list": "Array"}


def _node_conditions(document: Sequence[JsonNode], value: Fragment) -> Iterator[Fragment]:
    """What holds of each node of an equal document. Spaces and the order of keys are no part of it."""
    for node in document:
        steps = (
            sql("{key:String}", key=step) if isinstance(step, str) else sql("{position:Int64}", position=step)
            for step in node.path
        )
        at = joined(", ", (value, *steps))
        if node.type in _CONTAINERS:
            yield sql("JSONType({at}) = {type:String}", at=at, type=_CONTAINERS[node.type])
            yield sql("JSONLength({at}) = {length:UInt64}", at=at, length=node.length)
        elif node.type == "text":
            yield sql("JSONType({at}) = 'String'", at=at)
            yield sql("JSONExtractString({at}) = {text:String}", at=at, text=node.text)
        else:
            yield sql("JSONExtractRaw({at}) = {text:String}", at=at, text=node.text)


def _contains(condition: Contains, value: Fragment) -> Fragment:
    return any_of(
        sql("positionCaseInsensitiveUTF8({value}, {part:String}) > 0", value=value, part=text)
        for text in condition.texts
    )


def _matches(condition: Matches, value: Fragment) -> Fragment:
    return any_of(
        sql("match({value}, {pattern:String})", value=value, pattern=pattern)
        for pattern in condition.patterns
    )


SIGNS = {
    "eq": Fragment("="),
    "neq": Fragment("!="),
    "gt": Fragment(">"),
    "gte": Fragment(">="),
    "lt": Fragment("<"),
    "lte": Fragment("<="),
}


def _compares(condition: Compares, value: Fragment) -> Fragment:
    return any_of(_side(value, condition.operator, bound) for bound in condition.bounds)


def _between(condition: Between, value: Fragment) -> Fragment:
    if condition.outside:
        return any_of([_side(value, "lt", condition.low), _side(value, "gt", condition.high)])
    return all_of([_side(value, "gte", condition.low), _side(value, "lte", condition.high)])


def _side(value: Fragment, operator: str, bound: Bound) -> Fragment:
    sign = SIGNS[operator]
    if isinstance(bound, str):
        return sql("{value} {sign} {bound:String}", value=value, sign=sign, bound=bound)
    number = _number(value)
    return all_of(
        [
            sql("{number} {sign} {bound:Float64}", number=number, sign=sign, bound=bound),
            sql("isFinite({number})", number=number),
        ]
    )


def _number(value: Fragment) -> Fragment:
    return sql("toFloat64OrNull({value})", value=value)


def _is_set(condition: IsSet, value: Fragment) -> Fragment:
    return sql("{value} IS NOT NULL", value=value)


def _is_within(condition: IsWithin, value: Fragment) -> Fragment:
    moment = sql(
        "parseDateTime64BestEffortOrNull({value}, 6, {timezone:String})",
        value=value,
        timezone=condition.timezone,
    )
    readable = sql("match({value}, {moment_pattern:String})", value=value, moment_pattern=MOMENT)
    return all_of([readable, within(condition.spans, moment)])


def _is_version(condition: IsVersion, value: Fragment) -> Fragment:
    readable = sql("match({value}, {version_pattern:String})", value=value, version_pattern=VERSION)
    in_range = sql(
        "arrayExists(\n    key -> {bounds},\n    {keys}\n)",
        bounds=any_of(all_of(map(_version_side, bounds)) for bounds in condition.alternatives),
        keys=sql(VERSION_KEYS, value=value, version_pattern=VERSION),
    )
    return all_of([readable, in_range])


def _version_side(bound: VersionBound) -> Fragment:
    return sql(VERSION_SIDE, sign=SIGNS[bound.operator], version=version_key(bound.version))


_RENDERERS: dict[type, Callable[..., Fragment]] = {
    Equals: _equals,
    Contains: _contains,
    Matches: _matches,
    Compares: _compares,
    Between: _between,
    IsSet: _is_set,
    IsWithin: _is_within,
    IsVersion: _is_version,
}
