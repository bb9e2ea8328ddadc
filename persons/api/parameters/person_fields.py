"""`fields`: which parts of a person a list shows."""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from pydantic import BeforeValidator

from persons.api.parameters.door import refuse
from persons.openapi.fields import DescribedAs, told

NAMES = (
    "id", "uuid", "type", "name", "distinct_ids", "distinct_ids_count", "distinct_ids_truncated",
    "properties", "created_at", "is_identified", "last_seen_at", "updated_at",
)  # fmt: skip
# What tells those who are no more from the others.
OF_DELETED = ("is_deleted", "deleted_at", "merged_into")
_PROPERTY = "properties."
_MOST = 1_000


def _asked(value: Any) -> Any:
    if value in (None, ""):
        return None
    if isinstance(value, str):
        value = _json(value) if value.lstrip().startswith("[") else value.split(",")
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise refuse("Must be names with commas between them, or a list of names.")
    names = [each.strip() for each in value if each.strip()]
    if len(names) > _MOST:
        raise refuse("May have at most {most} names.", most=_MOST)
    for name in names:
        if name not in (*NAMES, *OF_DELETED) and not name.startswith(_PROPERTY):
            raise refuse(
                "There is no field {name}. Allowed: {allowed}, properties.<key>.",
                name=repr(name[:100]),
                allowed=", ".join((*NAMES, *OF_DELETED)),
            )
    # A row that names nobody is of no use.
    return tuple(dict.fromkeys(names if "uuid" in names else ["uuid", *names]))


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise refuse("Not valid JSON: {reason}", reason=str(error)) from error


Fields = Annotated[
    tuple[str, ...] | None,
    BeforeValidator(_asked),
    DescribedAs(str),
    told(
        "Only these parts of a person, with commas between them; `properties.<key>` is one property. A key "
        "with a comma in it needs a JSON list. `uuid` is always there.",
        "id,distinct_ids,updated_at,properties.email",
        '["name", "properties"]',
        files_only=True,
    ),
]


def columns_of(fields: tuple[str, ...]) -> list[str]:
    """The fields that are no properties."""
    return [each for each in fields if each != "properties" and not each.startswith(_PROPERTY)]


def keys_of(fields: tuple[str, ...]) -> list[str]:
    """The properties that are asked for one by one: none when all are."""
    if "properties" in fields:
        return []
    return [each.removeprefix(_PROPERTY) for each in fields if each.startswith(_PROPERTY)]


def pick(row: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """The parts of a row that were asked for, and whether it is of somebody who is no more."""
    picked = {name: row[name] for name in (*fields, "is_deleted") if name in row}
    if keys := keys_of(fields):
        properties = row["properties"]
        picked["properties"] = {key: properties[key] for key in keys if key in properties}
    return picked
