"""Events that were to be deleted are gone from ClickHouse, others are not, whatever goes wrong meanwhile."""

import threading
import time
from typing import Any

import pytest
from django.db import connection

from clickhouse import portions
from clickhouse.client import ClickHouse, connect
from clickhouse.errors import ClickHouseUnavailable
from persons.identity import process
from persons.models import Deletion, Project
from persons.outbox.flusher import Flusher, Remover
from persons.outbox.removal import remove_deleted
from persons.outbox.worker import stop
from tests.api.helpers import event
from tests.api.world import World
from tests.api_client import Api, error_of

pytestmark = pytest.mark.usefixtures("emptied")


@pytest.fixture
def world(api: Api, project: Project, clickhouse: ClickHouse) -> World:
    return World(api, project, clickhouse)


def remove(world: World) -> None:
    give_up_at = time.monotonic() + 10

    def wait() -> None:
        # Everything has been sent; but PostgreSQL's own transactions, such as an ANALYZE, come and go.
        assert time.monotonic() < give_up_at
        time.sleep(0.01)

    world.drain()
    remove_deleted(world.store, wait)


def left(world: World) -> list[tuple[str, str]]:
    """The events that ClickHouse has: distinct ids and names."""
    statement = "SELECT distinct_id, event FROM events WHERE team_id = {project:Int64} ORDER BY ALL"
    return [(distinct_id, name) for distinct_id, name in world.rows(statement)]


def statuses(world: World, **query: Any) -> list[str]:
    answer = world.api.get(f"{world.persons}deletion_status/", query).json()
    return [each["status"] for each in answer["results"]]


def test_the_events_of_a_person_go_with_it_and_no_others(world: World) -> None:
    world.did("device", "sign up")
    world.did("bob", "sign up")
    world.identify("ann", "device")
    uuid = world.uuid("ann")
    world.delete("ann", delete_events=True)
    world.did("ann", "came back", day=2)
    assert statuses(world) == statuses(world, status="pending") == ["pending"]
    assert len(left(world)) == 4
    remove(world)
    assert left(world) == [("ann", "came back"), ("bob", "sign up")]
    (answer,) = world.api.get(f"{world.persons}deletion_status/").json()["results"]
    assert (answer["person_uuid"], answer["status"]) == (uuid, "completed")
    assert answer["created_at"] < answer["delete_verified_at"]
    assert statuses(world, status="pending") == []
    world.reset("ann")
    assert world.reached("came back") == {"ann"}


def test_of_a_person_that_stays_only_what_was_there_goes(world: World) -> None:
    world.did("ann", "sign up", sets={"plan": "free"})
    answer = world.api.post(f"{world.persons}{world.uuid('ann')}/delete_events/")
    assert (answer.status_code, answer.content) == (202, b"")
    world.did("ann", "paid", day=2)
    remove(world)
    assert left(world) == [("ann", "paid")]
    assert world.person("ann")["properties"] == {"plan": "free"}
    assert world.properties_at("ann", "2024-03-01T23:00:00Z") == {}
    assert world.properties_at("ann", "2099-01-01T00:00:00Z") == {"plan": "free"}
    assert world.reached("paid") == {"ann"}


def test_what_a_deletion_has_left_is_not_removed_with_the_events_of_whoever_has_the_id_next(
    world: World,
) -> None:
    world.did("ann", "removed", day=1)
    for day, left_there in enumerate(("left", "removed, too"), 2):
        world.api.post(f"{world.persons}{world.uuid('ann')}/delete_events/")
        world.did("ann", left_there, day=day)
        if left_there == "left":
            world.delete("ann")
            world.reset("ann")
            world.did("ann", "removed as well", day=day)
    world.api.post(f"{world.persons}{world.uuid('ann')}/delete_events/")
    remove(world)
    assert left(world) == [("ann", "left")]


def test_without_the_flag_events_stay_and_belong_to_nobody(world: World) -> None:
    world.did("ann", "sign up", sets={"plan": "free"})
    world.delete("ann")
    remove(world)
    assert left(world) == [("ann", "sign up")]
    history = "SELECT kind FROM person_property_history WHERE team_id = {project:Int64}"
    assert world.rows(history) == [("deletion",)]
    assert statuses(world) == []
    assert world.reached("sign up") == set()
    assert not Deletion.objects.filter(verified_at=None).exists()


STRANGE = [
    "it's",
    'a "quote"',
    "back\\slash",
    "tab\tand\nline",
    "{project:Int64}",
    "%s",
    "ünïcödé",
    "a,b]",
    "NULL",
    "x" * 400,
]


