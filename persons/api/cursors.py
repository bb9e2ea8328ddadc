"""Where a page of a list begins, as an opaque text: after a certain row, of a certain list."""

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Annotated, NamedTuple

import orjson
from pydantic import BaseModel, Field, TypeAdapter

from persons.api.parameters.cursors import cursor_of, place_of
from persons.errors import invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Place(NamedTuple):
    """A row by what a list is ordered by: a moment, and of equals the key."""

    at: datetime
    key: int


class _Written(NamedTuple):
    # Moments that datetime and PostgreSQL both have.
    microseconds: Annotated[int, Field(ge=-62_135_596_800_000_000, le=253_402_300_799_999_999)]
    key: Annotated[int, Field(ge=0, le=2**63 - 1)]
    made_for: str


_WRITTEN: TypeAdapter[_Written] = TypeAdapter(_Written)


def list_of(what: str, parameters: BaseModel, without: Collection[str]) -> str:
    """A name for the list that parameters ask for; `without` are those that do not say what is in it, and in
    which order."""
    asked = parameters.model_dump(
        mode="json", exclude={*without, "wait_until_visible"}, exclude_defaults=True
    )
    document = orjson.dumps([what, asked], option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(document, digest_size=9).hexdigest()


def cursor_after(place: Place, made_for: str) -> str:
    """The cursor of the page that begins after a row."""
    return cursor_of(((place.at - _EPOCH) // _MICROSECOND, place.key, made_for))


def place_in(cursor: str, made_for: str) -> Place:
    """The row after which the page begins. Raises a 400."""
    written = place_of(cursor, _WRITTEN)
    if written.made_for != made_for:
        raise invalid(
            "cursor", "This cursor was made for other parameters. Send those, or begin without a cursor."
        )
    return Place(_EPOCH + written.microseconds * _MICROSECOND, written.key)
