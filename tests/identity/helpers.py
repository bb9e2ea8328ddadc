"""Events in one line, and a store that keeps what `process` decides, as PostgreSQL and ClickHouse would."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from persons.identity import (
    Event,
    Known,
    Mapping,
    Note,
    Outcome,
    Person,
    RefusedMerge,
    StoredEvent,
    Tombstone,
    mentioned_ids,
    merge_ids,
    person_uuid,
    process,
)

PROJECT = 7
START = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)


def at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def make_event(
    distinct_id: str,
    name: str = "seen",
    *,
    index: int = 0,
    minutes: int = 0,
    properties: dict[str, Any] | None = None,
) -> Event:
    return Event(index, UUID(int=index + 1), name, distinct_id, at(minutes), properties or {})


def identify(distinct_id: str, anonymous_id: Any = None, **properties: Any) -> Event:
    return make_event(distinct_id, "$identify", properties={"$anon_distinct_id": anonymous_id, **properties})


def alias(distinct_id: str, other: Any, name: str = "$create_alias", **properties: Any) -> Event:
    return make_event(distinct_id, name, properties={"alias": other, **properties})


def setting(distinct_id: str, minutes: int = 0, **values: Any) -> Event:
    return make_event(distinct_id, "$set", minutes=minutes, properties={"$set": values})


def personless(distinct_id: str, name: str = "seen") -> Event:
    return make_event(distinct_id, name, properties={"$process_person_profile": False})


def uuid_of(distinct_id: str) -> UUID:
    return person_uuid(PROJECT, distinct_id)


def as_jsonb(value: Any) -> Any:
    """The value as PostgreSQL's jsonb gives it back: large floats without a point, keys in another order."""
    if isinstance(value, dict):
        return {key: as_jsonb(value[key]) for key in sorted(value, key=lambda key: (len(key), key))}
    if isinstance(value, list):
        return [as_jsonb(item) for item in value]
    return int(value) if isinstance(value, float) and abs(value) >= 1e16 else value


@dataclass
class Store:
    """Everything ever decided. Batches see only what the loader would load for them."""

    persons: dict[UUID, Person] = field(default_factory=dict)
    mappings: dict[str, Mapping] = field(default_factory=dict)
    overrides: dict[str, Mapping] = field(default_factory=dict)
    tombstones: dict[UUID, Tombstone] = field(default_factory=dict)
    events: list[StoredEvent] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    refused_merges: list[RefusedMerge] = field(default_factory=list)

    def take(self, *events: Event) -> Outcome:
        """Process the events as one batch and keep what comes of it."""
        outcome = process(PROJECT, events, self.load(events))
        self.keep(outcome)
        return outcome

    def load(self, events: Sequence[Event]) -> Known:
        merging = {self.mappings[key].person for key in merge_ids(events) if key in self.mappings} - {None}
        mentioned = mentioned_ids(events)
        mappings = {
            key: mapping
            for key, mapping in self.mappings.items()
            if key in mentioned or mapping.person in merging
        }
        owners = {mapping.person for mapping in mappings.values() if mapping.person}
        return Known({uuid: self.persons[uuid] for uuid in owners}, mappings)

    def keep(self, outcome: Outcome) -> None:
        for uuid in outcome.deleted:
            self.persons.pop(uuid, None)
        for uuid, person in outcome.persons.items():
            self.persons[uuid] = replace(person, properties=as_jsonb(person.properties))
        for uuid, last_seen_at in outcome.seen.items():
            self.persons[uuid] = replace(self.persons[uuid], last_seen_at=last_seen_at)
        self.tombstones.update(outcome.deleted)
        self.mappings.update(outcome.mappings)
        self.overrides.update(outcome.overrides)
        self.events.extend(outcome.events)
        self.notes.extend(outcome.notes)
        self.refused_merges.extend(outcome.refused_merges)

    def person(self, distinct_id: str) -> Person:
        owner = self.mappings[distinct_id].person
        assert owner is not None
        return self.persons[owner]

    @property
    def reasons(self) -> list[str]:
        return [note.reason for note in self.notes]
