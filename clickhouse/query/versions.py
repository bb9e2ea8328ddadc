"""Versions as semver.org orders them, and the ranges that `~`, `^` and `*` stand for, as npm reads them."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

_NUMBER = r"(?:0|[1-9][0-9]{0,18})"
_LABELS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
# Groups: major, minor, patch, the labels of a pre-release. ClickHouse reads properties with it as well.
PATTERN = rf"^v?({_NUMBER})(?:\.({_NUMBER})(?:\.({_NUMBER}))?)?(?:-({_LABELS}))?(?:\+{_LABELS})?$"
# (major, minor, patch, whether it is a release, labels of the pre-release): tuples and lists of these compare
# as semver.org says, labels being (0, length, digits) for numbers and (1, 0, text) for others.
Key = tuple[int, int, int, int, list[tuple[int, int, str]]]

_WILDCARD = re.compile(rf"v?(?:({_NUMBER})\.(?:({_NUMBER})\.)?)?[*xX](?:\.[*xX])*")

Operator = Literal["eq", "neq", "gt", "gte", "lt", "lte"]
RangeOperator = Literal["tilde", "caret", "wildcard"]
Version = Annotated[str, StringConstraints(pattern=PATTERN)]


class VersionBound(BaseModel):
    """On which side of a version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operator: Operator
    version: Version


def version_key(version: str) -> Key:
    """What versions are ordered by."""
    match = re.match(PATTERN, version)
    assert match, "the model has let it in"
    major, minor, patch, labels = match.groups()
    named = (labels or "").split(".")
    keys = [(0, len(each), each) if re.fullmatch(_NUMBER, each) else (1, 0, each) for each in named]
    return int(major), int(minor or 0), int(patch or 0), int(not labels), keys


def version_bound(operator: Operator, text: str) -> VersionBound:
    """Raises ValueError when the text is not a version."""
    _numbers(text)
    return VersionBound(operator=operator, version=text)


def version_range(operator: RangeOperator, text: str) -> tuple[VersionBound, ...]:
    """The bounds that a range stands for. A pre-release of its end is not in it.

    Raises ValueError when the text is not a version, or for `wildcard` not like 1.2.*.
    """
    if operator == "wildcard":
        return _wildcard(text)
    numbers = _numbers(text)
    if operator == "tilde":
        fixed = min(len(numbers), 2)
    else:
        # The first number that is not zero may not change; of zeros alone the last one may not.
        fixed = next((place for place, number in enumerate(numbers, 1) if number), len(numbers))
    return (VersionBound(operator="gte", version=text), _before_next(numbers[:fixed]))


def _wildcard(text: str) -> tuple[VersionBound, ...]:
    match = _WILDCARD.fullmatch(text)
    if match is None:
        raise ValueError("Must be a version with a star, like 1.2.* or 1.*.")
    numbers = [int(number) for number in match.groups() if number is not None]
    if not numbers:
        return (VersionBound(operator="gte", version="0"),)
    first = ".".join(map(str, numbers))
    return (VersionBound(operator="gte", version=first), _before_next(numbers))


def _numbers(text: str) -> list[int]:
    match = re.match(PATTERN, text)
    # `$` would let a newline pass.
    numbers = [int(number) for number in match.groups()[:3] if number] if match else []
    if not numbers or text.endswith("\n") or max(numbers) >= 10**18:
        raise ValueError("Must be a version like 1.2.3, 1.2 or 1.2.3-beta.1.")
    return numbers


def _before_next(numbers: list[int]) -> VersionBound:
    """Before the version that follows all those which begin with these numbers, its pre-releases included."""
    following = [*numbers[:-1], numbers[-1] + 1, 0, 0][:3]
    return VersionBound(operator="lt", version=".".join(map(str, following)) + "-0")
