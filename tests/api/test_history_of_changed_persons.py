"""The history of properties knows what requests do to persons: update, split, delete, reset."""

from typing import Any

import pytest

from clickhouse.client import ClickHouse
from persons.models import Project
from persons.outbox.removal import remove_deleted
from tests.api.world import World
from tests.api_client import Api

LONG_AFTER = "2100-01-01T00:00:00Z"


@pytest.fixture
def world(api: Api, project: Project, clickhouse: ClickHouse) -> World:
    return World(api, project, clickhouse)


def at(world: World, distinct_id: str, timestamp: str = LONG_AFTER) -> Any:
    query = {"distinct_id": distinct_id, "timestamp": timestamp, "include_set_once": "true"}
    answer = world.api.get(f"{world.persons}properties_at_time/", query).json()
    return answer.get("properties")


def keys_of_changes(world: World, distinct_id: str) -> list[str]:
    answer = world.api.get(f"{world.persons}{world.uuid(distinct_id)}/properties_history/")
    return [change["key"] for change in answer.json()["results"]]


def test_an_update_by_request_is_a_change_like_any_other(world: World) -> None:
    world.did("ann", "sign up", sets={"plan": "free", "city": "Rome"})
    address = f"{world.persons}{world.uuid('ann')}/"
    world.api.post(f"{address}update_property/", {"key": "plan", "value": "pro"})
    world.api.post(f"{address}delete_property/", {"$unset": "city"})
    world.drain()
    assert at(world, "ann") == world.person("ann")["properties"] == {"plan": "pro"}
    assert at(world, "ann", "2024-03-02T00:00:00Z") == {"plan": "free", "city": "Rome"}


def test_after_a_split_everybody_has_what_the_split_gave(world: World) -> None:
    world.did("device", "sign up", sets={"city": "Rome"})
    world.did("ann", "sign up", sets={"plan": "free"})
    world.identify("ann", "device", day=2)
    answer = world.api.post(f"{world.persons}{world.uuid('ann')}/split/", {"main_distinct_id": "ann"})
    assert answer.status_code == 201
    world.drain()
    for distinct_id in ("ann", "device"):
        assert at(world, distinct_id) == world.person(distinct_id)["properties"]
    assert at(world, "ann") == {"plan": "free", "city": "Rome"}
    assert at(world, "device") == {}


@pytest.mark.parametrize("removed", [False, True])
def test_a_person_made_by_a_reset_has_no_history_from_before_the_deletion(
    world: World, removed: bool
) -> None:
    world.did("ann", "sign up", sets={"plan": "free"})
    world.delete("ann")
    assert at(world, "ann") is None
    world.did("ann", "came back", day=2, sets={"city": "Rome"})
    assert at(world, "ann") is None
    if removed:
        remove_deleted(world.store, lambda: None)
    world.reset("ann")
    assert at(world, "ann") == world.person("ann")["properties"] == {"city": "Rome"}
    assert keys_of_changes(world, "ann") == ["city"]


def test_a_deletion_leaves_nothing_of_the_history_in_clickhouse(world: World) -> None:
    world.did("ann", "sign up", sets={"plan": "free"})
    world.did("bob", "sign up", sets={"plan": "free"})
    world.delete("ann")
    world.did("ann", "came back", day=2, sets={"city": "Rome"})
    remove_deleted(world.store, lambda: None)
    statement = """
        SELECT distinct_id, kind, detail FROM person_property_history
        WHERE team_id = {project:Int64} ORDER BY distinct_id, kind
    """
    assert world.rows(statement) == [
        ("ann", "deletion", ""),
        ("ann", "update", '[{"city":"Rome"},null,null]'),
        ("bob", "update", '[{"plan":"free"},null,null]'),
    ]


def test_a_person_whose_events_are_deleted_goes_on_with_what_it_has(world: World) -> None:
    world.did("ann", "sign up", sets={"plan": "free"})
    world.api.post(f"{world.persons}{world.uuid('ann')}/delete_events/")
    world.drain()
    remove_deleted(world.store, lambda: None)
    assert at(world, "ann") == world.person("ann")["properties"] == {"plan": "free"}
    assert at(world, "ann", "2024-03-02T00:00:00Z") == {}
