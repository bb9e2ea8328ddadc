"""Which values a property has, in plain words (decisions.md 10), to hold the SQL against."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson

from tests.clickhouse.reference_filters import lower, number_text


def values(
    documents: Iterable[dict[str, Any]], key: str, search: str | None, limit: int, offset: int
) -> list[tuple[str, int]]:
    """A page of names with the number of persons, and one more when there is another page.

    `documents` are the properties of the live persons.
    """
    persons = Counter(name for each in documents for name in names(each.get(key)))
    found = [
        (name, count) for name, count in persons.items() if search is None or lower(search) in lower(name)
    ]
    found.sort(key=lambda value: (-value[1], value[0].encode()))
    return found[offset : offset + limit + 1]


def names(value: Any) -> set[str]:
    """By which names a person's value goes."""
    each = value if isinstance(value, list) else [value]
    return {name_of(one) for one in each if one is not None} - {""}


def name_of(value: Any) -> str:
    return value if isinstance(value, str) else written(value)


def written(value: Any) -> str:
    """As JSON writes it: keys sorted, no white space, whole numbers without a point."""
    match value:
        case dict():
            return "{" + ",".join(f"{written(key)}:{written(value[key])}" for key in sorted(value)) + "}"
        case list():
            return "[" + ",".join(map(written, value)) + "]"
        case float():
            return number_text(value)
    return orjson.dumps(value).decode()
