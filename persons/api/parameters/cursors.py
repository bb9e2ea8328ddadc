"""Places in a list, as they stand in the links to its next pages."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from persons.errors import invalid

Place = TypeVar("Place")


def cursor_of(place: tuple[Any, ...]) -> str:
    """A place as it stands in a link."""
    return urlsafe_b64encode(orjson.dumps([*place])).decode().rstrip("=")


def place_of(cursor: str, kind: TypeAdapter[Place]) -> Place:
    """The place that stood in a link. Raises a 400."""
    try:
        return kind.validate_json(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), strict=True)
    except (ValueError, ValidationError) as error:
        raise invalid("cursor", "Must be one that stood in `next` or `next_cursor`.") from error
