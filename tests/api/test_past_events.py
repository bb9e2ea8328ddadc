"""The events of persons who were deleted without them can be deleted later, and nobody else's."""

from collections.abc import Callable
from typing import Any

import pytest

from clickhouse.client import ClickHouse
from persons.models import ActivityLog, Deletion, Project
from persons.outbox.removal import remove_deleted
from tests.api.helpers import event
from tests.api.world import World
from tests.api_client import Api, error_of


@pytest.fixture
def world(api: Api, project: Project, clickhouse: ClickHouse) -> World:
    """Ann, who had two distinct ids, was deleted without her events, and has come back on hold since."""
    made = World(api, project, clickhouse)
    made.did("device", "sign up")
    made.did("bob", "sign up")
    made.identify("ann", "device")
    made.delete("ann")
    made.did("ann", "came back", day=2)
    remove(made)
    assert left(made) == ["ann", "ann", "bob", "device"]
    return made


def remove(world: World) -> None:
    world.drain()
    remove_deleted(world.store, world.drain)


def left(world: World) -> list[str]:
    """The distinct ids of the events that ClickHouse has."""
    statement = "SELECT distinct_id FROM events WHERE team_id = {project:Int64} ORDER BY ALL"
    return [distinct_id for (distinct_id,) in world.rows(statement)]


def in_bulk(world: World, **body: Any) -> Any:
    return world.api.post(f"{world.persons}bulk_delete/", {"delete_events": True, **body})


def uuid(world: World) -> str:
    return str(Deletion.objects.get(project=world.project).person_uuid)


WAYS: dict[str, Callable[[World], Any]] = {
    "many by a distinct id": lambda world: in_bulk(world, distinct_ids=["device", "nobody"]),
    "many by uuid": lambda world: in_bulk(world, ids=[uuid(world)]),
    "one by a distinct id": lambda world: world.api.send(
        "DELETE", f"{world.persons}?distinct_id=ann&delete_events=true"
    ),
    "one by uuid": lambda world: world.api.send(
        "DELETE", f"{world.persons}{uuid(world)}/?delete_events=true"
    ),
    "its events alone": lambda world: world.api.post(f"{world.persons}{uuid(world)}/delete_events/"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_events_of_somebody_who_is_gone_go_and_those_on_hold_stay(world: World, way: str) -> None:
    answer = WAYS[way](world)
    assert answer.status_code == 202, answer.content
    (status,) = world.api.get(f"{world.persons}deletion_status/").json()["results"]
    assert (status["person_uuid"], status["status"]) == (uuid(world), "pending")
    remove(world)
    assert left(world) == ["ann", "bob"]
    (status,) = world.api.get(f"{world.persons}deletion_status/").json()["results"]
    assert status["status"] == "completed"
    latest = ActivityLog.objects.filter(project=world.project).latest("pk")
    assert (latest.activity, str(latest.person_uuid)) == ("events_deleted", uuid(world))
    world.reset("ann")
    assert world.reached("came back") == {"ann"}


def test_who_is_gone_is_counted_once_and_is_still_nobody(world: World) -> None:
    told = [in_bulk(world, distinct_ids=["ann", "device"]).json() for _ in range(2)]
    assert [answer["persons_deleted_before"] for answer in told] == [1, 0]
    assert [answer["persons_deleted"] for answer in told] == [0, 0]
    assert told[0]["distinct_ids_not_found"] == ["ann", "device"]


def test_whoever_has_the_id_now_goes_with_all_who_had_it(world: World) -> None:
    world.reset("ann")
    answer = in_bulk(world, distinct_ids=["ann"]).json()
    assert (answer["persons_deleted"], answer["persons_deleted_before"]) == (1, 1)
    remove(world)
    assert left(world) == ["bob"]


def test_events_that_are_asked_for_while_the_rest_is_removed_are_not_called_removed(world: World) -> None:
    world.delete("bob")
    # On its way, so that the removal waits.
    world.api.capture(world.project, [event("sign up", "cleo", "2024-03-01T10:00:00Z")])
    asked = []

    def ask() -> None:
        asked.append(in_bulk(world, distinct_ids=["bob"]).json()["persons_deleted_before"])
        world.drain()

    remove_deleted(world.store, ask)
    assert asked == [1]
    assert "bob" not in left(world)
    assert Deletion.objects.filter(project=world.project, with_events=True).count() == 1


@pytest.mark.parametrize("flags", ["", "?delete_events=false"])
def test_without_the_flag_who_is_gone_is_not_there(world: World, flags: str) -> None:
    assert error_of(world.api.send("DELETE", f"{world.persons}{uuid(world)}/{flags}"))[0] == 404
    assert not Deletion.objects.filter(project=world.project, with_events=True).exists()


def test_nobody_reaches_into_another_project(world: World) -> None:
    other = World(world.api, Project.objects.create(name="Other"), world.store)
    other.project.memberships.create(user=world.project.members.get())
    assert in_bulk(other, distinct_ids=["ann"], ids=None).json()["persons_deleted_before"] == 0
    assert in_bulk(other, ids=[uuid(world)]).json()["persons_deleted_before"] == 0
