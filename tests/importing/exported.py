"""A project as PostHog would export it, and imports without a command around them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from persons.importing.files import source_files
from persons.importing.run import Import, Summary
from persons.models import Person, PersonDistinctId, Project
from persons.outbox.flush import drain

Rows = list[dict[str, Any]]


@dataclass
class Seen:
    """What an import said on its way."""

    bad_rows: list[str] = field(default_factory=list)

    def advanced(self, step: str, done: int) -> None:
        assert done >= 0, step

    def bad(self, place: str, reason: str) -> None:
        self.bad_rows.append(f"{place}: {reason}")


@dataclass
class Importer:
    """Imports into one project."""

    store: ClickHouse
    project: Project
    folder: Path
    seen: Seen = field(default_factory=Seen)

    def file(self, name: str, rows: Rows | bytes) -> str:
        """A file of JSON lines, or of bytes."""
        path = self.folder / name
        path.write_bytes(rows if isinstance(rows, bytes) else b"\n".join(map(orjson.dumps, rows)))
        return str(path)

    def run(
        self, *, persons: Sequence[str] = (), events: Sequence[str] = (), skip_bad: bool = False
    ) -> Summary:
        job = Import(self.project.pk, self.store, self._flushed, self.seen, skip_bad=skip_bad)
        return job.run(source_files(persons), source_files(events))

    def _flushed(self, most: int) -> None:
        if most == 0:
            drain(self.store)


def exported_events(store: ClickHouse, project: Project) -> Rows:
    """In the order of their arrival."""
    rows = store.rows(
        sql(
            "SELECT uuid, event, properties, distinct_id, person_id, timestamp FROM events "
            "WHERE team_id = {project:Int64} ORDER BY arrival",
            project=project.pk,
        )
    )
    return [
        {
            "uuid": str(row[0]),
            "event": row[1],
            "properties": json.loads(row[2]),
            "distinct_id": row[3],
            "person_id": str(row[4]),
            "timestamp": row[5].isoformat(),
            "elements_chain": "",
        }
        for row in rows
    ]


def exported_persons(project: Project) -> Rows:
    """The rows of PostHog's persons list."""
    return [
        {
            "id": person.pk,
            "uuid": str(person.uuid),
            "distinct_ids": ids_of(person),
            "properties": person.properties,
            "created_at": person.created_at.isoformat(),
            "is_identified": person.is_identified,
        }
        for person in Person.objects.filter(project=project)
    ]


def ids_of(person: Person) -> list[str]:
    mappings = PersonDistinctId.objects.filter(person=person)
    return sorted(mappings.values_list("distinct_id", flat=True))


def everybody(project: Project) -> dict[UUID, Any]:
    """Who is who, without versions."""
    return {
        person.uuid: (ids_of(person), person.properties, person.created_at, person.is_identified)
        for person in Person.objects.filter(project=project)
    }
