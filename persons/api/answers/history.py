"""Past properties: at a moment, between two, change by change, event by event."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel

from persons.api.answers.pages import NextUrl
from persons.api.answers.persons import Person
from persons.openapi.fields import Named, told


class PointInTimeMetadata(BaseModel):
    """What was asked, and which distinct ids were looked at."""

    queried_timestamp: datetime
    include_set_once: bool
    distinct_id_used: Annotated[str | None, told("The distinct id as it was sent, if one was.")]
    person_id_used: Annotated[str | None, told("The person's own id as it was sent, if one was.")]
    query_mode: Annotated[
        Literal["distinct_id", "person_id"], Named("QueryMode"), told("By which of the two.")
    ]
    distinct_ids_queried: Annotated[list[str], told("All that the person has today.")]
    distinct_ids_count: int


class PastPerson(Person):
    """A person as it is today, but for `properties` and `name`: they are those of the moment."""

    distinct_ids: Annotated[list[str], told("All of them.")]
    point_in_time_metadata: PointInTimeMetadata


class PastPersons(BaseModel):
    """Persons with the properties of a moment."""

    results: Annotated[dict[str, PastPerson], told("By the ids as they were sent.")]
    not_found: Annotated[list[str], told("The ids that belong to nobody.")]


class ChangedValue(BaseModel):
    """A property that both moments know."""

    before: Any
    after: Any


class PropertiesDifference(BaseModel):
    """What the later moment has otherwise than the earlier one."""

    id: Annotated[int, told("The person's.")]
    uuid: UUID
    added: Annotated[dict[str, Any], told("What only the later one has.")]
    changed: Annotated[dict[str, ChangedValue], told("What both have, with different values.")]
    removed: Annotated[dict[str, Any], told("What only the earlier one has.")]


class PropertyChange(BaseModel):
    """That a property became another one."""

    timestamp: datetime
    operation: Annotated[
        Literal["set", "set_once", "unset", "merge", "split"],
        Named("PropertyOperation"),
        told("`merge` (`split`): by becoming one with another person (apart from it)."),
    ]
    key: Annotated[str, told("The name of the property.")]
    before: Annotated[Any, told("Null as well where there was nothing.")]
    after: Annotated[Any, told("Null as well where there is nothing any more.")]
    event: Annotated[str | None, told("The name of the event that did it, if one did.")]
    event_uuid: UUID | None
    distinct_id: Annotated[str, told("Whose event it was.")]


class PropertyChanges(BaseModel):
    """One page of changes."""

    results: list[PropertyChange]
    next: NextUrl


class TimelinePoint(BaseModel):
    """An event that found one of the properties changed, or the first event."""

    timestamp: datetime
    properties: Annotated[dict[str, Any], told("All that the person had then.")]
    relevant_event_count: Annotated[int, told("How many events there are until the next point.")]


class PropertiesTimeline(BaseModel):
    """What the properties that filters and breakdowns look at were, from event to event."""

    points: Annotated[list[TimelinePoint], told("The earliest first.")]
    crucial_property_keys: Annotated[list[str], told("The names of these properties.")]