def test_any_text_can_be_the_distinct_id_that_goes(world: World) -> None:
    for distinct_id in STRANGE:
        world.did(distinct_id, "e")
        world.did(f"{distinct_id[:398]}2", "e")
    body = {"distinct_ids": STRANGE, "delete_events": True}
    assert world.api.post(f"{world.persons}bulk_delete/", body).json()["persons_deleted"] == len(STRANGE)
    remove(world)
    assert {distinct_id for distinct_id, _ in left(world)} == {f"{each[:398]}2" for each in STRANGE}


def test_more_ids_than_one_statement_takes_go_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "MOST_IDS", 7)
    ids = [f"d{number}" for number in range(40)]
    world.capture(*(event("e", each, "2024-03-01T10:00:00Z") for each in ids))
    world.api.post(f"{world.persons}bulk_delete/", {"distinct_ids": ids[1:], "delete_events": True})
    remove(world)
    assert left(world) == [("d0", "e")]
    assert set(statuses(world)) == {"completed"}


def test_while_clickhouse_is_away_the_deletion_stays_pending_and_is_made_good_later(world: World) -> None:
    world.did("ann", "sign up")
    world.delete("ann", delete_events=True)
    with pytest.raises(ClickHouseUnavailable):
        remove_deleted(connect("http://127.0.0.1:9/persons"), lambda: None)
    assert statuses(world) == ["pending"]
    remove(world)
    assert statuses(world) == ["completed"]
    assert left(world) == []


def test_what_is_still_there_after_it_was_removed_is_not_called_completed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.did("ann", "sign up")
    world.delete("ann", delete_events=True)
    with monkeypatch.context() as broken:
        broken.setattr(ClickHouse, "command", lambda *_: None)
        with pytest.raises(Exception, match="1 rows are there"):
            remove(world)
    assert statuses(world) == ["pending"]
    remove(world)
    assert statuses(world) == ["completed"]


def test_events_on_their_way_are_waited_for(world: World) -> None:
    """The outbox has them still, as when ClickHouse was away for a while."""
    world.api.capture(world.project, [event("sign up", "ann", "2024-03-01T10:00:00Z")])
    world.api.send("DELETE", f"{world.persons}?distinct_id=ann&delete_events=true")
    pauses = []

    def pause() -> None:
        pauses.append(1)
        if len(pauses) == 3:
            world.drain()

    remove_deleted(world.store, pause)
    assert len(pauses) == 3
    assert left(world) == []
    assert statuses(world) == ["completed"]


@pytest.mark.django_db(transaction=True)
def test_an_event_that_was_being_taken_during_the_deletion_is_removed_as_well(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It read that the person was there, and commits long after the deletion."""
    world.did("ann", "sign up")
    read, deleted = threading.Event(), threading.Event()

    def late(*args: Any, **options: Any) -> Any:
        read.set()
        assert deleted.wait(10)
        return process(*args, **options)

    monkeypatch.setattr("persons.writing.take.process", late)

    def send() -> None:
        try:
            world.api.capture(world.project, [event("paid", "ann", "2024-03-02T10:00:00Z")])
        finally:
            connection.close()

    sender = threading.Thread(target=send)
    sender.start()
    assert read.wait(10)
    world.api.send("DELETE", f"{world.persons}?distinct_id=ann&delete_events=true")
    flusher, remover = Flusher(world.store), Remover(world.store)
    flusher.start()
    remover.start()
    try:
        time.sleep(0.3)
        assert statuses(world) == ["pending"]
        deleted.set()
        sender.join()
        give_up_at = time.monotonic() + 10
        while statuses(world) != ["completed"]:
            assert time.monotonic() < give_up_at
            time.sleep(0.02)
    finally:
        stop(remover, flusher)
    assert left(world) == []


@pytest.mark.parametrize(
    ("query", "attr"),
    [({"status": "done"}, "status"), ({"person_uuid": "7"}, "person_uuid"), ({"limit": 0}, "limit")],
)
def test_the_status_is_asked_for_properly(world: World, query: dict[str, Any], attr: str) -> None:
    assert error_of(world.api.get(f"{world.persons}deletion_status/", query))[::2] == (400, attr)


def test_the_status_comes_in_pages_newest_first_of_one_project(world: World) -> None:
    for day, name in enumerate(("ann", "bob", "cleo"), 1):
        world.did(name, "e", day=day)
        world.delete(name, delete_events=True)
    newest = Deletion.objects.order_by("-pk").first()
    assert newest
    page = world.api.get(f"{world.persons}deletion_status/", {"limit": 2}).json()
    assert (page["count"], len(page["results"])) == (3, 2)
    assert page["results"][0]["person_uuid"] == str(newest.person_uuid)
    assert page["next"].endswith("offset=2")
    assert statuses(world, person_uuid=str(newest.person_uuid)) == ["pending"]
    elsewhere = World(world.api, Project.objects.create(name="other"), world.store)
    elsewhere.project.memberships.create(user=world.project.members.get())
    assert statuses(elsewhere) == []
