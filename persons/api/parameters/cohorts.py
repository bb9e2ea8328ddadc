"""Cohorts, as they are sent."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field

from persons.api.parameters.door import Flag, Json, Parameters, Unsupported, refuse
from persons.api.parameters.kept import Description, Name, SentProperties

MAX_IDS = 1_000_000
# What PostHog calls `uuids`.
PERSON_IDS = "_create_static_person_ids"


def _file(value: Any) -> Any:
    if value in (None, "") or isinstance(value, UploadedFile):
        return value or None
    raise refuse("Must be a file: send it as multipart/form-data.")


_DistinctIds = Annotated[list[str], FailFast(), Field(max_length=MAX_IDS), Json]
_Uuids = Annotated[list[UUID], FailFast(), Field(max_length=MAX_IDS), Json]


class CohortFilters(BaseModel):
    """The definition of a dynamic cohort."""

    model_config = ConfigDict(extra="allow", frozen=True)

    properties: SentProperties = None


class CohortChanges(Parameters):
    """What a PATCH changes of a cohort. Whom it names is added to a static one; `deleted` does what DELETE
    does."""

    name: Name | None = None
    description: Description = ""
    is_static: Flag = False
    filters: Annotated[CohortFilters | None, Json] = None
    distinct_ids: _DistinctIds = []
    uuids: _Uuids = []
    static_person_ids: _Uuids = Field(default=[], alias=PERSON_IDS)
    csv: Annotated[Any, BeforeValidator(_file)] = None
    deleted: Flag = False

    unsupported: ClassVar = (Unsupported("groups"), Unsupported("query"))


class NewCohort(CohortChanges):
    """A whole cohort."""

    name: Name


class PersonsToAdd(Parameters):
    """``PATCH cohorts/:id/add_persons_to_static_cohort/``"""

    person_ids: _Uuids


class PersonToRemove(Parameters):
    """``PATCH cohorts/:id/remove_person_from_static_cohort/``"""

    person_id: UUID
