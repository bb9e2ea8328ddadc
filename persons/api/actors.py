"""From actor ids to persons as the API shows them (spec/posthog-behaviour.md 9.1)."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from clickhouse.recordings import RecordedEvent
from persons.api.recordings import matched_recordings
from persons.models import Person, PersonDistinctId, Project
from persons.models.naming import display_name

# A person may have very many; lists show the oldest ones.
MAX_DISTINCT_IDS = 1000
_COLUMNS = (
    "pk", "uuid", "properties", "created_at", "is_identified", "last_seen_at", "updated_at", "distinct_ids",
)  # fmt: skip


def with_distinct_ids(persons: QuerySet[Person], limit: int | None = MAX_DISTINCT_IDS) -> QuerySet[Any]:
    """The persons, each with ``distinct_ids`` in the order in which they were stored."""
    own = PersonDistinctId.objects.filter(person=OuterRef("pk")).order_by("pk").values("distinct_id")
    return persons.annotate(distinct_ids=ArraySubquery(own if limit is None else own[:limit]))


def in_columns(persons: QuerySet[Any]) -> QuerySet[Any, Any]:
    """The same persons, only to be read. Twice as fast as whole ones."""
    return persons.values_list(*_COLUMNS, named=True)


def persons_by_uuid(project: Project, uuids: Sequence[UUID]) -> dict[UUID, Any]:
    """The persons, ``with_distinct_ids``, that are still there."""
    found = with_distinct_ids(Person.objects.filter(project=project, uuid__in=uuids))
    return {person.uuid: person for person in found}


def actors(
    project: Project,
    uuids: Sequence[UUID],
    recorded: Mapping[UUID, Sequence[RecordedEvent]],
    values: Mapping[UUID, float | None],
) -> list[dict[str, Any]]:
    """The actors of an analytics answer in the given order, with their values where they have one. Persons
    that are gone are left out."""
    by_uuid = persons_by_uuid(project, uuids)
    return [
        {
            **person_fields(project, by_uuid[uuid]),
            "type": "person",
            "id": uuid,
            "matched_recordings": matched_recordings(recorded.get(uuid, ())),
            "value_at_data_point": values.get(uuid),
        }
        for uuid in uuids
        if uuid in by_uuid
    ]


def person_fields(project: Project, person: Any) -> dict[str, Any]:
    """A person as list and retrieve show it; needs ``with_distinct_ids``."""
    return {
        "id": person.pk,
        "uuid": person.uuid,
        "type": "person",
        "name": display_name(project, person.properties, person.distinct_ids, person.uuid),
        "distinct_ids": person.distinct_ids,
        "properties": person.properties,
        "created_at": person.created_at,
        "is_identified": person.is_identified,
        "last_seen_at": person.last_seen_at,
    }
