"""Finding persons by a text."""

import contextlib
from uuid import UUID

from clickhouse.query.conditions import Contains
from clickhouse.query.filters import EVERYTHING, Filter, Owns, PersonIs, PersonProperty, either


def search_filter(text: str | None) -> Filter:
    """The persons whose email, name or any distinct id contains the text, or whose uuid it is (5.8)."""
    if not text:
        return EVERYTHING
    contains = Contains(texts=(text,))
    found: list[Filter] = [PersonProperty(key=key, condition=contains) for key in ("email", "name")]
    found.append(Owns(condition=contains))
    with contextlib.suppress(ValueError):
        found.append(PersonIs(uuid=UUID(text)))
    return either(*found)
