"""What a filter can say of one value: eight kinds of condition (decisions.md 5, posthog-behaviour.md 3).

A value is a text or missing. Numbers, booleans, lists and objects are texts as JSON writes them, so that 5
and "5", true and "true" are alike; whether two texts are compared as numbers is up to the filter's own
value. No condition holds of a missing value; the contrary of each does.
"""

from datetime import UTC
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from clickhouse.query.versions import VersionBound

# From 2^53 on, a double stands for more than one whole number, and equality would join different numbers.
LARGEST_EXACT_NUMBER = 2.0**53 - 1

Bound = float | str
_Instant = Annotated[AwareDatetime, AfterValidator(lambda instant: instant.astimezone(UTC))]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class JsonNode(_Value):
    """One node of a JSON document. `path` leads to it: keys of objects, and positions in lists, from 1.

    An object or a list has a `length`, the number of its members. A text has a `text`; a number, a boolean or
    null has a `text` as JSON writes it.
    """

    path: tuple[str | int, ...] = ()
    type: Literal["object", "list", "text", "other"]
    length: int = 0
    text: str = ""


class Equals(_Value):
    """The value is one of `texts`, a JSON number equal to one of `numbers`, or a JSON object or list equal to
    one of `documents`. A document is the sequence of its nodes."""

    kind: Literal["equals"] = "equals"
    texts: tuple[str, ...]
    documents: tuple[tuple[JsonNode, ...], ...] = ()
    numbers: tuple[Annotated[float, Field(ge=-LARGEST_EXACT_NUMBER, le=LARGEST_EXACT_NUMBER)], ...] = ()


class Contains(_Value):
    """The value contains one of `texts`, in upper or lower case. Nothing in them is a wildcard."""

    kind: Literal["contains"] = "contains"
    texts: tuple[str, ...]


class Matches(_Value):
    """One of the regular expressions (RE2 syntax) is found somewhere in the value."""

    kind: Literal["matches"] = "matches"
    patterns: tuple[str, ...]


class Compares(_Value):
    """The value lies on one side of any of `bounds`. A number is compared with values that read as numbers,
    as doubles; a text with any value, byte by byte."""

    kind: Literal["compares"] = "compares"
    operator: Literal["gt", "gte", "lt", "lte"]
    bounds: tuple[Bound, ...]


class Between(_Value):
    """The value lies between the bounds, both included, or outside. Bounds of one kind, as in Compares."""

    kind: Literal["between"] = "between"
    low: Bound
    high: Bound
    outside: bool = False

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        if isinstance(self.low, str) != isinstance(self.high, str):
            raise ValueError("Both bounds must be numbers, or both texts.")
        return self


class IsSet(_Value):
    """There is a value. Null is none; the empty text is one."""

    kind: Literal["is_set"] = "is_set"


class Span(_Value):
    """A stretch of time: from `start`, before `end`; None is without end."""

    start: _Instant | None = None
    end: _Instant | None = None


class IsWithin(_Value):
    """The value is a moment in one of `spans`: an ISO 8601 date or datetime, in `timezone` when it has no
    offset, or unix time in seconds or milliseconds."""

    kind: Literal["is_within"] = "is_within"
    spans: tuple[Span, ...]
    timezone: str


class IsVersion(_Value):
    """The value is a version (semver.org) that satisfies every bound of one of `alternatives`."""

    kind: Literal["is_version"] = "is_version"
    alternatives: tuple[tuple[VersionBound, ...], ...]


Condition = Annotated[
    Equals | Contains | Matches | Compares | Between | IsSet | IsWithin | IsVersion,
    Field(discriminator="kind"),
]
