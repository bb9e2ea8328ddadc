"""The breakdown of a trend: of which value the persons are asked for (spec/posthog-behaviour.md 5.3).

A value is one more filter: on events, on persons, or the members of a cohort.
"""

import re
from typing import Annotated, Any, ClassVar

import orjson
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from clickhouse.query.conditions import Compares, Condition, Equals, IsSet, Matches
from clickhouse.query.filters import (
    EVERYTHING,
    EventProperty,
    Filter,
    PersonProperty,
    both,
    contrary,
    either,
)
from persons.api.parameters.breakdowns import (
    EVERYBODY,
    NO_VALUE,
    AskedBreakdown,
    BinCount,
    BreakdownParameters,
    asked_breakdown,
    refuse_other_values,
)
from persons.api.parameters.conditions import MAX_VALUE_LENGTH, Scalar, check_pattern, text_of
from persons.api.parameters.door import Flag, KeepsEmpty, Unsupported, refuse
from persons.api.parameters.filters import in_cohort
from persons.api.parameters.leaves import Context
from persons.errors import invalid, not_supported
from persons.openapi.fields import told

_AT = "breakdown_value"
_ENDS_OF_URLS = "/?#"
_BIN: TypeAdapter[tuple[float, float]] = TypeAdapter(
    tuple[Annotated[float, Field(allow_inf_nan=False)], Annotated[float, Field(allow_inf_nan=False)]]
)


def _value_text(value: Any) -> Any:
    """A value as the text it is compared as; no value is the empty one."""
    if value is None:
        return None
    refuse_other_values(value)
    text = text_of(value) if isinstance(value, Scalar) else orjson.dumps(value).decode()
    if len(text) > MAX_VALUE_LENGTH:
        raise refuse("May have at most {most} characters.", most=MAX_VALUE_LENGTH)
    return "" if text == NO_VALUE else text


class TrendBreakdownParameters(BreakdownParameters):
    """By what a trend is broken down, and of which value its persons are asked for."""

    breakdown_value: Annotated[
        str | None,
        KeepsEmpty,
        BeforeValidator(_value_text),
        told(
            "Only the events, or the persons, with this value of the breakdown, which has no effect without "
            "it. Compared as text; the empty text: without a value. For cohorts the id of one, or `all`.",
            "Chrome",
            needs={"breakdown": "$browser"},
        ),
    ] = None
    breakdown_normalize_url: Annotated[
        Flag,
        told(
            "Whatever of `/`, `?` and `#` stands at the end of a value does not matter.",
            True,
            needs={"breakdown": "$current_url", "breakdown_value": "https://example.com/pricing"},
        ),
    ] = False
    breakdown_histogram_bin_count: Annotated[
        BinCount,
        told(
            "Into how many bins numbers are sorted. `breakdown_value` is a bin, as JSON: `[5, 10]` is from 5 "
            'on and below 10; `["", ""]` is everybody.',
            10,
            needs={"breakdown": "seats", "breakdown_type": "person", "breakdown_value": "[5, 10]"},
        ),
    ] = None

    unsupported: ClassVar[tuple[Unsupported, ...]] = (
        Unsupported("breakdown_group_type_index"),
        Unsupported("breakdown_path_cleaning"),
    )


def breakdown_filter(context: Context, asked: TrendBreakdownParameters) -> Filter:
    """What holds of the events and persons of the value. Raises a 400."""
    by, value = asked_breakdown(asked), asked.breakdown_value
    if by is None:
        # An empty text is what a form sends for a value that was not given.
        if value:
            raise invalid(_AT, "Needs breakdown: of which property this is a value.")
        return EVERYTHING
    if by.kind not in ("event", "person", "cohort"):
        raise not_supported(
            by.kind_at, f"{by.kind!r} is not supported by this release. Supported: event, person, cohort."
        )
    if value is None:
        return EVERYTHING
    if asked.breakdowns and len(asked.breakdowns) > 1:
        raise not_supported("breakdowns", "More than one is not supported with breakdown_value.")
    if by.kind == "cohort":
        return EVERYTHING if value in EVERYBODY else in_cohort(context, value, _AT)
    return _has_value(by, value, asked)


def _has_value(by: AskedBreakdown, value: str, asked: TrendBreakdownParameters) -> Filter:
    property_is = EventProperty if by.kind == "event" else PersonProperty
    key, member = by.only_key, by.member
    normalize_url, bins = asked.breakdown_normalize_url, asked.breakdown_histogram_bin_count
    if member is not None:
        normalize_url = normalize_url if member.normalize_url is None else member.normalize_url
        bins = bins or member.histogram_bin_count
    if value == "":
        has_none = contrary(property_is(key=key, condition=IsSet()))
        # As an address, the empty text is a slash.
        return has_none if normalize_url else either(has_none, property_is(key=key, condition=_equals(value)))
    if bins is not None and _is_only_bin(value):
        return EVERYTHING
    if bins is not None:
        return both(*(property_is(key=key, condition=each) for each in _in_bin(value)))
    condition = _is_address(value) if normalize_url else _equals(value)
    return property_is(key=key, condition=condition)


def _equals(text: str) -> Condition:
    return Equals(texts=(text,))


def _is_only_bin(value: str) -> bool:
    """Whether it is the bin of a chart without numbers, which has everybody in it."""
    try:
        return bool(orjson.loads(value) == ["", ""])
    except orjson.JSONDecodeError:
        return False


def _in_bin(value: str) -> tuple[Condition, Condition]:
    """From the first number on, below the second."""
    try:
        low, high = _BIN.validate_json(value)
    except ValidationError as error:
        raise invalid(_AT, "With a histogram, must be a JSON list of two numbers: [from, below].") from error
    if low > high:
        raise invalid(_AT, "The first of the two numbers must not be greater than the second.")
    return Compares(operator="gte", bounds=(low,)), Compares(operator="lt", bounds=(high,))


def _is_address(value: str) -> Condition:
    """The same address, whatever of `/`, `?` and `#` stands at its end; nothing but these is a slash."""
    pattern = rf"^{re.escape(value.rstrip(_ENDS_OF_URLS))}[{_ENDS_OF_URLS}]*\z"
    check_pattern(pattern, _AT)
    return Matches(patterns=(pattern,))
