"""Events as the API shows them, each with its person."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

import orjson

from clickhouse.event_list import Event
from persons.api.actors import with_distinct_ids
from persons.api.elements import elements_of
from persons.models import Person, Project

# What PostHog shows of an event's person. A page may have ten thousand.
_PROPERTIES = ("email", "name", "username")


def event_fields(project: Project, events: Iterable[Event]) -> list[dict[str, Any]]:
    """The events as JSON. The person is null where there is none."""
    events = list(events)
    persons = _persons(project, {event.person for event in events})
    return [_fields(event, persons.get(event.person)) for event in events]


def _persons(project: Project, uuids: Collection[UUID]) -> dict[UUID, Any]:
    found = with_distinct_ids(Person.objects.filter(project=project, uuid__in=uuids), limit=1)
    return {person.uuid: person for person in found}


def _fields(event: Event, person: Any) -> dict[str, Any]:
    return {
        "id": event.place.uuid,
        "distinct_id": event.distinct_id,
        "properties": orjson.loads(event.properties),
        "event": event.name,
        # Always as long, so that clients may compare texts: Airbyte does.
        "timestamp": event.place.timestamp.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "person": None if person is None else _person_fields(person),
        "elements": elements_of(event.elements_chain),
        "elements_chain": event.elements_chain,
    }


def _person_fields(person: Any) -> dict[str, Any]:
    return {
        "uuid": person.uuid,
        "is_identified": person.is_identified,
        "distinct_ids": person.distinct_ids,
        "properties": {key: person.properties[key] for key in _PROPERTIES if key in person.properties},
    }
