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

# What one event asks: its timestamp in microseconds since 1970, its arrival, its distinct id, the version it
# found that at, and what it sets, sets where absent, removes, or None of each. Tuples, because there may be a
# hundred thousand.
Asks = tuple[Properties | None, Properties | None, list[str] | None]
Update = tuple[int, int, str, int, Asks]


class IdentityChange(NamedTuple):
    """What happened to a distinct id, and so to persons, beside updates. Persons are texts of uuids.

    merge: `other`, whose it was, became part of `person`. split: from here on it is `person`'s, which has
    exactly `properties`; of all distinct ids of that person, one has these. `is_whole`: of the time before
    nothing is left, whenever it arrives. deletion: what had arrived with it is nobody's. `version` is what a
    split or a deletion made that of the distinct id: what arrives later and has found it at a lower one did
    not know of them, and counts as if it had arrived before.
    """

    timestamp: int
    arrival: int
    distinct_id: str
    kind: str
    person: str
    other: str
    properties: Properties
    event: str
    event_uuid: UUID
    event_distinct_id: str
    version: int = 0
    is_whole: bool = False

    @property
    def moment(self) -> tuple[int, int]:
        return self.timestamp, self.arrival

    @property
    def bound(self) -> "Bound":
        return Bound(self.arrival, self.version)


class Bound(NamedTuple):
    """The arrival and the version at which a distinct id began anew."""

    arrival: int = 0
    version: int = 0

    def is_after(self, arrival: int, version: int) -> bool:
        """Whether what arrived then, and found that version, is from before."""
        return arrival < self.arrival or version < self.version


_NEVER = Bound()


class Replay:
    """What `properties` are, updates and identity changes being taken one after the other. What is to be set
    where absent counts unless `set_once` is false."""

    def __init__(self, person: UUID, *, set_once: bool = True) -> None:
        self.properties: Properties = {}
        # The merges and splits that lie ahead.
        self.ahead: deque[IdentityChange] = deque()
        self._known: list[IdentityChange] = []
        self._person = str(person)
        self._set_once = set_once
        # By distinct id: before what everything is nobody's, or settled by a split.
        self._deleted: dict[str, Bound] = {}
        self._settled: dict[str, Bound] = {}
        # While changes lie ahead: whose a distinct id was at first, who has become part of whom, and what
        # each one has.
        self._first: dict[str, str] = {}
        self._into: dict[str, str] = {}
        self._own: dict[str, Properties] = {}

    def expect(self, changes: Iterable[IdentityChange]) -> None:
        """Before anything is taken: changes under the person's distinct ids, in any order, also those after
        the moment that is asked about."""
        self._known = sorted([*self._known, *changes], key=lambda change: change.arrival)
        for change in self._known:
            if change.kind == "deletion":
                self._deleted[change.distinct_id] = change.bound
        lasting = [each for each in self._known if each.kind != "deletion" and not self._is_deleted(each)]
        self._first.clear()
        for change in lasting:
            if change.kind == "split":
                self._settled[change.distinct_id] = change.bound
                self._first[change.distinct_id] = change.person
            else:
                self._first.setdefault(change.distinct_id, change.other)
        # What a split found done to an id is in what the split says.
        ahead = [
            each for each in lasting if each.arrival >= self._settled.get(each.distinct_id, _NEVER).arrival
        ]
        self.ahead = deque(sorted(ahead, key=lambda change: change.moment))

    def take(self, updates: Iterable[Update]) -> None:
        """Replay updates. They come in their order, those of an earlier call before those of a later one."""
        for timestamp, arrival, distinct_id, version, asks in updates:
            if self.ahead:
                self.catch_up(timestamp, arrival)
            if self._deleted and self._deleted.get(distinct_id, _NEVER).is_after(arrival, version):
                continue
            is_settled = self._settled and self._settled.get(distinct_id, _NEVER).is_after(arrival, version)
            if self.ahead and not is_settled:
                owner = self._now(self._first.get(distinct_id, self._person))
                self._apply(self._own.setdefault(owner, {}), asks)
            if self.ahead or not is_settled:
                self._apply(self.properties, asks)

    def catch_up(self, timestamp: int, arrival: int = 2**64) -> None:
        """Replay the identity changes up to a moment, that moment included."""
        while self.ahead and self.ahead[0].moment <= (timestamp, arrival):
            self.change()

    def change(self) -> None:
        """Replay the next identity change."""
        change = self.ahead.popleft()
        owner = self._now(change.person)
        if change.kind == "split" and change.is_whole:
            self._own[owner] = dict(change.properties)
        elif change.kind == "split":
            self._own.setdefault(owner, {}).update(change.properties)
        elif (other := self._now(change.other)) != owner:
            self._own[owner] = {**self._own.pop(other, {}), **self._own.pop(owner, {})}
            self._into[other] = owner
        if self.ahead:
            self.properties.update(self._own.get(owner, {}))
            return
        # Of others nothing is left, unless a merge is not known: what is today's person's is there.
        own = self._own.pop(self._now(self._person), {})
        self.properties = {key: value for each in (*self._own.values(), own) for key, value in each.items()}

    def _is_deleted(self, change: IdentityChange) -> bool:
        return change.arrival < self._deleted.get(change.distinct_id, _NEVER).arrival

    def _now(self, person: str) -> str:
        """What a person has become part of by now."""
        while (into := self._into.get(person)) is not None:
            # Shorten the way for the next one.
            if further := self._into.get(into):
                self._into[person] = further
            person = into
        return person

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
