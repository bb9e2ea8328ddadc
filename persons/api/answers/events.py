"""Events one by one."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel

from persons.api.answers.pages import NextUrl
from persons.openapi.fields import told


class EventPerson(BaseModel):
    """Whose an event is now, in short."""

    uuid: UUID
    is_identified: bool
    distinct_ids: Annotated[list[str], told("The first one.")]
    properties: Annotated[dict[str, Any], told("`email`, `name` and `username`, where they are set.")]


class EventElement(BaseModel):
    """An element of a page."""

    text: str | None
    href: str | None
    attr_id: str | None
    nth_child: int | None
    nth_of_type: int | None
    tag_name: str | None
    attr_class: Annotated[list[str], told("Its classes.")]
    attributes: Annotated[dict[str, str], told("Everything else that is known of it.")]
    order: Annotated[int, told("0 for the one that was used, 1 for the one around it.")]


class ListedEvent(BaseModel):
    """Something that happened."""

    id: Annotated[UUID, told("The event's uuid.")]
    distinct_id: Annotated[str, told("What it came with.")]
    properties: Annotated[dict[str, Any], told("Any JSON under any name.")]
    event: Annotated[str, told("Its name.")]
    timestamp: datetime
    person: Annotated[EventPerson | None, told("Null for an event that made no person.")]
    elements: Annotated[list[EventElement], told("What autocapture saw, the innermost first.")]
    elements_chain: Annotated[str, told("The same as one text.")]


class EventPage(BaseModel):
    """One page of events."""

    results: list[ListedEvent]
    next: NextUrl
