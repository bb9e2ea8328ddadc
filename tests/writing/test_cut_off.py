"""Wherever deleting, resetting or splitting is cut off, as when the process is killed: what was to be done is
done wholly or not at all, and once everything has caught up both stores agree."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from persons.models import Project
from persons.outbox.removal import remove_deleted
from tests.api.helpers import event
from tests.api.world import World
from tests.api_client import Api

pytestmark = pytest.mark.usefixtures("emptied")


PAST = "the past of held"


class Killed(BaseException):
    """The process ends here: nothing handles this."""


class Steps:
    """Counts what is written to either store, and ends the process instead of one of these statements: in
    between, nothing changes that could be lost."""

    def __init__(self, last: int) -> None:
        self.left = last

    def take(self) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1

    @contextmanager
    def counted(self, patch: pytest.MonkeyPatch) -> Iterator[None]:
        execute, on_one = psycopg.Cursor.execute, ClickHouse._on_one

        def counting_execute(cursor: Any, statement: str, *args: Any, **options: Any) -> Any:
            if re.search(r"INSERT|UPDATE|DELETE", str(statement)):
                self.take()
            return execute(cursor, statement, *args, **options)

        def counting_on_one(store: ClickHouse, *args: Any, **options: Any) -> Any:
            self.take()
            return on_one(store, *args, **options)

        with patch.context() as patched:
            patched.setattr(psycopg.Cursor, "execute", counting_execute)
            patched.setattr(ClickHouse, "_on_one", counting_on_one)
            yield


def prepare(world: World, number: int) -> tuple[str, str]:
    """A merged person, and one on hold that has come back since."""
    ann, device, held = f"ann {number}", f"device {number}", f"held {number}"
    merging = {"$anon_distinct_id": device}
    world.api.capture(
        world.project,
        [
            *(event(f"on {name}", name, "2024-03-01T10:00:00Z") for name in (ann, device)),
            event("$identify", ann, "2024-03-02T10:00:00Z", properties=merging),
            event(f"before {held}", held, "2024-03-01T10:00:00Z"),
        ],
    )
    world.api.send("DELETE", f"{world.persons}?distinct_id={held}")
    world.api.capture(world.project, [event(f"on {held}", held, "2024-03-02T10:00:00Z")])
    catch_up(world)
    return ann, held


def catch_up(world: World) -> None:
    """What the threads of a server do."""
    world.drain()
    remove_deleted(world.store, world.drain)


def delete(world: World, ann: str, held: str) -> tuple[str, Any]:
    return "bulk_delete/", {"distinct_ids": [ann], "delete_events": True}


def delete_the_past(world: World, ann: str, held: str) -> tuple[str, Any]:
    """Of whoever had the distinct id before it was on hold, and was deleted without the events."""
    return "bulk_delete/", {"distinct_ids": [held], "delete_events": True}


def split(world: World, ann: str, held: str) -> tuple[str, Any]:
    return f"{world.uuid(ann)}/split/", {"main_distinct_id": ann}


def reset(world: World, ann: str, held: str) -> tuple[str, Any]:
    return "reset_person_distinct_id/", {"distinct_id": held}


def seen(world: World, number: int) -> dict[str, tuple[set[str], bool]]:
    """Of each distinct id: who it belongs to, and who did what it did. Then, what is stored of the past."""
    past = "SELECT count() FROM events WHERE team_id = {project:Int64} AND event = {event:String}"
    ((stored,),) = world.store.rows(sql(past, project=world.project.pk, event=f"before held {number}"))
    return {
        name: (set(world.ids(name)) if world.person(name) else set(), bool(world.reached(f"on {name}")))
        for name in (f"ann {number}", f"device {number}", f"held {number}")
    } | {PAST: (set(), bool(stored))}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operation", [delete, delete_the_past, split, reset])
def test_what_was_cut_off_is_done_wholly_or_not_at_all(
    world: World, monkeypatch: pytest.MonkeyPatch, operation: Callable[..., tuple[str, Any]]
) -> None:
    done = 0
    for last in range(200):
        ann, held = prepare(world, last)
        path, body = operation(world, ann, held)
        headers = {"Idempotency-Key": str(last)}
        completed = False
        try:
            with Steps(last).counted(monkeypatch):
                answer = world.api.post(world.persons + path, body, **headers)
                assert answer.status_code in {201, 202}
                catch_up(world)
                completed = True
        except Killed:
            connection.close()
        catch_up(world)
        after = seen(world, last)
        if after == expected(prepare, last):
            assert not done, "later steps change nothing that earlier ones have not"
            # The client, who has no answer, sends it again.
            assert world.api.post(world.persons + path, body, **headers).status_code in {201, 202}
            catch_up(world)
            after = seen(world, last)
        else:
            done += 1
            replayed = world.api.post(world.persons + path, body, **headers)
            assert replayed["Idempotent-Replayed"] == "true"
        assert after == expected(operation, last)
        if completed:
            break
    else:
        raise AssertionError("there is no end to the steps")
    assert done > 3
    world.agree()


def expected(operation: Callable[..., Any], number: int) -> dict[str, tuple[set[str], bool]]:
    ann, device, held = f"ann {number}", f"device {number}", f"held {number}"
    together: set[str] = {ann, device}
    nobody: tuple[set[str], bool] = (set(), False)
    changed: dict[Any, dict[str, tuple[set[str], bool]]] = {
        delete: {ann: nobody, device: nobody},
        delete_the_past: {PAST: nobody},
        split: {ann: ({ann}, True), device: ({device}, True)},
        reset: {held: ({held}, True)},
    }
    before = {ann: (together, True), device: (together, True), held: nobody, PAST: (set(), True)}
    return before | changed.get(operation, {})


@pytest.fixture
def world(api: Api, project: Project, clickhouse: ClickHouse) -> World:
    return World(api, project, clickhouse)


def test_while_clickhouse_is_away_everything_is_answered_and_made_good_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, held = prepare(world, 0)
    requests = [operation(world, ann, held) for operation in (split, reset, delete)]

    def away(*_: Any) -> Any:
        raise AssertionError("writing needs no ClickHouse")

    with monkeypatch.context() as patched:
        patched.setattr(ClickHouse, "_on_one", away)
        for path, body in requests:
            assert world.api.post(world.persons + path, body).status_code in {201, 202}
    catch_up(world)
    nobody: tuple[set[str], bool] = (set(), False)
    assert seen(world, 0) == {
        "ann 0": nobody,
        "device 0": ({"device 0"}, True),
        "held 0": ({"held 0"}, True),
        PAST: (set(), True),
    }
    world.agree()
