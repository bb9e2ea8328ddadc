"""Who is who, written from spec/ingestion.md section 4 as plainly as possible: slow, and obviously right."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from persons.identity.values import Event

NAMESPACE = UUID("932979b4-65c3-4424-8467-0b66ec27bc22")
CONTRADICTORY = {"$identify", "$create_alias", "$merge_dangerously", "$set", "$unset", "$groupidentify"}
NEVER_UPDATE = {"$exception", "$$heatmap", "$web_vitals", "$performance_event", "$snapshot"}
REFUSED = {"anonymous", "0"}


@dataclass(frozen=True)
class Someone:
    created_at: datetime
    properties: dict[str, Any] = field(default_factory=dict)
    is_identified: bool = False
    version: int = 0


@dataclass
class Reference:
    project_id: int
    persons: dict[UUID, Someone] = field(default_factory=dict)
    ids: dict[str, tuple[UUID | None, int]] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        if event.properties.get("$process_person_profile") is False:
            if event.event not in CONTRADICTORY:
                self.ids.setdefault(event.distinct_id, (None, 0))
            return
        before = dict(self.persons)
        self.merge(event)
        if self.owner(event.distinct_id) is None:
            self.create(event)
        owner = self.owner(event.distinct_id)
        assert owner
        if event.event not in NEVER_UPDATE:
            updated = self.updated(self.persons[owner].properties, event.properties)
            self.persons[owner] = replace(self.persons[owner], properties=updated)
        if owner in before and self.persons[owner] != before[owner]:
            # However much one event changes, it is one change; a merge has chosen its version itself.
            version = max(self.persons[owner].version, before[owner].version + 1)
            self.persons[owner] = replace(self.persons[owner], version=version)

    def owner(self, distinct_id: str) -> UUID | None:
        return self.ids.get(distinct_id, (None, 0))[0]

    def create(self, event: Event) -> None:
        uuid = uuid5(NAMESPACE, f"{self.project_id}:{event.distinct_id}")
        self.persons[uuid] = Someone(event.timestamp)
        self.give(event.distinct_id, uuid)

    def give(self, distinct_id: str, owner: UUID) -> None:
        version = self.ids[distinct_id][1] + 1 if distinct_id in self.ids else 0
        self.ids[distinct_id] = (owner, version)

    def merge(self, event: Event) -> None:
        key = {"$identify": "$anon_distinct_id", "$create_alias": "alias", "$merge_dangerously": "alias"}
        other_id = event.properties.get(key.get(event.event, ""))
        if other_id in (None, event.distinct_id) or {other_id, event.distinct_id} & REFUSED:
            return
        mine, theirs = self.owner(event.distinct_id), self.owner(other_id)
        if mine is None and theirs is None:
            self.create(event)
        elif mine is None and theirs:
            self.give(event.distinct_id, theirs)
        survivor = self.owner(event.distinct_id)
        assert survivor
        if theirs is None:
            self.give(other_id, survivor)
        elif theirs and theirs != survivor:
            self.swallow(survivor, theirs, dangerously=event.event == "$merge_dangerously")
        self.persons[survivor] = replace(self.persons[survivor], is_identified=True)

    def swallow(self, survivor: UUID, other: UUID, *, dangerously: bool) -> None:
        one, two = self.persons[survivor], self.persons[other]
        if two.is_identified and not dangerously:
            return
        del self.persons[other]
        self.persons[survivor] = Someone(
            created_at=min(one.created_at, two.created_at),
            properties={**two.properties, **one.properties},
            version=max(one.version, two.version) + 1,
        )
        for distinct_id in [name for name, (owner, _) in self.ids.items() if owner == other]:
            self.give(distinct_id, survivor)

    @staticmethod
    def updated(properties: dict[str, Any], update: dict[str, Any]) -> dict[str, Any]:
        result = {**update.get("$set_once", {}), **properties, **update.get("$set", {})}
        # $set comes first: a key that both name is there already when $set_once looks.
        return {key: value for key, value in result.items() if key not in update.get("$unset", [])}
