"""Who can be seen with which events, whatever is captured, split, deleted and reset: written from
spec/ingestion.md sections 4 and 6 and spec/decisions.md section 12 as plainly as possible."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from persons.identity import Event

OTHER = {"$identify": "$anon_distinct_id", "$create_alias": "alias", "$merge_dangerously": "alias"}


@dataclass(eq=False)
class Someone:
    created_at: datetime
    hidden: bool = False
    identified: bool = False
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Id:
    owner: Someone | None = None
    held: bool = False
    events: list[UUID] = field(default_factory=list)
    """Those since the last deletion."""

    def on_hold(self) -> bool:
        return self.owner.hidden if self.owner else self.held


@dataclass
class World:
    reuse: bool = False
    ids: dict[str, Id] = field(default_factory=lambda: defaultdict(Id))
    past: list[tuple[set[str], set[UUID]]] = field(default_factory=list)
    """Of persons that were deleted without their events: the distinct ids they had, and the events."""

    def take(self, event: Event) -> None:
        mine = self.ids[event.distinct_id]
        other = event.properties.get(OTHER.get(event.event, ""))
        if self.reuse:
            self.release(event.distinct_id)
            if other is not None:
                self.release(other)
        mine.events.append(event.uuid)
        if event.properties.get("$process_person_profile") is False:
            return
        if other not in (None, event.distinct_id):
            self.merge(mine, self.ids[other], event)
        properties = self.owner(mine, event).properties
        properties.update(event.properties.get("$set", {}))
        for key in event.properties.get("$unset", []):
            properties.pop(key, None)

    def owner(self, mine: Id, event: Event) -> Someone:
        if mine.owner is None:
            mine.owner = Someone(event.timestamp, hidden=mine.held)
        return mine.owner

    def merge(self, mine: Id, other: Id, event: Event) -> None:
        if mine.on_hold() or not other.on_hold():
            may_join = other.owner is not None and (other.owner.hidden or not mine.held)
            if mine.owner is None and may_join:
                mine.owner = other.owner
            survivor = self.owner(mine, event)
            loser = other.owner
            if loser is None:
                other.owner = survivor
            elif loser is not survivor and (event.event == "$merge_dangerously" or not loser.identified):
                survivor.properties = {**loser.properties, **survivor.properties}
                survivor.created_at = min(survivor.created_at, loser.created_at)
                for each in self.ids_of(loser):
                    each.owner = survivor
        self.owner(mine, event).identified = True

    def ids_of(self, someone: Someone | None) -> list[Id]:
        return [each for each in self.ids.values() if someone and each.owner is someone]

    def release(self, distinct_id: str) -> None:
        released = self.ids[distinct_id]
        released.held = False
        if released.owner:
            released.owner.hidden = False
        for each in self.ids_of(released.owner):
            each.held = False

    def seen(self, distinct_id: str) -> Someone | None:
        owner = self.ids[distinct_id].owner
        return owner if owner and not owner.hidden else None

    def delete(self, distinct_id: str, *, with_events: bool) -> None:
        owned = self.ids_of(self.seen(distinct_id))
        if not with_events:
            names = {name for name, each in self.ids.items() if each in owned}
            self.past.append((names, {uuid for each in owned for uuid in each.events}))
        for each in owned:
            each.owner, each.held, each.events = None, True, []

    def delete_events(self, distinct_id: str) -> None:
        for each in self.ids_of(self.seen(distinct_id)):
            each.events = []

    def delete_past_events(self, distinct_id: str) -> None:
        self.past = [(names, events) for names, events in self.past if distinct_id not in names]

    def split(self, distinct_id: str) -> None:
        someone = self.seen(distinct_id)
        assert someone
        self.ids[distinct_id].owner = Someone(someone.created_at)

    def persons(self) -> dict[frozenset[str], tuple[datetime, bool, dict[str, Any]]]:
        """Everybody who can be seen."""
        found = {}
        for someone in {self.seen(name) for name in list(self.ids)} - {None}:
            assert someone
            names = frozenset(name for name in self.ids if self.ids[name].owner is someone)
            found[names] = (someone.created_at, someone.identified, someone.properties)
        return found

    def events(self) -> dict[frozenset[str], set[UUID]]:
        """Their events."""
        return {names: {uuid for name in names for uuid in self.ids[name].events} for names in self.persons()}

    def all_events(self) -> set[UUID]:
        """What ClickHouse is to have."""
        kept = {uuid for _, events in self.past for uuid in events}
        return kept | {uuid for each in self.ids.values() for uuid in each.events}
