"""Actions, cohorts, projects, keys and users."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel

from persons.api.answers.pages import CountedPage
from persons.openapi.fields import told

_Gone = Annotated[bool, told("True in the answer to the PATCH that deleted it.")]


class User(BaseModel):
    """Who made something."""

    id: int
    uuid: UUID
    email: str
    first_name: str
    last_name: str
    is_staff: bool


class StoredStep(BaseModel):
    """What an event must be like: all that is not null."""

    event: str | None
    properties: Annotated[Any, told("Filters, as they were sent.")]
    selector: str | None
    tag_name: str | None
    text: str | None
    text_matching: str | None
    href: str | None
    href_matching: str | None
    url: str | None
    url_matching: str | None


class Action(BaseModel):
    """Events that mean the same, under one name."""

    id: int
    name: str
    description: str
    steps: list[StoredStep]
    created_at: datetime
    created_by: User | None
    updated_at: datetime
    deleted: _Gone
    team_id: Annotated[int, told("The project's id.")]
    is_action: bool
    tags: Annotated[list[str], told("Empty.")]


class ActionPage(CountedPage):
    """One page of actions, newest first."""

    results: list[Action]


class Cohort(BaseModel):
    """Persons under one name."""

    id: int
    name: str
    description: str
    groups: Annotated[list[Any], told("PostHog's old form of filters: empty.")]
    filters: Annotated[dict[str, Any], told("`properties`: the filters as they were sent.")]
    is_static: bool
    is_calculating: Annotated[bool, told("Cohorts are always current: false.")]
    created_by: User | None
    created_at: datetime
    updated_at: datetime
    last_calculation: Annotated[datetime | None, told("Null.")]
    errors_calculating: Annotated[int, told("0.")]
    count: Annotated[
        int | None, told("How many persons are in it now, when one cohort is asked for; else null.")
    ]
    deleted: _Gone
    team_id: Annotated[int, told("The project's id.")]
    not_found: Annotated[
        list[str] | None,
        told("Of the ids sent for a static cohort, those that belong to nobody now: the first 1,000."),
    ] = None
    not_found_count: Annotated[int | None, told("How many those are.")] = None


class CohortPage(CountedPage):
    """One page of cohorts, newest first."""

    results: list[Cohort]


class Success(BaseModel):
    """It is done."""

    success: bool


class PersonsAdded(Success):
    """Which ids were not added."""

    not_found: Annotated[list[str], told("Ids that belong to nobody now: the first 1,000.")]
    not_found_count: Annotated[int, told("How many those are.")]


class Project(BaseModel):
    """One body of events and persons."""

    id: int
    uuid: UUID
    name: str
    api_token: Annotated[str, told("What SDKs send events with. Not a secret.")]
    timezone: Annotated[str, told("In which days and hours are counted.", "Europe/Berlin")]
    week_start_day: Annotated[int, told("0 Sunday, 1 Monday.", ge=0, le=1)]
    test_account_filters: Annotated[list[dict[str, Any]], told("Filters, as they were sent.")]
    person_display_name_properties: list[str]
    distinct_id_reuse: Annotated[str, told("`after_reset` or `immediately`.")]
    created_at: datetime


class ProjectPage(CountedPage):
    """One page of projects."""

    results: list[Project]


class OwnProject(BaseModel):
    """A project that the key can see."""

    id: int
    uuid: UUID
    name: str
    api_token: str
    timezone: str


class Me(User):
    """Who asks."""

    distinct_id: str
    projects: list[OwnProject]
    team: Annotated[OwnProject | None, told("The first of the projects.")]
    scopes: Annotated[list[str] | None, told("What the key may do; null for a session.")]


class PersonalAPIKey(BaseModel):
    """A personal API key, without its value."""

    id: int
    label: str
    mask_value: str
    scopes: list[str]
    scoped_projects: Annotated[list[int], told("Empty: every project of its user.")]
    created_at: datetime
    last_used_at: datetime | None


class NewPersonalAPIKey(PersonalAPIKey):
    """A new key."""

    value: Annotated[str, told("The key itself. It is not shown again.")]


class CurrentKey(PersonalAPIKey):
    """The key that asks."""

    user: User
    projects: Annotated[list[int], told("The ids of the projects it sees.")]


class PersonalAPIKeys(BaseModel):
    """The user's own keys."""

    results: list[PersonalAPIKey]
