"""From an exported row to an event, which has passed what a captured one has to pass."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from persons.capture.decoding import Payload
from persons.capture.events import accepted
from persons.identity import Event
from persons.importing.fields import document, identifier, moment
from persons.importing.rows import BadRow, Row

# What an event without a uuid is known by.
_EVENT_NAMESPACE = UUID("0f5f0c0e-58c5-4f5e-9d43-6c1f1c8a7b52")
_NOBODY = UUID(int=0)


class ReadEvents(NamedTuple):
    """The events of some rows; of some of them their person's uuid elsewhere, by the event's uuid; and the
    rows that are none, with reasons."""

    events: list[Event]
    persons: dict[UUID, UUID]
    bad: list[tuple[Row, str]]


def read_events(rows: Iterable[Row], now: datetime) -> ReadEvents:
    """Make events of rows, in the order in which they happened, as far as these rows go."""
    raw: list[dict[str, Any]] = []
    sources: list[Row] = []
    persons: dict[UUID, UUID] = {}
    bad: list[tuple[Row, str]] = []
    for row in rows:
        try:
            if isinstance(row.value, BadRow):
                raise row.value
            event, person = _event(row.value)
        except BadRow as reason:
            bad.append((row, str(reason)))
            continue
        raw.append(event)
        sources.append(row)
        if person is not None:
            persons[event["uuid"]] = person
    found = accepted(Payload(token=None, events=raw, historical_migration=True), now)
    bad += [(sources[note.index], note.reason) for note in found.notes if not note.stored]
    bad.sort(key=lambda each: each[0].number)
    return ReadEvents(sorted(found.events, key=lambda event: event.timestamp), persons, bad)


def _event(value: dict[str, Any]) -> tuple[dict[str, Any], UUID | None]:
    """The event as an SDK would have sent it, and its person elsewhere. Raises BadRow."""
    name = value.get("event")
    if "event" not in value and "person_id" in value and "properties" in value:
        raise BadRow("this is a person, not an event: import it with --persons")
    if not isinstance(name, str) or not name:
        raise BadRow("`event` is missing: the event's name, a text")
    properties = document(value.get("properties"), "properties")
    for column, key in (("set", "$set"), ("set_once", "$set_once")):
        # Top-level in plugins' exports, columns in those to databases; there they are copies.
        given = value.get(key, value.get(column))
        if given is not None and key not in properties and (update := document(given, column)):
            properties[key] = update
    if isinstance(chain := _elements(value), str):
        properties.setdefault("$elements_chain", chain)
    elif chain:
        properties.setdefault("$elements", chain)
    timestamp = moment(_first(value, "timestamp", "sent_at", "now"), "timestamp")
    distinct_id = value.get("distinct_id")
    event: dict[str, Any] = {"event": name, "properties": properties, "timestamp": timestamp.isoformat()}
    if distinct_id is not None:
        event["distinct_id"] = distinct_id
    given = _first(value, "uuid", "id")
    event["uuid"] = identifier(given, "uuid") if given is not None else _uuid(event)
    return event, _person(value)


def _first(value: dict[str, Any], *names: str) -> Any:
    return next((found for name in names if (found := value.get(name)) is not None), None)


def _elements(value: dict[str, Any]) -> str | list[Any] | None:
    """The elements chain, or the elements; exports to databases have the chain as JSON text, some twice."""
    chain = value.get("elements_chain") or value.get("elements")
    for _ in range(2):
        if isinstance(chain, str) and chain[:1] == '"':
            try:
                chain = orjson.loads(chain)
            except orjson.JSONDecodeError:
                break
    return chain if isinstance(chain, str | list) and chain else None


def _person(value: dict[str, Any]) -> UUID | None:
    given = value.get("person_id")
    if given in (None, ""):
        return None
    person = identifier(given, "person_id")
    return None if person == _NOBODY else person


def _uuid(event: dict[str, Any]) -> UUID:
    """The same for two rows that say the same."""
    text = orjson.dumps(event, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
    return uuid.uuid5(_EVENT_NAMESPACE, text.decode())
