"""What a list of persons makes of who is who: of those it names, the list is right (docs/importing.md). Pure:
`Known` in, `Outcome` out.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid5

from persons.identity.people import PERSON_NAMESPACE, TOMBSTONE_LEAD
from persons.identity.properties import same_json
from persons.identity.values import Elsewhere, Known, Listed, Mapping, Outcome, Person, Tombstone


def listing(
    project_id: int,
    listed: Sequence[Listed],
    known: Known,
    elsewhere: Elsewhere,
    now: datetime,
    *,
    reuse: bool = False,
) -> tuple[Outcome, dict[UUID, Listed]]:
    """Make persons as they are listed; returns what that changes, and who is here whom that was listed.

    The ids of a listed person go to the one who stands for it, with everything that came with them. Whoever
    had one of them and was not listed becomes part of that person; of one who was listed, only the named ids
    go. A new person that is not said when to have been created was so ``now``. Ids on hold stay where they
    are, unless `reuse` ends their hold; whoever has no others is left out. `known` has the named ids, what
    stands for the listed persons, and all ids of the persons of these.
    """
    table = _Table(project_id, known, elsewhere, now)
    found = {}
    for each in listed:
        ids = [distinct_id for distinct_id in each.distinct_ids if not table.is_held(distinct_id, reuse)]
        if ids:
            found[table.put(each, ids)] = replace(each, distinct_ids=tuple(ids))
    return table.outcome(), found


class _Table:
    """Persons and mappings while a list is gone through."""

    def __init__(self, project_id: int, known: Known, elsewhere: Elsewhere, now: datetime) -> None:
        self._now = now
        self._project_id = project_id
        self._known = known
        self._persons = dict(known.persons)
        self._mappings = dict(known.mappings)
        self._ids: dict[UUID | None, set[str]] = {}
        for mapping in known.mappings.values():
            self._ids.setdefault(mapping.person, set()).add(mapping.distinct_id)
        self._elsewhere = elsewhere
        self._names = dict(elsewhere.names)
        self._listed = set(elsewhere.listed)
        self._deleted: dict[UUID, Tombstone] = {}

    def is_held(self, distinct_id: str, reuse: bool) -> bool:
        """Whether nobody may see what becomes of the id."""
        mapping = self._mappings.get(distinct_id)
        return mapping is not None and mapping.on_hold and not (reuse and mapping.person is None)

    def put(self, listed: Listed, ids: Collection[str]) -> UUID:
        """Make one person as listed, with these ids; returns its uuid here."""
        uuid = self._uuid_of(listed)
        before = self._persons.get(uuid)
        parts = [before] if before else []
        for distinct_id in ids:
            parts += self._move(distinct_id, uuid)
        person = Person(
            uuid=uuid,
            created_at=listed.created_at or min((part.created_at for part in parts), default=self._now),
            properties=listed.properties,
            is_identified=bool(listed.is_identified) or any(part.is_identified for part in parts),
            version=before.version if before else 0,
            last_seen_at=max((part.last_seen_at for part in parts if part.last_seen_at), default=None),
        )
        if before is None or not _alike(person, before):
            self._persons[uuid] = replace(person, version=person.version + 1) if before else person
        self._listed.add(uuid)
        self._names[listed.uuid] = next(iter(ids))
        return uuid

    def _uuid_of(self, listed: Listed) -> UUID:
        mapping = self._mappings.get(self._names.get(listed.uuid, ""))
        if mapping is not None and mapping.person in self._persons and not mapping.on_hold:
            return mapping.person
        here = self._persons.get(listed.uuid)
        if here is not None and not here.is_hidden:
            return listed.uuid
        if listed.uuid in self._elsewhere.taken or listed.uuid in self._names or listed.uuid in self._deleted:
            # Numbered by its mappings' versions, it never comes again, as with splits.
            versions = [
                self._mappings[each].version for each in listed.distinct_ids if each in self._mappings
            ]
            text = f"{self._project_id}:{listed.uuid}\0listed at {max(versions, default=0)}"
            return uuid5(PERSON_NAMESPACE, text)
        return listed.uuid

    def _move(self, distinct_id: str, uuid: UUID) -> Iterator[Person]:
        """Give an id to the person; yields whoever became part of the person by that."""
        mapping = self._mappings.get(distinct_id)
        if mapping is None:
            self._mappings[distinct_id] = Mapping(distinct_id, uuid, 0)
            self._ids.setdefault(uuid, set()).add(distinct_id)
            return
        owner = mapping.person
        if owner == uuid:
            return
        goes_wholly = owner is not None and owner not in self._listed
        for each in sorted(self._ids[owner]) if goes_wholly else [distinct_id]:
            moved = self._mappings[each]
            self._mappings[each] = replace(moved, person=uuid, version=moved.version + 1, on_hold=False)
            self._ids[owner].discard(each)
            self._ids.setdefault(uuid, set()).add(each)
        if owner is not None and not self._ids[owner]:
            gone = self._persons.pop(owner)
            self._deleted[owner] = Tombstone(owner, gone.version + TOMBSTONE_LEAD, gone.created_at)
            yield gone

    def outcome(self) -> Outcome:
        """All that has become different."""
        outcome = Outcome()
        outcome.deleted.update(self._deleted)
        for uuid, person in self._persons.items():
            if self._known.persons.get(uuid) is not person:
                outcome.persons[uuid] = person
        for distinct_id, mapping in self._mappings.items():
            before = self._known.mappings.get(distinct_id)
            if before is not mapping:
                outcome.mappings[distinct_id] = mapping
                if before is not None:
                    outcome.overrides[distinct_id] = mapping
        outcome.names.update(self._names)
        return outcome


def _alike(one: Person, other: Person) -> bool:
    return (
        one.created_at == other.created_at
        and one.is_identified == other.is_identified
        and one.last_seen_at == other.last_seen_at
        and same_json(one.properties, other.properties)
    )
