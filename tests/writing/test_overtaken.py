"""An event that changes nothing waits for nobody. So it may be decided before a deletion or a split, and
written after it: then it counts as if it had come before."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from clickhouse.client import ClickHouse
from clickhouse.history_rebuild import days, rebuild
from persons.identity import process
from persons.models import Project
from persons.outbox.removal import remove_deleted
from tests.api.helpers import event
from tests.api.world import World
from tests.api_client import Api

LONG_AFTER = "2100-01-01T00:00:00Z"
SAME_AGAIN = {"$set": {"plan": "free"}}


@pytest.fixture
def world(api: Api, project: Project, clickhouse: ClickHouse) -> World:
    return World(api, project, clickhouse)


@pytest.fixture
def overtake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Run something of another connection's between what the next events read and what they write."""

    def set_up(act: Callable[[], object]) -> None:
        def with_connection() -> None:
            try:
                act()
            finally:
                connection.close()

        def late(*args: Any, **options: Any) -> Any:
            monkeypatch.undo()
            faster = threading.Thread(target=with_connection)
            faster.start()
            faster.join(10)
            return process(*args, **options)

        monkeypatch.setattr("persons.writing.take.process", late)

    return set_up


def history(world: World, distinct_id: str) -> list[tuple[Any, ...]]:
    statement = f"""
        SELECT kind FROM person_property_history
        WHERE team_id = {{project:Int64}} AND distinct_id = '{distinct_id}' AND kind != 'deletion'
    """
    return world.rows(statement)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("removed", [False, True])
def test_what_a_deletion_overtook_is_not_in_the_history_of_whoever_has_the_id_next(
    world: World, overtake: Callable[..., None], removed: bool
) -> None:
    world.did("ann", "sign up", sets={"plan": "free"})
    overtake(lambda: world.delete("ann"))
    world.capture(event("seen", "ann", LONG_AFTER, properties=SAME_AGAIN))
    if removed:
        remove_deleted(world.store, world.drain)
        assert history(world, "ann") == []
    world.did("ann", "came back", day=2, sets={"city": "Rome"})
    world.reset("ann")
    assert world.person("ann")["properties"] == {"city": "Rome"}
    assert world.properties_at("ann", LONG_AFTER) == {"city": "Rome"}
    if not removed:
        list(rebuild(world.store, days(world.store)))
        assert history(world, "ann") == [("update",)]


@pytest.mark.django_db(transaction=True)
def test_what_a_split_overtook_is_not_in_the_history_of_whoever_has_the_id_next(
    world: World, overtake: Callable[..., None]
) -> None:
    world.did("device", "sign up", sets={"plan": "free"})
    world.identify("ann", "device")
    split = f"{world.persons}{world.uuid('ann')}/split/"
    overtake(lambda: world.api.post(split, {"main_distinct_id": "ann"}))
    world.capture(event("seen", "device", LONG_AFTER, properties=SAME_AGAIN))
    for distinct_id, expected in (("ann", {"plan": "free"}), ("device", {})):
        assert world.person(distinct_id)["properties"] == expected
        assert world.properties_at(distinct_id, LONG_AFTER) == expected
