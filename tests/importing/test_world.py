"""import(export(world)) is the world, whichever of persons and events comes first (docs/importing.md)."""

import os
import random
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from persons.identity.values import Event
from persons.importing import run
from persons.installation import new_project
from persons.models import Project
from persons.outbox.flush import drain
from persons.writing.take import take
from tests.capture.test_stores_agree import START, assert_stores_agree
from tests.history.test_replay_is_what_was import histories, replayed
from tests.importing.exported import Importer, Rows, everybody, exported_events, exported_persons

EXAMPLES = int(os.environ.get("IMPORT_EXAMPLES", "4"))
WAYS = ("persons, then events", "events, then persons", "events alone")


@pytest.mark.django_db
@settings(max_examples=EXAMPLES, deadline=None)
@given(history=histories(), seed=st.integers(0, 1000), size=st.sampled_from([2, 3, 100]))
def test_an_imported_project_is_what_was_exported_in_whatever_order_it_comes(
    clickhouse: ClickHouse, history: list[list[Event]], seed: int, size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, transaction.atomic():
        patch.setattr(run, "_EVENTS_AT_ONCE", size)
        patch.setattr(run, "_PERSONS_AT_ONCE", size)
        world = new_project("world")
        for batch in history:
            take(world.pk, batch, START)
        drain(clickhouse)
        persons, events = exported_persons(world), exported_events(clickhouse, world)
        shuffled = random.Random(seed).sample(events, len(events))
        for way in WAYS:
            copy = imported(clickhouse, way, persons, events if way == "events alone" else shuffled)
            assert_the_same_persons(clickhouse, copy, world, way)
            assert told(clickhouse, copy) == told(clickhouse, world), way
            assert_stores_agree(clickhouse, copy)
            for person, (now,) in replayed(clickhouse, copy, [END]):
                assert person.properties == now, way
        transaction.set_rollback(True)


END = START.replace(year=2100)


def imported(store: ClickHouse, way: str, persons: Rows, events: Rows) -> Project:
    project = new_project(way)
    with tempfile.TemporaryDirectory() as folder:
        importer = Importer(store, project, Path(folder))
        for kind in way.removesuffix(" alone").split(", then "):
            if kind == "persons":
                importer.run(persons=[importer.file("p.jsonl", persons)])
            else:
                importer.run(events=[importer.file("e.jsonl", events)])
    return project


def assert_the_same_persons(store: ClickHouse, copy: Project, world: Project, way: str) -> None:
    """With the same uuids, except for those that the import has used up: events in disorder may
    merge away whom the list then has, and nobody comes back under the uuid of one who is gone."""
    used_up = merged_away(store, copy) if way == "events, then persons" else set()
    there, here = everybody(world), everybody(copy)
    assert sorted(map(repr, here.values())) == sorted(map(repr, there.values())), way
    assert {uuid: there[uuid] for uuid in there.keys() - used_up}.items() <= here.items(), way


def merged_away(store: ClickHouse, project: Project) -> set[UUID]:
    rows = store.rows(
        sql(
            "SELECT id FROM person FINAL WHERE team_id = {project:Int64} AND is_deleted = 1",
            project=project.pk,
        )
    )
    return {uuid for (uuid,) in rows}


def told(store: ClickHouse, project: Project) -> list[tuple[Any, ...]]:
    """What happened to which distinct id."""
    rows = exported_events(store, project)
    keys = ("uuid", "event", "timestamp", "distinct_id")
    return sorted(tuple(row[key] for key in keys) for row in rows)
