"""Finding the person that a request names, and showing it as a whole."""

import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from persons.api.actors import with_distinct_ids
from persons.api.cursors import Place, cursor_after, list_of
from persons.api.paging import page_url
from persons.api.parameters.persons import DistinctIdsOfParameters, place_asked_for
from persons.api.rows import counts_of, person_row
from persons.errors import invalid
from persons.identity import MAX_DISTINCT_ID_LENGTH
from persons.models import Person, PersonDistinctId, Project
from persons.models.naming import known_ids_first

MAX_DISTINCT_IDS = 10_000
# Distinct ids have an order, and no moment.
_NO_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


def by_id(person_id: str, attr: str) -> dict[str, Any]:
    """How to filter persons by an id, which is a whole number or a uuid. Raises a 400."""
    if person_id.isascii() and person_id.isdecimal() and len(person_id) <= 18:
        return {"pk": int(person_id)}
    try:
        return {"uuid": uuid.UUID(person_id)}
    except ValueError as error:
        raise invalid(
            attr,
            "The ID provided does not look like a personID. If you are using a distinctId, please use "
            f"/persons?distinct_id={quote(person_id[:MAX_DISTINCT_ID_LENGTH], safe='@')} instead.",
        ) from error


def person_of(project: Project, person_id: str, attr: str = "id") -> Person:
    """The person with an id. Raises a 400, or NotFound."""
    person = Person.objects.filter(project=project, **by_id(person_id, attr)).first()
    if person is None:
        raise NotFound
    return person


def whole_person(project: Project, person_id: str) -> dict[str, Any]:
    """The person with an id, and the oldest of its distinct ids. Raises a 400, or NotFound."""
    persons = Person.objects.filter(project=project, **by_id(person_id, "id"))
    person = with_distinct_ids(persons, MAX_DISTINCT_IDS).first()
    if person is None:
        raise NotFound
    counts = counts_of([person], shown=MAX_DISTINCT_IDS)
    row = person_row(project, person, counts.get(person.pk, len(person.distinct_ids)))
    return {**row, "distinct_ids": known_ids_first(row["distinct_ids"])}


def distinct_ids_page(request: Request, person: Person, asked: DistinctIdsOfParameters) -> dict[str, Any]:
    """A page of all distinct ids of a person. Raises a 400."""
    made_for = list_of("distinct ids", asked, ("cursor", "limit", "format"))
    place = place_asked_for(asked, made_for)
    own = PersonDistinctId.objects.filter(person=person).order_by("pk")
    rest = own if place is None else own.filter(pk__gt=place.key)
    found = list(rest.values_list("pk", "distinct_id")[: asked.limit + 1])
    page = found[: asked.limit]
    more = len(found) > asked.limit
    cursor = cursor_after(Place(_NO_MOMENT, page[-1][0]), made_for) if more else None
    return {
        "results": [distinct_id for _, distinct_id in page],
        "next": page_url(request, cursor=cursor) if cursor else None,
        "next_cursor": cursor,
        "count": own.count(),
    }
