"""The working copy: persons and mappings while a batch is being decided.

`Known` is only read. A person is copied when an event first touches it, its properties when they first
change. A merge costs the same however many distinct ids move: ids keep pointing to the person they had,
that person points to its survivor, and `settle` follows the pointers once at the end.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from persons.identity.properties import SIZE_LIMIT, Change, json_size
from persons.identity.values import Elsewhere, Event, Known, Mapping, Move, Outcome, Person, Tombstone

PERSON_NAMESPACE = UUID("932979b4-65c3-4424-8467-0b66ec27bc22")
# How far a tombstone's version is above the last live one, so that no late copy of it wins (4.6).
TOMBSTONE_LEAD = 100
SEEN_GRANULARITY = timedelta(hours=1)


def person_uuid(project_id: int, distinct_id: str, generation: int = 0) -> UUID:
    """The deterministic uuid of the person that a distinct id makes when it is seen first (4.5), or first
    after it was deleted for the `generation`th time. No distinct id contains a NUL."""
    later = f"\0{generation}" if generation else ""
    return uuid5(PERSON_NAMESPACE, f"{project_id}:{distinct_id}{later}")


class Draft:
    """A person in the making. `into` is the person it was merged into.

    `size` is an upper bound of the properties' bytes as JSON; None until it was needed.
    """

    __slots__ = (
        "changed",
        "created_at",
        "into",
        "is_hidden",
        "is_identified",
        "last_seen_at",
        "owned",
        "properties",
        "seen",
        "size",
        "uuid",
        "version",
    )

    def __init__(self, person: Person) -> None:
        self.uuid = person.uuid
        self.created_at = person.created_at
        self.properties = person.properties
        self.is_identified = person.is_identified
        self.version = person.version
        self.last_seen_at = person.last_seen_at
        self.is_hidden = person.is_hidden
        self.owned = False
        self.size: int | None = None
        self.changed = False
        self.seen = False
        self.into: Draft | None = None

    def person(self) -> Person:
        """The person as it is now."""
        return Person(
            self.uuid,
            self.created_at,
            self.properties,
            self.is_identified,
            self.version,
            self.last_seen_at,
            self.is_hidden,
        )

    def raise_version(self) -> None:
        """Count a change."""
        self.version += 1
        self.changed = True

    def identify(self) -> bool:
        """Mark identified, and say whether that was a change."""
        if self.is_identified:
            return False
        self.is_identified = True
        self.raise_version()
        return True

    def see(self, timestamp: datetime) -> None:
        """Take note of an event's time."""
        if self.last_seen_at is None or timestamp - self.last_seen_at >= SEEN_GRANULARITY:
            self.last_seen_at = timestamp
            self.seen = True

    def apply(self, change: Change) -> bool:
        """Change the properties unless they would grow beyond the limit (4.8); say whether that was done."""
        if not self._has_room_for(change):
            return False
        properties = self._own_properties()
        properties.update(change.new)
        for key in change.gone:
            del properties[key]
        return True

    def _has_room_for(self, change: Change) -> bool:
        # Two objects' sizes added are never less than that of the object that has both: serialising the
        # whole person is for those that come near the limit.
        size = self._measure() + json_size(change.new)
        if size > SIZE_LIMIT:
            after = {**self.properties, **change.new}
            for key in change.gone:
                del after[key]
            size = json_size(after)
        if size > SIZE_LIMIT:
            return False
        self.size = size
        return True

    def _measure(self) -> int:
        """An upper bound of the properties' bytes as JSON."""
        if self.size is None:
            self.size = json_size(self.properties)
        return self.size

    def _own_properties(self) -> dict[str, Any]:
        if not self.owned:
            self.properties = dict(self.properties)
            self.owned = True
        return self.properties

    def was_there(self, timestamp: datetime) -> None:
        """Take note of a time at which there was the person already."""
        if timestamp < self.created_at:
            self.created_at = timestamp
            self.raise_version()

    def absorb(self, loser: "Draft") -> None:
        """Take over another person's properties, history and time (4.6). One change."""
        self.size = self._measure() + loser._measure()
        if loser.owned and len(loser.properties) > len(self.properties):
            # Nobody else reads the loser's: only the fewer properties are moved, also in a chain of merges.
            loser.properties.update(self.properties)
            self.properties, self.owned = loser.properties, True
        else:
            properties = self._own_properties()
            for key, value in loser.properties.items():
                properties.setdefault(key, value)
        self.created_at = min(self.created_at, loser.created_at)
        if loser.last_seen_at is not None:
            self.last_seen_at = max(self.last_seen_at or loser.last_seen_at, loser.last_seen_at)
        self.is_identified = True
        self.version = max(self.version, loser.version)
        self.raise_version()
        loser.into = self


