"""What changes persons, as it is sent."""

import uuid
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from persons.api.parameters.door import Flag, Json, KeepsEmpty, Paging, Parameters, Whole, refuse
from persons.api.parameters.kept import not_too_deep
from persons.api.parameters.values import VIRTUAL
from persons.errors import invalid
from persons.openapi.fields import DescribedAs, Named, told

MAX_PERSONS = 1_000
_SOMEBODY = "0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d"
DistinctId = Annotated[str, StringConstraints(min_length=1)]


def _writable(name: str) -> str:
    if name.startswith(VIRTUAL):
        raise refuse("{name} is computed: it cannot be changed.", name=name)
    return name


def _all_writable(properties: dict[str, Any]) -> dict[str, Any]:
    for name in properties:
        _writable(name)
    return properties


PropertyName = Annotated[str, StringConstraints(min_length=1), AfterValidator(_writable)]


def _person_id(value: Any) -> int | UUID:
    """A person's id: a whole number, or a uuid."""
    text = str(value)
    if not isinstance(value, bool) and text.isascii() and text.isdecimal() and len(text) <= 18:
        return int(text)
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise refuse("Must be the id or the uuid of a person.") from error


def _not_too_many(value: Any) -> Any:
    if isinstance(value, list) and len(value) > MAX_PERSONS:
        raise refuse("You can only pass {most} ids in one call", most=MAX_PERSONS)
    return value


def _there(value: str) -> str:
    if not value:
        raise refuse("distinct_id is required")
    return value


PersonId = Annotated[int | UUID, BeforeValidator(_person_id), DescribedAs(str)]
_Several = BeforeValidator(_not_too_many)


class DeletionParameters(Parameters):
    """What is deleted of a person. There are no recordings: nothing to delete of these."""

    delete_events: Annotated[Flag, told("Whether the events go as well.", True)] = False
    delete_recordings: Annotated[Flag, told("There are none: without effect.", True)] = False
    keep_person: Annotated[Flag, told("Whether the person stays.", True)] = False


class DeleteByIdsParameters(DeletionParameters):
    """``DELETE persons/``: of one person, found by what nobody shares."""

    # Empty ones are refused: without them a request would mean other persons.
    distinct_id: Annotated[
        DistinctId | None, KeepsEmpty, told("One of the person's distinct ids.", "somebody")
    ] = None
    email: Annotated[
        DistinctId | None,
        KeepsEmpty,
        told("The person's email.", "somebody@example.com", needs={"distinct_id": None}),
    ] = None


class BulkDeletionParameters(DeletionParameters):
    """``POST persons/bulk_delete/``"""

    ids: Annotated[
        Annotated[list[PersonId] | None, _Several, Json],
        told("Persons by uuid or id, at most 1,000.", [_SOMEBODY], needs={"distinct_ids": None}),
    ] = None
    distinct_ids: Annotated[
        Annotated[list[DistinctId] | None, _Several, Json],
        told("Persons by a distinct id of theirs, at most 1,000.", ["somebody"]),
    ] = None


def check_whom(asked: BulkDeletionParameters) -> None:
    """Raises a 400 unless the persons are named, and in one way."""
    if asked.ids and asked.distinct_ids:
        raise invalid("distinct_ids", "You must provide either distinct_ids or ids, not both")
    if not asked.ids and not asked.distinct_ids:
        raise invalid("ids", "You need to specify either distinct_ids or ids", "required")


class ResetParameters(Parameters):
    """``POST persons/reset_person_distinct_id/``"""

    distinct_id: Annotated[
        str, AfterValidator(_there), told("The distinct id that is to be used again.", "somebody")
    ]


class SplitParameters(Parameters):
    """``POST persons/:id/split/``: everything but one distinct id, or these. Without both, the first distinct
    id of the person stays."""

    main_distinct_id: Annotated[
        DistinctId | None,
        KeepsEmpty,
        told(
            "The distinct id that stays: all others are split off. If absent, and without "
            "`distinct_ids_to_split`, the person's first (oldest) distinct id stays.",
            "somebody",
        ),
    ] = None
    distinct_ids_to_split: Annotated[
        Annotated[list[DistinctId] | None, Field(min_length=1), Json],
        told(
            "Those that are split off; at least one other must stay.",
            ["somebody's phone"],
            needs={"main_distinct_id": None},
        ),
    ] = None


def check_what_goes(asked: SplitParameters) -> None:
    """Raises a 400 if both parameters say what is split off."""
    if asked.main_distinct_id is not None and asked.distinct_ids_to_split is not None:
        raise invalid("main_distinct_id", "main_distinct_id cannot be combined with distinct_ids_to_split")


class UpdateParameters(Parameters):
    """``PUT persons/:id/``: properties to set, beside those that are there."""

    properties: Annotated[
        Annotated[dict[str, Any], AfterValidator(not_too_deep), AfterValidator(_all_writable), Json],
        told("Properties to set; the others stay as they are.", {"plan": "pro"}),
    ]


class PartialUpdateParameters(UpdateParameters):
    """``PATCH persons/:id/``: the same."""


class UpdatePropertyParameters(Parameters):
    """``POST persons/:id/update_property/``"""

    key: Annotated[PropertyName, told("The name of the property.", "plan")]
    value: Annotated[
        Annotated[Any, AfterValidator(lambda value: not_too_deep([value])[0])],
        KeepsEmpty,
        told("Its new value: any JSON.", "pro", 5),
    ]


class DeletePropertyParameters(Parameters):
    """``POST persons/:id/delete_property/``"""

    unset: Annotated[PropertyName, told("The name of the property that goes.", "plan", alias="$unset")]


class DeletionStatusParameters(Paging):
    """``GET persons/deletion_status/``"""

    status: Annotated[
        Annotated[Literal["pending", "completed", "all"], Named("DeletionStatus")],
        told("Only deletions in this state.", "pending"),
    ] = "all"
    person_uuid: Annotated[UUID | None, told("Only deletions of this person.", _SOMEBODY)] = None


class ActivityParameters(Parameters):
    """``GET persons/activity/``"""

    limit: Annotated[Whole, told("How many entries a page has at most.", 20, ge=1, le=1_000)] = 10
    page: Annotated[Whole, told("Which page, counted from 1.", 1, ge=1, le=10**9)] = 1
