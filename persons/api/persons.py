"""Finding the person that a request names."""

import uuid
from typing import Any

from rest_framework.exceptions import NotFound

from persons.errors import invalid
from persons.models import Person, Project


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
            "/persons?distinct_id=X instead.",
        ) from error


def person_of(project: Project, person_id: str, attr: str = "id") -> Person:
    """The person with an id. Raises a 400, or NotFound."""
    person = Person.objects.filter(project=project, **by_id(person_id, attr)).first()
    if person is None:
        raise NotFound
    return person
