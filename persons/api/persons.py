"""Finding the person that a request names."""

import uuid
from typing import Any

from persons.errors import invalid


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
