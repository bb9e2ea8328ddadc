"""From what was sent to an event the rest of the service can trust, or a reason why not."""

import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from persons.capture import times
from persons.capture.decoding import Payload
from persons.identity.values import Event, Note

MAX_EVENT_BYTES = 1024 * 1024
MAX_EVENT_NAME = 200
MAX_DISTINCT_ID = 400
# Room for the levels that storing puts around and into an event.
_SPARE_LEVELS = 3
_LIFTED = ("$set", "$set_once", "$unset")


class Refused(Exception):
    """This event cannot be taken. The message is for whoever sent it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The events of a request that can be taken, and what there is to say about them and the others."""

    events: list[Event]
    notes: list[Note]


def accepted(payload: Payload, now: datetime) -> Accepted:
    """Check and normalise each event of a request."""
    events, notes = [], []
    sent_at = None if payload.historical_migration else times.read(payload.sent_at)
    for index, raw in enumerate(payload.events):
        identifier, note = _identifier(raw.get("uuid") if isinstance(raw, dict) else None)
        try:
            event, time_note = _event(index, identifier, raw, sent_at, now)
        except Refused as refusal:
            notes.append(Note(index=index, uuid=identifier, reason=str(refusal), stored=False))
            continue
        events.append(event)
        notes += [
            Note(index=index, uuid=identifier, reason=reason, stored=True)
            for reason in (note, time_note)
            if reason
        ]
    return Accepted(events, notes)


def _event(
    index: int, identifier: uuid.UUID, raw: Any, sent_at: datetime | None, now: datetime
) -> tuple[Event, str | None]:
    if not isinstance(raw, dict):
        raise Refused("an event must be an object")
    encoded = _encoded(raw)
    size = len(encoded) - 2 * _SPARE_LEVELS
    if size > MAX_EVENT_BYTES:
        raise Refused(f"an event may have {MAX_EVENT_BYTES} bytes at most, this one has {size}")
    if b"\\u0000" in encoded:
        raw = without_nul(raw)
    properties = _properties(raw)
    timestamp, note = times.happened_at(
        timestamp=raw.get("timestamp"),
        offset=raw.get("offset"),
        sent_at=None if properties.get("$ignore_sent_at") is True else sent_at,
        now=now,
    )
    event = Event(
        index=index,
        uuid=identifier,
        event=_name(raw),
        distinct_id=_distinct_id(raw, properties),
        timestamp=timestamp,
        properties=properties,
    )
    return event, note


def _encoded(raw: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps([[[raw]]])
    except orjson.JSONEncodeError as error:
        raise Refused("an event may be nested 250 levels deep at most") from error


def _name(raw: dict[str, Any]) -> str:
    name = raw.get("event")
    if not isinstance(name, str) or not name:
        raise Refused("`event` is missing: the event's name, a text")
    return name[:MAX_EVENT_NAME]


def _distinct_id(raw: dict[str, Any], properties: dict[str, Any]) -> str:
    for found in (raw.get("distinct_id"), properties.get("distinct_id"), properties.get("$distinct_id")):
        if found is not None and found != "":
            text = found if isinstance(found, str) else orjson.dumps(found).decode()
            if len(text) > MAX_DISTINCT_ID:
                raise Refused(
                    f"`distinct_id` may have {MAX_DISTINCT_ID} characters at most, this one has {len(text)}"
                )
            return text
    raise Refused("`distinct_id` is missing")


def _properties(raw: dict[str, Any]) -> dict[str, Any]:
    properties = raw.get("properties")
    if properties is None:
        properties = {}
    if not isinstance(properties, dict):
        raise Refused("`properties` must be an object")
    lifted = {key: raw[key] for key in _LIFTED if raw.get(key) is not None}
    for key in ("$set", "$set_once"):
        inner = properties.get(key)
        if isinstance(lifted.get(key), dict) and isinstance(inner, dict):
            lifted[key] = {**inner, **lifted[key]}
    return {**properties, **lifted} if lifted else properties


def _identifier(value: object) -> tuple[uuid.UUID, str | None]:
    """The event's own uuid; without a usable one a fresh one, ordered by time (RFC 9562, UUIDv7)."""
    note = None
    if isinstance(value, uuid.UUID):
        return value, None
    if value is not None:
        try:
            return uuid.UUID(str(value)), None
        except ValueError:
            note = f"uuid {str(value)[:64]!r} is not a uuid; another one was given"
    milliseconds = time.time_ns() // 1_000_000
    noise = uuid.uuid4().int & (1 << 76) - 1
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | noise), note


def without_nul(value: Any) -> Any:
    """PostgreSQL's text cannot hold NUL; U+FFFD says that something was there."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [without_nul(each) for each in value]
    if isinstance(value, dict):
        return {without_nul(key): without_nul(each) for key, each in value.items()}
    return value