class People:
    """All persons and mappings that a batch touches, on top of what is known."""

    def __init__(self, project_id: int, known: Known, elsewhere: Elsewhere | None = None) -> None:
        self._project_id = project_id
        self._known = known
        self._elsewhere = elsewhere or Elsewhere()
        self._names: dict[UUID, str] = {}
        self._drafts: dict[UUID, Draft] = {}
        self._mappings: dict[str, Mapping] = {}
        self._overridden: set[str] = set()
        self._merges: list[tuple[UUID, UUID, int]] = []

    def owner(self, distinct_id: str) -> Draft | None:
        """The person of a distinct id, None when it has none. KeyError: `known` lacks a mapping's person."""
        mapping = self._mapping(distinct_id)
        if mapping is None or mapping.person is None:
            return None
        draft = self._drafts.get(mapping.person)
        if draft is None:
            draft = self._drafts[mapping.person] = Draft(self._known.persons[mapping.person])
        while draft.into is not None:
            # Shorten the way for the next one: in a chain of merges it would grow with each.
            if draft.into.into is not None:
                draft.into = draft.into.into
            draft = draft.into
        return draft

    def _mapping(self, distinct_id: str) -> Mapping | None:
        return self._mappings.get(distinct_id) or self._known.mappings.get(distinct_id)

    def is_on_hold(self, distinct_id: str) -> bool:
        """Whether what comes with the id belongs to nobody who can be seen."""
        mapping, owner = self._mapping(distinct_id), self.owner(distinct_id)
        return mapping is not None and (owner.is_hidden if owner else mapping.on_hold)

    def generation(self, distinct_id: str) -> int:
        """How many times the id has been deleted."""
        mapping = self._mapping(distinct_id)
        return 0 if mapping is None else mapping.generation

    def times(self, distinct_id: str) -> tuple[int, int]:
        """The generation and the version of the id; the latter without what merges of the batch will add."""
        mapping = self._mapping(distinct_id)
        return (0, 0) if mapping is None else (mapping.generation, mapping.version)

    def release(self, distinct_id: str) -> None:
        """End the hold on an id; its hidden person, if it has one, can be seen with all its ids."""
        mapping, owner = self._mapping(distinct_id), self.owner(distinct_id)
        if owner is not None and owner.is_hidden:
            owner.is_hidden = False
            owner.raise_version()
        elif owner is None and mapping is not None and mapping.on_hold:
            self._mappings[distinct_id] = replace(mapping, on_hold=False, version=mapping.version + 1)

    def personless(self, distinct_id: str) -> UUID:
        """Remember that an id without a person has events, and give the uuid they are stored under (4.4)."""
        if self._mapping(distinct_id) is None:
            self._mappings[distinct_id] = Mapping(distinct_id, None, 0)
        return self._own_uuid(distinct_id)

    def _own_uuid(self, distinct_id: str) -> UUID:
        return person_uuid(self._project_id, distinct_id, self.generation(distinct_id))

    def create(self, event: Event, *, is_identified: bool) -> Draft:
        """A person made by an event, with the event's distinct id and as yet no properties (4.5)."""
        uuid = self._uuid_from_elsewhere(event) or self._own_uuid(event.distinct_id)
        is_hidden = self.is_on_hold(event.distinct_id)
        draft = Draft(Person(uuid, event.timestamp, {}, is_identified, 0, event.timestamp, is_hidden))
        draft.changed = True
        self._drafts[uuid] = draft
        self.attach(event.distinct_id, draft)
        return draft

    def _uuid_from_elsewhere(self, event: Event) -> UUID | None:
        """The uuid that the event's person has where the event comes from, if the person can have it here."""
        there = self._elsewhere.persons.get(event.uuid)
        if there is None or self.generation(event.distinct_id) or there in self._names:
            return None
        if there in self._elsewhere.names:
            return None
        self._names[there] = event.distinct_id
        is_free = there not in self._elsewhere.taken and there not in self._drafts
        return there if is_free else None

    def recognise(self, event: Event) -> None:
        """Give an id without a person to the one who, where the event comes from, is its person."""
        mapping = self._mapping(event.distinct_id)
        if mapping is not None and (mapping.person is not None or mapping.generation):
            return
        there = self._elsewhere.persons.get(event.uuid)
        name = there and (self._names.get(there) or self._elsewhere.names.get(there))
        if not name or name == event.distinct_id:
            return
        person = self.owner(name)
        if person is not None and not person.is_hidden:
            self.attach(event.distinct_id, person)

    def is_listed(self, person: Draft) -> bool:
        """Whether the person is as a list of persons has said."""
        return person.uuid in self._elsewhere.listed

    def attach(self, distinct_id: str, person: Draft) -> None:
        """Give an id that has no person to one; to a hidden one, and it is on hold as well."""
        mapping = self._mapping(distinct_id)
        version = 0
        if mapping is not None:
            version = mapping.version + 1
            if person.uuid != self._own_uuid(distinct_id):
                self._overridden.add(distinct_id)
        self._mappings[distinct_id] = Mapping(
            distinct_id, person.uuid, version, person.is_hidden, self.generation(distinct_id)
        )

    def merge(self, loser: Draft, survivor: Draft, place: int) -> None:
        """Make one person of two; `place` is that of the event among those that are stored."""
        survivor.absorb(loser)
        self._merges.append((loser.uuid, survivor.uuid, place))

    def settle(self, outcome: Outcome) -> None:
        """Write down what became of everything. Once, after the last event."""
        for uuid, draft in self._drafts.items():
            if draft.into is not None:
                outcome.deleted[uuid] = Tombstone(uuid, draft.version + TOMBSTONE_LEAD, draft.created_at)
            elif draft.changed:
                outcome.persons[uuid] = draft.person()
            elif draft.seen and draft.last_seen_at is not None:
                outcome.seen[uuid] = draft.last_seen_at
        outcome.names.update(self._names)
        outcome.mappings.update(self._mappings)
        outcome.moves = list(self._first_moves())
        moved = self._moved_mappings()
        outcome.mappings.update(moved)
        outcome.mappings.update(self._held_and_released({**self._known.mappings, **outcome.mappings}))
        for distinct_id in self._overridden | moved.keys():
            outcome.overrides[distinct_id] = outcome.mappings[distinct_id]

    def _moved_mappings(self) -> dict[str, Mapping]:
        """The mappings of merged-away persons, each version raised by the merges it went through."""
        if not self._merges:
            return {}
        moves: dict[UUID, tuple[UUID, int]] = {}
        # Backwards: a survivor that was merged away itself was so later, and is therefore known already.
        for loser, survivor, _ in reversed(self._merges):
            owner, count = moves.get(survivor, (survivor, 0))
            moves[loser] = (owner, count + 1)
        moved = {}
        for mapping, person in self._owned():
            if person in moves:
                owner, count = moves[person]
                moved[mapping.distinct_id] = replace(mapping, person=owner, version=mapping.version + count)
        return moved

    def _first_moves(self) -> Iterator[Move]:
        merges = {loser: (survivor, place) for loser, survivor, place in self._merges}
        for mapping, person in self._owned() if merges else ():
            if person in merges:
                survivor, place = merges[person]
                yield Move(mapping.distinct_id, place, survivor=survivor, loser=person)

    def _owned(self) -> Iterator[tuple[Mapping, UUID]]:
        """Mappings as they were before any merge, each with its person."""
        for mapping in {**self._known.mappings, **self._mappings}.values():
            if mapping.person is not None:
                yield mapping, mapping.person

    def _held_and_released(self, mappings: dict[str, Mapping]) -> dict[str, Mapping]:
        """The mappings that are on hold no longer, or only now, because that is what their person is."""
        changed = {}
        for distinct_id, mapping in mappings.items():
            draft = self._drafts.get(mapping.person) if mapping.person else None
            if draft is not None and draft.is_hidden != mapping.on_hold:
                changed[distinct_id] = replace(mapping, on_hold=draft.is_hidden, version=mapping.version + 1)
        return changed
