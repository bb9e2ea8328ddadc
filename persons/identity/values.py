"""The values that identity works on: plain, frozen where they travel, known to no database.

Names follow PostHog's tables (docs: `person`, `person_distinct_id2`, `person_distinct_id_overrides`).
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Event:
    """An event as capture hands it over: validated, its time resolved, its NULs replaced.

    `index` is its position in the request's batch, for notes. `distinct_id` has at most 400 characters.
    `timestamp` is aware, in UTC. `properties` are what `orjson.loads` makes of JSON and `orjson.dumps`
    can write again (no integers beyond 64 bits, at most 254 levels); they hold `$set`, `$set_once` and
    `$unset`, also those that came at the top of the event. Nobody changes them in place.
    """

    index: int
    uuid: UUID
    event: str
    distinct_id: str
    timestamp: datetime
    properties: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """A person at one version. Each change raises `version` by 1 (ingestion.md 4.2).

    `last_seen_at` is the latest event's timestamp, to the hour: it moves only by an hour or more,
    and does not count as a change. `is_hidden`: all its distinct ids are on hold (decisions.md 12.1).
    """

    uuid: UUID
    created_at: datetime
    properties: dict[str, Any]
    is_identified: bool
    version: int
    last_seen_at: datetime | None
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Mapping:
    """Whose a distinct id is. `person` is None while all its events came without a person profile (4.4), or
    since its person was deleted.

    `version` rises by 1 whenever `person` changes. `on_hold` since its person was deleted and until it is
    released: what it makes is hidden meanwhile (decisions.md section 12). `generation` counts the deletions.
    """

    distinct_id: str
    person: UUID | None
    version: int
    on_hold: bool = False
    generation: int = 0


@dataclass(slots=True)
class Known:
    """What is stored about everything a batch mentions; `process` only reads it.

    `mappings` has every id of `mentioned_ids` that is stored, and all ids of each person that owns one of
    `merge_ids`. `persons` has every person that a mapping names.
    """

    persons: dict[UUID, Person] = field(default_factory=dict)
    mappings: dict[str, Mapping] = field(default_factory=dict)


@dataclass(slots=True)
class Elsewhere:
    """What an import knows beside its events: who their persons are in the service they come from.

    `persons`: by an event's uuid, its person's uuid there. `names`: by such a uuid, a distinct id of the
    person here that stands for it. `taken`: uuids that no new person can be given. `listed`: persons by uuid,
    here or elsewhere, that are as a list of persons has said, and a text for what it said: one here and one
    elsewhere who have the same text are the same person.
    """

    persons: dict[UUID, UUID] = field(default_factory=dict)
    names: dict[UUID, str] = field(default_factory=dict)
    taken: set[UUID] = field(default_factory=set)
    listed: dict[UUID, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """A person as a list of persons has it, or a part of its distinct ids. `created_at` and `is_identified`
    are None where the list does not say."""

    uuid: UUID
    distinct_ids: tuple[str, ...]
    properties: dict[str, Any]
    created_at: datetime | None
    is_identified: bool | None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event to be stored, its properties enriched (4.1), its person at the time of arrival, and the
    generation and the version its distinct id was in."""

    event: Event
    person_id: UUID
    generation: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """What was not done of an event, and why. `stored` is False when the whole event was left out."""

    index: int
    uuid: UUID
    reason: str
    stored: bool


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A person that was merged into another one, or deleted. `version` beats every live row of it (4.6)."""

    uuid: UUID
    version: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class RefusedMerge:
    """A merge of two persons that was refused because `other_person` is already identified (4.6), or because
    `other_distinct_id` is on hold; then `other_person` is None.

    For the project's activity log. Both persons are named as they were at that event: a later event of
    the batch may have merged either.
    """

    index: int
    uuid: UUID
    event: str
    timestamp: datetime
    distinct_id: str
    person: UUID
    other_distinct_id: str
    other_person: UUID | None


@dataclass(frozen=True, slots=True)
class Move:
    """That a distinct id's person, `loser`, became part of another one, `survivor`. `place` is that of the
    event that did it in `Outcome.events`. Of an id that is moved again in the same batch only the first
    move: then it goes where its new person goes, of whose own ids there are moves as well.
    """

    distinct_id: str
    place: int
    survivor: UUID
    loser: UUID


@dataclass(slots=True)
class Outcome:
    """What a batch makes of what was known: all that has to be written, each thing in its final state.

    `events` and `notes` are in the order of the batch. `persons` are new or changed ones; `seen` are those
    of which only `last_seen_at` moved: their version stays, ClickHouse needs no copy. `deleted` are persons
    deleted, or merged away, also such as were made in this batch. `mappings` are new or changed. `overrides`,
    all of them also in `mappings`, are the ids with earlier events under another person_id. `moves`: what
    merges did. `names`: new ones for `Elsewhere`.
    """

    events: list[StoredEvent] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    refused_merges: list[RefusedMerge] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    persons: dict[UUID, Person] = field(default_factory=dict)
    seen: dict[UUID, datetime] = field(default_factory=dict)
    deleted: dict[UUID, Tombstone] = field(default_factory=dict)
    mappings: dict[str, Mapping] = field(default_factory=dict)
    overrides: dict[str, Mapping] = field(default_factory=dict)
    names: dict[UUID, str] = field(default_factory=dict)
