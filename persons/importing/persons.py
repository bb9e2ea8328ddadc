"""From an exported row to a person of a list, or to a part of its distinct ids."""

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from persons.capture.events import MAX_DISTINCT_ID, without_nul
from persons.identity import Listed
from persons.identity.properties import SIZE_LIMIT, json_size
from persons.importing.fields import document, identifier, moment
from persons.importing.rows import BadRow, Row


class ReadPerson(NamedTuple):
    """A listed person, the version its list gives it, and whether it says that the person is deleted."""

    listed: Listed
    version: int | None
    is_deleted: bool

    @property
    def listing(self) -> str:
        """What the list says, as a text that is the same for the same."""
        text = orjson.dumps(self.listed, option=orjson.OPT_SORT_KEYS)
        return hashlib.md5(text, usedforsecurity=False).hexdigest()


class ReadPersons(NamedTuple):
    """The persons of some rows, each once, and the rows that are none, with reasons."""

    persons: list[ReadPerson]
    bad: list[tuple[Row, str]]


def read_persons(rows: Iterable[Row]) -> ReadPersons:
    """Make persons of rows. Of several rows about one person the latest version counts, with the distinct ids
    of all; an id that two persons have is the one's whose mapping is the later, else whose row is."""
    found: dict[Any, ReadPerson] = {}
    owners: dict[str, tuple[int, Any]] = {}
    bad: list[tuple[Row, str]] = []
    for row in rows:
        try:
            if isinstance(row.value, BadRow):
                raise row.value
            person, id_version = _person(row.value)
        except BadRow as reason:
            bad.append((row, str(reason)))
            continue
        uuid = person.listed.uuid
        for distinct_id in person.listed.distinct_ids:
            if id_version >= owners.get(distinct_id, (-1, None))[0]:
                owners[distinct_id] = id_version, uuid
        before = found.get(uuid)
        found[uuid] = person if before is None or (person.version or 0) >= (before.version or 0) else before
    ids: dict[Any, list[str]] = {}
    for distinct_id, (_, uuid) in owners.items():
        ids.setdefault(uuid, []).append(distinct_id)
    return ReadPersons([_with_ids(found[uuid], own) for uuid, own in ids.items()], bad)


def _with_ids(person: ReadPerson, distinct_ids: list[str]) -> ReadPerson:
    listed = person.listed
    whole = Listed(
        listed.uuid, tuple(distinct_ids), listed.properties, listed.created_at, listed.is_identified
    )
    return person._replace(listed=whole)


def _person(value: dict[str, Any]) -> tuple[ReadPerson, int]:
    """The person, and the version of its mapping. Raises BadRow."""
    if isinstance(value.get("event"), str):
        raise BadRow("this is an event, not a person: import it with --events")
    given = value.get("uuid", value.get("person_id"))
    if given is None:
        raise BadRow("`uuid` is missing: the person's")
    properties: dict[str, Any] = without_nul(document(value.get("properties"), "properties"))
    try:
        size = json_size(properties)
    except orjson.JSONEncodeError as error:
        raise BadRow("properties may be nested 250 levels deep at most") from error
    if size > SIZE_LIMIT:
        raise BadRow(f"properties may have {SIZE_LIMIT} bytes of JSON at most, these have {size}")
    created_at = value.get("created_at")
    is_identified = value.get("is_identified")
    listed = Listed(
        uuid=identifier(given, "uuid"),
        distinct_ids=_distinct_ids(value),
        properties=properties,
        created_at=None if created_at is None else moment(created_at, "created_at"),
        is_identified=None if is_identified is None else bool(is_identified),
    )
    version, id_version = value.get("person_version"), value.get("person_distinct_id_version")
    is_deleted = value.get("is_deleted") in (True, 1)
    return ReadPerson(listed, version if isinstance(version, int) else None, is_deleted), (
        id_version if isinstance(id_version, int) else 0
    )


def _distinct_ids(value: dict[str, Any]) -> tuple[str, ...]:
    given = value["distinct_ids"] if "distinct_ids" in value else [value.get("distinct_id")]
    if not isinstance(given, list) or not all(isinstance(each, str) and each for each in given):
        raise BadRow("`distinct_ids` must be a list of texts, or `distinct_id` a text")
    if any(len(each) > MAX_DISTINCT_ID for each in given):
        raise BadRow(f"a distinct id may have {MAX_DISTINCT_ID} characters at most")
    if not given:
        raise BadRow("a person without distinct ids can never be found")
    return tuple(dict.fromkeys(each.replace("\0", "\ufffd") for each in given))
