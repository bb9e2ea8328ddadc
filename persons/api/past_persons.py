"""Persons as they were: found by today's identity, with the properties of a moment."""

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from rest_framework.exceptions import NotFound

from persons.api.actors import with_distinct_ids
from persons.api.parameters.history import AtTimeParameters, OnePersonParameters, Wanted
from persons.api.persons import by_id
from persons.api.rows import person_row
from persons.history import Asked, properties_at
from persons.models import Person, PersonDistinctId, Project, known_as
from persons.stores import clickhouse


@dataclass(frozen=True, slots=True)
class PastPerson:
    """A person with the properties of a moment, and how it was asked for. The person is not to be saved."""

    person: Any
    at: datetime
    include_set_once: bool
    distinct_id: str | None
    person_id: Any

    def row(self, project: Project) -> dict[str, Any]:
        """As a row of a list. The name is that of the properties of the moment."""
        return person_row(project, self.person, len(self.person.distinct_ids))

    def fields(self, project: Project) -> dict[str, Any]:
        """As JSON."""
        ids = self.person.distinct_ids
        return {
            **self.row(project),
            "point_in_time_metadata": {
                "queried_timestamp": self.at,
                "include_set_once": self.include_set_once,
                "distinct_id_used": self.distinct_id,
                "person_id_used": self.person_id,
                "query_mode": "person_id" if self.distinct_id is None else "distinct_id",
                "distinct_ids_queried": ids,
                "distinct_ids_count": len(ids),
            },
        }


def person_asked_for(project: Project, asked: OnePersonParameters) -> Any:
    """The person, with all distinct ids. Raises NotFound."""
    if asked.distinct_id is not None:
        how, name = known_as(project, asked.distinct_id), f"distinct_id '{asked.distinct_id}'"
    else:
        how, name = Q(**by_id(asked.person_id or "", "person_id")), f"person_id '{asked.person_id}'"
    person = _persons(project).filter(how).first()
    if person is None:
        raise NotFound(f"Person with {name} not found")
    return person


def person_by_id(project: Project, person_id: str, attr: str) -> Any:
    """The person with this whole number or uuid, with all distinct ids. Raises a 400, NotFound."""
    person = _persons(project).filter(**by_id(person_id, attr)).first()
    if person is None:
        raise NotFound
    return person


def generations_of(person: Person) -> dict[str, int]:
    """All distinct ids of a person, and how often each has been deleted before."""
    mappings = PersonDistinctId.objects.filter(person=person.pk).order_by("pk")
    return dict(mappings.values_list("distinct_id", "generation"))


def one_at(project: Project, asked: AtTimeParameters, at: datetime) -> PastPerson:
    """The person at a moment. Raises NotFound, ClickHouseUnavailable, ClickHouseError."""
    person = person_asked_for(project, asked)
    (found,) = _at(project, [(person, at)], include_set_once=asked.include_set_once)
    return PastPerson(found, at, asked.include_set_once, asked.distinct_id, asked.person_id)


def many_at(
    project: Project, asked: Collection[Wanted], *, include_set_once: bool
) -> Mapping[str, PastPerson]:
    """Those that exist, by the names they were asked for by, in that order.

    Raises ClickHouseUnavailable, ClickHouseError.
    """
    by_name = _by_name(project, asked)
    there = [each for each in asked if each.name in by_name]
    found = _at(project, [(by_name[each.name], each.at) for each in there], include_set_once=include_set_once)
    return {
        each.name: PastPerson(person, each.at, include_set_once, each.distinct_id, each.uuid)
        for each, person in zip(there, found, strict=True)
    }


def _by_name(project: Project, asked: Collection[Wanted]) -> dict[str, Any]:
    uuids = {each.uuid: UUID(each.uuid) for each in asked if each.uuid}
    distinct_ids = [each.distinct_id for each in asked if each.distinct_id]
    by_uuid = {person.uuid: person for person in _persons(project).filter(uuid__in=uuids.values())}
    keys = dict(
        PersonDistinctId.objects.filter(
            project=project, distinct_id__in=distinct_ids, person__isnull=False
        ).values_list("distinct_id", "person_id")
    )
    by_key = {person.pk: person for person in _persons(project).filter(pk__in=set(keys.values()))}
    return {
        **{name: by_uuid[uuid] for name, uuid in uuids.items() if uuid in by_uuid},
        **{name: by_key[key] for name, key in keys.items() if key in by_key},
    }


def _persons(project: Project) -> QuerySet[Any]:
    return with_distinct_ids(Person.objects.filter(project=project), limit=None)


def _at(project: Project, asked: list[tuple[Any, datetime]], *, include_set_once: bool) -> list[Any]:
    """Copies of the persons with the properties of the moments."""
    moments: dict[int, set[datetime]] = {}
    for person, at in asked:
        moments.setdefault(person.pk, set()).add(at)
    persons = list({person.pk: person for person, _ in asked}.values())
    questions = [Asked(each.uuid, each.distinct_ids, sorted(moments[each.pk])) for each in persons]
    answers = properties_at(clickhouse(), project.pk, questions, include_set_once=include_set_once)
    properties = {
        (person.pk, at): found
        for person, question, answer in zip(persons, questions, answers, strict=True)
        for at, found in zip(question.moments, answer, strict=True)
    }
    return [_with_properties(person, properties[person.pk, at]) for person, at in asked]


def _with_properties(person: Any, properties: dict[str, Any]) -> Any:
    past = copy.copy(person)
    past.properties = properties
    return past
