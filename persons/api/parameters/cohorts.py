"""Cohorts, as they are sent."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from pydantic import BeforeValidator, ConfigDict, FailFast, Field
from pydantic.json_schema import SkipJsonSchema

from persons.api.parameters.door import (
    Flag,
    Json,
    KeepsEmpty,
    ParameterObject,
    Parameters,
    Unsupported,
    refuse,
)
from persons.api.parameters.kept import Deleted, Description, Name, SentProperties
from persons.openapi.fields import told

MAX_IDS = 1_000_000
# What PostHog calls `uuids`.
PERSON_IDS = "_create_static_person_ids"


# In examples: a definition, and a person.
WHOM = {
    "type": "AND",
    "values": [
        {
            "type": "behavioral",
            "key": "paid",
            "value": "performed_event",
            "time_value": 30,
            "time_interval": "day",
        },
        {"type": "person", "key": "email", "operator": "not_icontains", "value": "@example.net"},
    ],
}
_SOMEBODY = "0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d"
_STATIC = {"is_static": True, "filters": None}


def _file(value: Any) -> Any:
    if value in (None, "") or isinstance(value, UploadedFile):
        return value or None
    raise refuse("Must be a file: send it as multipart/form-data.")


_DistinctIds = Annotated[list[str], FailFast(), Field(max_length=MAX_IDS), Json]
_Uuids = Annotated[list[UUID], FailFast(), Field(max_length=MAX_IDS), Json]


class CohortFilters(ParameterObject):
    """The definition of a dynamic cohort."""

    model_config = ConfigDict(extra="allow", frozen=True, title="CohortDefinition")

    properties: Annotated[
        SentProperties,
        told(
            "Filters on persons, of the types `person`, `cohort` and `behavioral`, with at least one in each "
            "group.",
            WHOM,
        ),
    ] = None


class CohortChanges(Parameters):
    """What a PATCH changes of a cohort. Whom it names is added to a static one; `deleted` does what DELETE
    does."""

    name: Annotated[Name | None, KeepsEmpty, told("How it is called.", "Paying customers")] = None
    description: Description = ""
    is_static: Annotated[
        Flag, told("Persons are put into it, instead of filters saying who is in it. For good.", False)
    ] = False
    filters: Annotated[
        CohortFilters | None, Json, told("Required for a dynamic cohort.", {"properties": WHOM})
    ] = None
    distinct_ids: Annotated[
        _DistinctIds, told("Whom to add to a static cohort.", ["user-1"], needs=_STATIC)
    ] = []
    uuids: Annotated[_Uuids, told("The same by the persons' uuids.", [_SOMEBODY], needs=_STATIC)] = []
    static_person_ids: Annotated[
        _Uuids, Field(alias=PERSON_IDS), told("PostHog's name for `uuids`.", [_SOMEBODY], needs=_STATIC)
    ] = []
    # A second type of body is more than generators of clients can take.
    csv: SkipJsonSchema[Annotated[Any, BeforeValidator(_file)]] = None
    deleted: Deleted = False

    unsupported: ClassVar = (Unsupported("groups"), Unsupported("query"))


class NewCohort(CohortChanges):
    """A whole cohort."""

    name: Annotated[Name, told("How it is called.", "Paying customers")]


SMALLEST_COHORT = {"name": "Paying customers", "filters": {"properties": WHOM}}


class PersonsToAdd(Parameters):
    """``PATCH cohorts/:id/add_persons_to_static_cohort/``"""

    person_ids: Annotated[_Uuids, told("The persons' uuids.", [_SOMEBODY])]


class PersonToRemove(Parameters):
    """``PATCH cohorts/:id/remove_person_from_static_cohort/``"""

    person_id: Annotated[UUID, told("The person's uuid.", _SOMEBODY)]
