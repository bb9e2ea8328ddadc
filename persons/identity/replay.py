"""A person's properties in the order of time (decisions.md 11.1).

Updates count in the order of their timestamps, those of one instant in the order of arrival, so an update
that arrived late is replayed where its timestamp puts it.

A merge is an operation of its own. Until the last one, the updates of all distinct ids that the person has
today are replayed together. Beside that, each person there was is replayed by itself, and when one becomes
part of another, the survivor's values win, whatever their timestamps, as they did when it happened. From
the last merge on there is one person left, and that is the answer.
"""

from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

Properties = dict[str, Any]

# What one event asks: its timestamp in microseconds since 1970, its arrival, distinct id, the bytes of the
# uuid that its person had when it arrived, and what it sets, sets where absent, removes, or None of each.
# Tuples, because there may be a hundred thousand.
Asks = tuple[Properties | None, Properties | None, list[str] | None]
Update = tuple[int, int, str, bytes, Asks]


class IdentityChange(NamedTuple):
    """What happened to a person beside updates.

    merge: `other` became part of `person`. split: from here on `person` has exactly `properties`. deletion:
    what had arrived with the distinct id is nobody's.
    """

    timestamp: int
    arrival: int
    distinct_id: str
    kind: str
    person: bytes
    other: bytes
    properties: Properties
    event: str
    event_uuid: UUID

    @property
    def moment(self) -> tuple[int, int]:
        return self.timestamp, self.arrival


class Replay:
    """What `properties` are, updates and identity changes being taken one after the other. What is to be set
    where absent counts unless `set_once` is false."""

    def __init__(self, person: UUID, *, set_once: bool = True) -> None:
        self.properties: Properties = {}
        # The merges and splits that lie ahead.
        self.ahead: deque[IdentityChange] = deque()
        self._set_once = set_once
        self._person = person.bytes
        self._family = {self._person}
        self._deleted: dict[str, int] = {}
        # While some lie ahead: who has become part of whom, and each one's own properties.
        self._into: dict[bytes, bytes] = {}
        self._own: dict[bytes, Properties] = {}

    def expect(self, changes: Iterable[IdentityChange]) -> None:
        """Before anything is taken: all changes under the person's distinct ids, in any order, also those
        after the moment that is asked about."""
        known = [*self.ahead, *changes]
        for change in known:
            if change.kind == "deletion":
                self._deleted[change.distinct_id] = max(
                    change.arrival, self._deleted.get(change.distinct_id, 0)
                )
        lasting = [each for each in known if each.kind != "deletion" and not self._is_deleted(each)]
        self.ahead = deque(sorted(lasting, key=lambda change: change.moment))
        self._family = _family(self._person, lasting)

    def take(self, updates: Iterable[Update]) -> None:
        """Replay updates. They come in their order, those of an earlier call before those of a later one."""
        for timestamp, arrival, distinct_id, person, asks in updates:
            if self.ahead:
                self.catch_up(timestamp, arrival)
            if self._deleted and arrival < self._deleted.get(distinct_id, 0):
                continue
            if self.ahead:
                self._apply(self._own.setdefault(self._owner(person), {}), asks)
            self._apply(self.properties, asks)

    def catch_up(self, timestamp: int, arrival: int = 2**64) -> None:
        """Replay the identity changes up to a moment, that moment included."""
        while self.ahead and self.ahead[0].moment <= (timestamp, arrival):
            self.change()

    def change(self) -> None:
        """Replay the next identity change."""
        change = self.ahead.popleft()
        owner = self._owner(change.person)
        if change.kind == "split":
            self._own[owner] = dict(change.properties)
        else:
            other = self._owner(change.other)
            if other != owner:
                self._own[owner] = {**self._own.pop(other, {}), **self._own.pop(owner, {})}
                self._into[other] = owner
        if self.ahead:
            self.properties.update(self._own.get(owner, {}))
        else:
            self.properties = self._own.get(self._owner(self._person), {})

    def _apply(self, properties: Properties, asks: Asks) -> None:
        """Set, then set where absent, then remove (ingestion.md 4.1)."""
        to_set, to_set_once, to_unset = asks
        if to_set:
            properties.update(to_set)
        if to_set_once and self._set_once:
            for key, value in to_set_once.items():
                properties.setdefault(key, value)
        if to_unset:
            for key in to_unset:
                properties.pop(key, None)

    def _is_deleted(self, change: IdentityChange) -> bool:
        return change.arrival < self._deleted.get(change.distinct_id, 0)

    def _owner(self, person: bytes) -> bytes:
        """Whose an update is by now. A person that no merge made part of ours is ours by today's ids."""
        if person not in self._family:
            person = self._person
        while (into := self._into.get(person)) is not None:
            # Shorten the way for the next one.
            if further := self._into.get(into):
                self._into[person] = further
            person = into
        return person


def _family(person: bytes, changes: Iterable[IdentityChange]) -> set[bytes]:
    """All that became part of the person in the end, and itself."""
    losers: dict[bytes, list[bytes]] = {}
    for change in changes:
        if change.kind == "merge":
            losers.setdefault(change.person, []).append(change.other)
    family, ahead = {person}, [person]
    while ahead:
        for loser in losers.get(ahead.pop(), ()):
            if loser not in family:
                family.add(loser)
                ahead.append(loser)
    return family
