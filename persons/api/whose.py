"""Whose events are asked for, as far as PostgreSQL knows it: which narrows where ClickHouse looks."""

from typing import NamedTuple

from clickhouse.portions import MOST_IDS, all_at_once
from clickhouse.query.conditions import Equals
from clickhouse.query.filters import EVERYTHING, AnyOf, EventColumn, Filter, PersonIs, both
from persons.api.persons import by_id
from persons.models import Person, PersonDistinctId, Project


class Whose(NamedTuple):
    """What must hold of the events, and the distinct ids they can have come with, in these generations; None
    for any, or for more than fit into a statement."""

    filter: Filter = EVERYTHING
    distinct_ids: tuple[str, ...] | None = None
    generations: tuple[int, ...] = ()


def whose_events(project: Project, person_id: str | None, distinct_id: str | None) -> Whose:
    """The events of a person, by its integer or uuid, of a distinct id, or of both at once. Raises a 400."""
    person = Whose() if person_id is None else _of_person(project, person_id)
    if distinct_id is None:
        return person
    # Of earlier generations nothing can be seen.
    known = PersonDistinctId.objects.filter(project=project, distinct_id=distinct_id)
    generation = known.values_list("generation", flat=True).first() or 0
    named = EventColumn(column="distinct_id", condition=Equals(texts=(distinct_id,)))
    return Whose(both(person.filter, named), (distinct_id,), (generation,))


def _of_person(project: Project, person_id: str) -> Whose:
    person = Person.objects.filter(project=project, **by_id(person_id, "person_id")).first()
    if person is None:
        return Whose(AnyOf())
    own = PersonDistinctId.objects.filter(person=person).values_list("distinct_id", "generation")
    generations = dict(own[: MOST_IDS + 1])
    ids = all_at_once([*generations], [*generations.values()])
    asked = PersonIs(uuid=person.uuid)
    return Whose(asked) if ids is None else Whose(asked, tuple(ids.distinct_ids), tuple(ids.generations))
