"""The rows that ClickHouse is to have, as JSON lines for the outbox (spec/ingestion.md section 5)."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from persons.identity.values import Mapping, Outcome, StoredEvent
from persons.models import ClickHouseTable
from persons.models.history import ARRIVALS_PER_REQUEST
from persons.writing.elements import elements_chain

_NOBODY = UUID(int=0)


def outbox_rows(
    project_id: int, outcome: Outcome, keys: dict[UUID, int], now: datetime, *, arrival: int
) -> list[tuple[str, bytes, int]]:
    """(table, JSON lines, number of lines), at most once per ClickHouse table.

    ``keys`` are those that PostgreSQL gave the persons. ``arrival`` numbers the request among all others.
    """
    first_arrival = arrival * ARRIVALS_PER_REQUEST
    contents = {
        ClickHouseTable.PERSON: _persons(project_id, outcome, keys),
        ClickHouseTable.DISTINCT_ID: _mappings(project_id, outcome.mappings.values()),
        ClickHouseTable.OVERRIDE: _overrides(project_id, outcome.overrides.values()),
        ClickHouseTable.PROPERTY_HISTORY: _merges(project_id, outcome, first_arrival),
        ClickHouseTable.EVENTS: _events(project_id, outcome.events, now, first_arrival),
    }
    # Sorted, so that objects that are alike are one text to ClickHouse, whatever order they came in.
    encoded = {
        table: [orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in rows]
        for table, rows in contents.items()
    }
    return [(table.value, b"\n".join(lines), len(lines)) for table, lines in encoded.items() if lines]


def _events(
    project_id: int, events: Iterable[StoredEvent], now: datetime, first_arrival: int
) -> Iterator[dict[str, Any]]:
    for number, stored in enumerate(events):
        event = stored.event
        yield {
            "team_id": project_id,
            "event": event.event,
            "timestamp": event.timestamp,
            "uuid": event.uuid,
            "distinct_id": event.distinct_id,
            "person_id": stored.person_id,
            "properties": event.properties,
            "elements_chain": elements_chain(event.properties),
            "created_at": now,
            "arrival": first_arrival + number,
            "generation": stored.generation,
            "distinct_id_version": stored.version,
        }


def _persons(project_id: int, outcome: Outcome, keys: dict[UUID, int]) -> Iterator[dict[str, Any]]:
    for person in outcome.persons.values():
        if person.is_hidden:
            # ClickHouse is told of it when it is released: until then no question can find it.
            continue
        yield {
            "team_id": project_id,
            "id": person.uuid,
            "key": keys[person.uuid],
            "created_at": person.created_at,
            "properties": person.properties,
            "is_identified": person.is_identified,
            "is_deleted": False,
            "version": person.version,
        }
    for tombstone in outcome.deleted.values():
        yield {
            "team_id": project_id,
            "id": tombstone.uuid,
            "created_at": tombstone.created_at,
            "properties": {},
            "is_identified": False,
            "is_deleted": True,
            "version": tombstone.version,
        }


def _merges(project_id: int, outcome: Outcome, first_arrival: int) -> Iterator[dict[str, Any]]:
    for move in outcome.moves:
        event = outcome.events[move.place].event
        yield {
            "team_id": project_id,
            "distinct_id": move.distinct_id,
            "timestamp": event.timestamp,
            "arrival": first_arrival + move.place,
            "kind": "merge",
            "detail": orjson.dumps([move.survivor, move.loser, event.distinct_id]).decode(),
            "event": event.event,
            "event_uuid": event.uuid,
        }


def _mappings(project_id: int, mappings: Iterable[Mapping]) -> Iterator[dict[str, Any]]:
    for mapping in mappings:
        if mapping.on_hold or mapping.person:
            yield {
                "team_id": project_id,
                "distinct_id": mapping.distinct_id,
                "person_id": mapping.person or _NOBODY,
                "is_deleted": mapping.on_hold,
                "version": mapping.version,
            }


def _overrides(project_id: int, mappings: Iterable[Mapping]) -> Iterator[dict[str, Any]]:
    """The rows that make earlier events follow their distinct id: those of its present generation."""
    for mapping in mappings:
        later = f"\0{mapping.generation}" if mapping.generation else ""
        yield {
            "team_id": project_id,
            "distinct_id": mapping.distinct_id + later,
            "person_id": mapping.person,
            "is_deleted": False,
            "version": mapping.version,
        }
