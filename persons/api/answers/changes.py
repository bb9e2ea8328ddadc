"""What is answered to changes of persons, and what was done to them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel

from persons.api.answers.pages import CountedPage, Page
from persons.api.answers.stored import User
from persons.openapi.fields import DescribedAs, Named, told


class BulkDeletion(BaseModel):
    """What was deleted."""

    persons_found: int
    persons_deleted: Annotated[int, told("0 when the persons are kept.")]
    persons_deleted_before: Annotated[
        int, told("Of persons who are gone and whose events were kept: how many of them these go now.")
    ]
    events_queued_for_deletion: Annotated[
        bool, told("Whether events of a found person go: see `deletion_status`.")
    ]
    recordings_queued_for_deletion: Annotated[bool, told("False: there are none.")]
    deletion_errors: Annotated[list[Any], told("Empty: all of a request are deleted, or none.")]
    ids_not_found: Annotated[
        list[Annotated[Any, DescribedAs(Any)]], told("Those of `ids` that belong to nobody, as they are.")
    ]
    distinct_ids_not_found: Annotated[list[str], told("Those of `distinct_ids` that belong to nobody.")]


class EventDeletion(BaseModel):
    """The deletion of a person's events."""

    person_uuid: UUID
    created_at: datetime
    status: Annotated[Literal["pending", "completed"], Named("EventDeletionStatus")]
    delete_verified_at: Annotated[datetime | None, told("When they were counted, and none was left.")]


class EventDeletionPage(CountedPage):
    """One page of deletions, newest first."""

    results: list[EventDeletion]


class KeyOfActivity(BaseModel):
    """A personal API key."""

    id: int
    label: str


class Activity(BaseModel):
    """Something that was done to a person."""

    id: int
    user: Annotated[User | None, told("Who did it; null for an event.")]
    key: Annotated[KeyOfActivity | None, told("With which key; null in the admin site.")]
    activity: Annotated[
        str,
        told("`updated`, `split`, `deleted`, `events_deleted`, `distinct_id_reset` or `merge_refused`."),
    ]
    scope: Annotated[str, told("`Person`.")]
    item_id: Annotated[UUID | None, told("The person's uuid; null where there was none.")]
    detail: Annotated[dict[str, Any], told("What exactly.")]
    created_at: datetime


class ActivityPage(Page):
    """One page of activity, newest first."""

    results: list[Activity]
    total_count: Annotated[int, told("How many there are on all pages.")]
