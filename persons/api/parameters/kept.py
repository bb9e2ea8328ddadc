"""Filters that are kept: those of a cohort, of an action's steps, of a project's test accounts.

They are stored as they were sent, and understood anew with every question.
"""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints, TypeAdapter, ValidationError
from rest_framework.serializers import ValidationError as TooDeep

from persons.api.parameters.door import Flag, Json, KeepsEmpty, refuse
from persons.api.parameters.properties import (
    BehaviourParameter,
    NodeParameter,
    PropertiesParameter,
    PropertyGroupParameter,
    PropertyParameter,
)
from persons.api.serializers import MAX_DEPTH, validate_depth
from persons.openapi.fields import DescribedAs, told

_PROPERTIES: TypeAdapter[Any] = TypeAdapter(PropertiesParameter)
Leaf = PropertyParameter | BehaviourParameter

Name = Annotated[str, KeepsEmpty, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
Description = Annotated[
    str, KeepsEmpty, StringConstraints(max_length=10_000), told("What it is about.", "Seen by sales.")
]
Deleted = Annotated[Flag, told("`true` deletes it, as DELETE does.", False)]


def not_too_deep(document: Any) -> Any:
    """For validators: refuses JSON that could be stored but not sent to anybody."""
    try:
        validate_depth(document)
    except TooDeep as error:
        raise refuse("May be nested {most} levels deep at most.", most=MAX_DEPTH) from error
    return document


def _understood(sent: Any) -> Any:
    _PROPERTIES.validate_python(sent)
    return sent


# Filters as they were sent, once it is known that they are filters.
SentProperties = Annotated[
    Any, AfterValidator(_understood), AfterValidator(not_too_deep), Json, DescribedAs(PropertiesParameter)
]


def leaves(kept: Any) -> Iterator[Leaf]:
    """The single filters of kept ones, wherever they stand. None of what this release does not understand."""
    try:
        properties = _PROPERTIES.validate_python(kept)
    except ValidationError:
        return
    yield from _leaves(properties)


def _leaves(properties: PropertyGroupParameter | list[NodeParameter] | None) -> Iterator[Leaf]:
    for node in _members(properties):
        if isinstance(node, PropertyGroupParameter):
            yield from _leaves(node)
        else:
            yield node
            if isinstance(node, BehaviourParameter):
                yield from _leaves(node.event_filters)


def empty_group(kept: Any, path: str) -> str | None:
    """The path of the first group without filters; of the whole when there are none at all."""
    return _empty_group(_PROPERTIES.validate_python(kept), path)


def _empty_group(properties: PropertyGroupParameter | list[NodeParameter] | None, path: str) -> str | None:
    below = f"{path}.values" if isinstance(properties, PropertyGroupParameter) else path
    members = _members(properties)
    found = (
        _empty_group(node, f"{below}.{place}")
        for place, node in enumerate(members)
        if isinstance(node, PropertyGroupParameter)
    )
    return next(filter(None, found), None) if members else below


def _members(properties: PropertyGroupParameter | list[NodeParameter] | None) -> list[NodeParameter]:
    if isinstance(properties, PropertyGroupParameter):
        return properties.values
    return properties or []
