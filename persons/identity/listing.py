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
    had one of them and was not listed becomes part of that person; of one who was listed, or stands for
    somebody who may still be, only the named ids go. A new person that is not said when to have been created
    was so ``now``. Ids on hold stay where they are, unless `reuse` ends their hold; whoever has no others is
    left out. `known` has the named ids, what stands for the listed persons, and all ids of the persons of
    these; `elsewhere` also says for whom these persons stand.
    """
    visible = []
    for each in listed:
        ids = tuple(name for name in each.distinct_ids if not _is_held(known.mappings.get(name), reuse))
        if ids:
            visible.append(replace(each, distinct_ids=ids))
    table = _Table(project_id, known, elsewhere, now)
    # Before anything moves: whoever comes first would otherwise swallow those who stand for the others.
    here = table.claim(visible)
    for uuid, each in here.items():
        table.put(uuid, each)
    return table.outcome(), here


def _is_held(mapping: Mapping | None, reuse: bool) -> bool:
    """Whether nobody may see what becomes of the id."""
    return mapping is not None and mapping.on_hold and not (reuse and mapping.person is None)


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
        self._awaited: set[UUID] = set()
        self._deleted: dict[UUID, Tombstone] = {}

    def claim(self, listed: Sequence[Listed]) -> dict[UUID, Listed]:
        """Give each listed person a uuid here, of somebody who stands for it or a new one."""
        here: dict[UUID, Listed] = {}
        reserved = {each.uuid for each in listed}
        for each in listed:
            uuid = self._standing_for(each.uuid)
            if uuid is None or uuid in here or (uuid != each.uuid and uuid in reserved):
                uuid = self._new_uuid(each)
            here[uuid] = each
        self._listed |= here.keys()
        self._awaited |= here.keys()
        return here

    def _standing_for(self, there: UUID) -> UUID | None:
        """Who is here whom the list calls so."""
        own = self._persons.get(there)
        if own is not None and not own.is_hidden:
            return there
        mapping = self._mappings.get(self._names.get(there, ""))
        if mapping is None or mapping.person not in self._persons or mapping.on_hold:
            return None
        return None if self._is_another(mapping.person, there) else mapping.person

    def _is_another(self, uuid: UUID, there: UUID) -> bool:
        """Whether a person here is known to be somebody else than this one, whom events merged with it."""
        said = self._elsewhere.listed.get(uuid)
        return uuid in self._names and (said is None or said != self._elsewhere.listed.get(there))

    def _new_uuid(self, listed: Listed) -> UUID:
        if listed.uuid not in self._elsewhere.taken and listed.uuid not in self._names:
            return listed.uuid
        # Numbered by its mappings' versions, it never comes again, as with splits.
        names = {*listed.distinct_ids, self._names.get(listed.uuid, "")}
        versions = [self._mappings[each].version for each in names if each in self._mappings]
        text = f"{self._project_id}:{listed.uuid}\0listed at {max(versions, default=0)}"
        return uuid5(PERSON_NAMESPACE, text)

    def put(self, uuid: UUID, listed: Listed) -> None:
        """Make one person as listed."""
        before = self._persons.get(uuid)
        parts = [before] if before else []
        for distinct_id in listed.distinct_ids:
            parts += self._move(distinct_id, uuid, listed.distinct_ids)
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
        self._awaited.discard(uuid)

    def _move(self, distinct_id: str, uuid: UUID, named: Collection[str]) -> Iterator[Person]:
        """Give an id to the person; yields whoever became part of the person by that."""
        mapping = self._mappings.get(distinct_id)
        if mapping is None:
            self._mappings[distinct_id] = Mapping(distinct_id, uuid, 0)
            self._ids.setdefault(uuid, set()).add(distinct_id)
            return
        owner = mapping.person
        if owner == uuid:
            return
        goes_wholly = owner is not None and not self._stays(owner, named)
        for each in sorted(self._ids[owner]) if goes_wholly else [distinct_id]:
            moved = self._mappings[each]
            self._mappings[each] = replace(moved, person=uuid, version=moved.version + 1, on_hold=False)
            self._ids[owner].discard(each)
            self._ids.setdefault(uuid, set()).add(each)
        if owner is not None and not self._ids[owner] and owner not in self._awaited:
            gone = self._persons.pop(owner)
            self._deleted[owner] = Tombstone(owner, gone.version + TOMBSTONE_LEAD, gone.created_at)
            yield gone

    def _stays(self, owner: UUID, named: Collection[str]) -> bool:
        """Whether a person keeps what is not named: it was listed, or may be, since the id by which events
        know it is not among the named ones."""
        name = self._names.get(owner)
        return owner in self._listed or (
            name is not None and name not in named and name in self._ids.get(owner, ())
        )

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
        return outcome


def _alike(one: Person, other: Person) -> bool:
    return (
        one.created_at == other.created_at
        and one.is_identified == other.is_identified
        and one.last_seen_at == other.last_seen_at
        and same_json(one.properties, other.properties)
    )
