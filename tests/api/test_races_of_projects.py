"""Deleting a project while requests write into it: the deletion succeeds and nothing of it is left."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from clickhouse.client import ClickHouse
from persons.models import IdempotentAnswer, Person, PersonDistinctId, Project, ProjectErasure
from tests.api.helpers import event, person
from tests.api.world import World
from tests.api_client import Api, error_of
from tests.blocking import Aside, blocking

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world(api: Api, project: Project, clickhouse: ClickHouse) -> World:
    return World(api, project, clickhouse)


def own(world: World) -> Api:
    """A client of a thread's own."""
    return Api(Client(), world.api.key)


def delete_project(world: World) -> Any:
    return own(world).send("DELETE", f"/api/projects/{world.project.pk}/")


def update(world: World, **headers: str) -> Any:
    path = f"{world.persons}{Person.objects.get().pk}/update_property/"
    return own(world).post(path, {"key": "plan", "value": "pro"}, **headers)


def update_once(world: World) -> Any:
    return update(world, **{"Idempotency-Key": "attempt 1"})


def delete(world: World) -> Any:
    return own(world).send("DELETE", f"{world.persons}{Person.objects.get().pk}/")


def capture(world: World) -> Any:
    properties = {"$set": {"plan": "pro"}}
    return own(world).capture(
        world.project, [event("a", "ann", "2024-03-01T10:00:00Z", properties=properties)]
    )


WRITES = [(update, 202), (update_once, 202), (delete, 202), (capture, 200)]


def assert_nothing_is_left(world: World) -> None:
    for model in (Project, Person, PersonDistinctId, IdempotentAnswer):
        assert not model.objects.exists()
    assert ProjectErasure.objects.get().team_id == world.project.pk


@pytest.mark.parametrize(("write", "status"), WRITES)
def test_a_deletion_waits_for_a_request_that_has_begun_to_write(
    world: World, write: Callable[[World], Any], status: int
) -> None:
    person(world.project, "ann")
    # The request stops where it queues its row for ClickHouse: it has locked the person by then.
    with blocking("LOCK TABLE persons_outbox IN SHARE MODE") as blocker:
        writing = Aside(lambda: write(world))
        blocker.wait_for_waiting()
        deleting = Aside(lambda: delete_project(world))
        blocker.wait_for_waiting(2)
        blocker.release()
        assert writing.result().status_code == status
        assert deleting.result().status_code == 204
    assert_nothing_is_left(world)


@pytest.mark.parametrize(
    ("write", "status"), [(write, 401 if write is capture else 404) for write, _ in WRITES]
)
def test_a_request_that_a_deletion_overtakes_is_told_that_the_project_is_gone(
    world: World, write: Callable[[World], Any], status: int
) -> None:
    person(world.project, "ann")
    # The deletion stops after it has locked the project.
    with blocking("LOCK TABLE persons_eventuuid IN SHARE MODE") as blocker:
        deleting = Aside(lambda: delete_project(world))
        blocker.wait_for_waiting()
        writing = Aside(lambda: write(world))
        blocker.wait_for_waiting(2)
        blocker.release()
        assert deleting.result().status_code == 204
        assert error_of(writing.result())[0] == status
    assert_nothing_is_left(world)


def test_of_two_deletions_the_second_finds_no_project(world: World) -> None:
    with blocking("LOCK TABLE persons_eventuuid IN SHARE MODE") as blocker:
        deletions = [Aside(lambda: delete_project(world)) for _ in range(2)]
        blocker.wait_for_waiting(2)
        blocker.release()
        assert sorted(each.result().status_code for each in deletions) == [204, 404]
    assert_nothing_is_left(world)


def test_a_deletion_is_repeated_after_a_deadlock(world: World) -> None:
    """Whatever else may have locked the rows in another order."""
    stored = person(world.project, "ann")
    # A transaction that has a person, and asks for the project once the deletion has that.
    with blocking("SELECT 1 FROM persons_person WHERE id = %s FOR UPDATE", stored.pk) as blocker:
        # PostgreSQL ends the transaction that finds the deadlock first: the deletion.
        blocker.execute("SET LOCAL deadlock_timeout = '20s'")
        deleting = Aside(lambda: delete_project(world))
        blocker.wait_for_waiting()
        blocker.execute("SELECT 1 FROM persons_project FOR UPDATE")
        blocker.release()
        assert deleting.result().status_code == 204
    assert_nothing_is_left(world)


def test_a_deletion_under_traffic_succeeds(world: World) -> None:
    """Without an order of ours: several clients send events for the same persons all the while."""
    over = False

    def send() -> set[int]:
        client, statuses = own(world), set[int]()
        number = 0
        while not over:
            number += 1
            events = [
                event("a", f"d{each}", "2024-03-01T10:00:00Z", properties={"$set": {"n": number}})
                for each in range(5)
            ]
            statuses.add(client.capture(world.project, events).status_code)
        return statuses

    clients = [Aside(send) for _ in range(4)]
    while Person.objects.count() < 5:
        connection.ensure_connection()
    answer = delete_project(world)
    over = True
    assert answer.status_code == 204
    assert set().union(*(client.result() for client in clients)) <= {200, 401}
    assert_nothing_is_left(world)
