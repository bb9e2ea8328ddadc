"""Persons, as lists show them and as the questions of analytics do."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel

from persons.api.answers.pages import NextUrl, Page
from persons.openapi.fields import Named, told


class _PersonFields(BaseModel):
    type: Annotated[Literal["person"], Named("PersonType")]
    uuid: UUID
    name: Annotated[
        Any,
        told(
            "The first of the project's `person_display_name_properties` that is not empty, as it is, which "
            "is mostly a text; else a distinct id, else the uuid."
        ),
    ]
    distinct_ids: Annotated[list[str], told("At most 1,000 in lists; 10,000 when one person is asked for.")]
    properties: Annotated[dict[str, Any], told("Any JSON under any name.")]
    created_at: datetime
    is_identified: bool
    last_seen_at: Annotated[
        datetime | None, told("The time of a recent event: behind the latest by less than an hour.")
    ]


class Person(_PersonFields):
    """A person in lists."""

    id: Annotated[int, told("For `persons/:person_id/`, which also takes the uuid.")]
    distinct_ids_count: Annotated[int, told("How many there are, shown or not.")]
    distinct_ids_truncated: Annotated[
        bool, told("Whether there are more than are shown: `persons/:person_id/distinct_ids/` has all.")
    ]
    updated_at: Annotated[
        datetime, told("When anything of the person changed, its distinct ids and `last_seen_at` included.")
    ]
    is_deleted: Annotated[bool, told("Whether the person is no more; with `include_deleted`.")] = False
    deleted_at: Annotated[datetime | None, told("When it was deleted, or became part of another one.")] = None
    merged_into: Annotated[
        UUID | None, told("The uuid of the person it became part of, who may be no more itself.")
    ] = None


class PersonPage(Page):
    """One page of persons."""

    results: list[Person]
    next_cursor: Annotated[str | None, told("The `cursor` of the next page; null on the last page.")]
    complete_until: Annotated[
        datetime | None,
        told(
            "Of a list about changes: what happened before that is in it, once all pages are read. "
            "Good as the next `updated_after`."
        ),
    ] = None
    count: Annotated[int | None, told("How many there are on all pages; with `include_total`.")] = None


class RecordedEvent(BaseModel):
    """An event in a recorded session."""

    uuid: UUID
    timestamp: datetime
    window_id: str | None


class MatchedRecording(BaseModel):
    """A session, and what of the question happened in it."""

    session_id: str
    events: list[RecordedEvent]


class Actor(_PersonFields):
    """A person in the answer to a question."""

    id: Annotated[UUID, told("The same as `uuid`.")]
    matched_recordings: Annotated[
        list[MatchedRecording], told("The sessions of the events asked about; with `include_recordings`.")
    ]
    value_at_data_point: Annotated[float | None, told("Where a question has a value for each person.")]


class ActorsResult(BaseModel):
    """The persons of this page."""

    people: list[Actor]
    count: Annotated[int, told("How many are on this page.")]


class ResolvedDateRange(BaseModel):
    """The range of dates that was really used."""

    date_from: datetime
    date_to: datetime
    timezone: Annotated[str, told("The project's, in which days and hours were counted.", "UTC")]


class Actors(BaseModel):
    """One page of the answer to a question, in the order of the uuids unless the endpoint says otherwise."""

    results: Annotated[list[ActorsResult], told("Always exactly one.", min_length=1, max_length=1)]
    next: NextUrl
    initial: Annotated[str, told("The first page.")]
    missing_persons: Annotated[
        int, told("How many persons of this page were deleted while the question was being answered.")
    ]
    is_cached: bool
    last_refresh: datetime
    resolved_date_range: ResolvedDateRange
    total_count: Annotated[
        int | None, told("How many persons there are on all pages; with `include_total`.")
    ] = None


class CohortOfPerson(BaseModel):
    """A cohort that a person is in."""

    id: int
    name: str
    count: Annotated[int | None, told("How many are in it now; null if counting exceeds the limits.")]


class PersonCohorts(BaseModel):
    """The cohorts that a person is in."""

    results: list[CohortOfPerson]


class DistinctIdsPage(BaseModel):
    """One page of the distinct ids of a person, in the order in which they were stored."""

    results: list[str]
    next: NextUrl
    next_cursor: Annotated[str | None, told("The `cursor` of the next page; null on the last page.")]
    count: Annotated[int, told("How many there are on all pages.")]


class FoundPersons(BaseModel):
    """Persons by the ids that were asked for."""

    results: Annotated[
        dict[str, Person], told("Each with at most 10 distinct ids. Ids that belong to nobody are missing.")
    ]


class PropertyValue(BaseModel):
    """A value of a property."""

    name: Annotated[str, told("A text itself, anything else as JSON writes it.", "pro")]
    count: Annotated[int, told("How many persons have it.")]


class PropertyValues(BaseModel):
    """One page of values, the most frequent first."""

    results: list[PropertyValue]
    next: NextUrl
    refreshing: Annotated[bool, told("Counts are always current: false.")]
