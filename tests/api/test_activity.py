"""Who did what to whom, newest first."""

from typing import Any

import pytest

from persons.installation import owner
from tests.api.helpers import api_with, person, project_of
from tests.api.world import World
from tests.api_client import error_of


def entries(world: World, path: str = "activity/", **query: Any) -> list[dict[str, Any]]:
    answer = world.api.get(world.persons + path, query)
    assert answer.status_code == 200, answer.content
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_everything_that_is_done_by_request_is_in_it_with_who_did_it(world: World) -> None:
    world.did("ann", "e")
    world.identify("ann", "device")
    uuid = world.uuid("ann")
    body = {"key": "plan", "value": "paid"}
    assert world.api.post(f"{world.persons}{uuid}/update_property/", body).status_code == 202
    assert world.api.post(f"{world.persons}{uuid}/split/", {"main_distinct_id": "ann"}).status_code == 201
    assert world.api.post(f"{world.persons}{uuid}/delete_events/").status_code == 202
    world.delete("ann", delete_events=True)
    world.reset("ann")
    found = entries(world)
    activities = ["distinct_id_reset", "deleted", "events_deleted", "split", "updated"]
    assert [entry["activity"] for entry in found] == activities
    assert [entry["item_id"] for entry in found] == [None, uuid, uuid, uuid, uuid]
    for entry in found:
        assert entry["user"]["email"] == owner().email
        assert entry["key"]["label"] == "test"
        assert entry["scope"] == "Person"
    assert [entry["activity"] for entry in entries(world, f"{uuid}/activity/")] == activities[1:]
    assert found[0]["detail"] == {"distinct_id": "ann"}


def test_it_comes_in_pages(world: World) -> None:
    for number in range(5):
        stored = person(world.project, f"d{number}")
        world.api.send("DELETE", f"{world.persons}{stored.pk}/")
    first = world.api.get(f"{world.persons}activity/", {"limit": 2}).json()
    assert (len(first["results"]), first["total_count"], first["previous"]) == (2, 5, None)
    assert first["next"].endswith("limit=2&page=2")
    last = world.api.get(f"{world.persons}activity/", {"limit": 2, "page": 3}).json()
    assert (len(last["results"]), last["next"]) == (1, None)
    assert last["previous"].endswith("limit=2&page=2")
    assert world.api.get(f"{world.persons}activity/", {"page": 9}).json()["results"] == []
    assert len(entries(world)) == 5
    other = World(world.api, project_of(owner()), world.store)
    assert entries(other) == []


def test_a_person_is_found_by_either_id(world: World) -> None:
    stored = person(world.project, "ann")
    for path in (f"{stored.pk}/activity/", f"{stored.uuid}/activity/"):
        assert entries(world, path) == []
    for path in ("4711", "0190d3a0-0000-7000-8000-000000000000"):
        assert error_of(world.api.get(f"{world.persons}{path}/activity/"))[0] == 404
    assert error_of(world.api.get(f"{world.persons}ann/activity/"))[::2] == (400, "id")


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"page": 0}, {"page": "x"}])
def test_pages_are_asked_for_properly(world: World, query: dict[str, Any]) -> None:
    assert error_of(world.api.get(f"{world.persons}activity/", query))[::2] == (400, *query)


def test_it_has_a_scope_of_its_own(world: World) -> None:
    for scopes, status in ((["person:write"], 403), (["activity_log:read"], 200)):
        answer = api_with(world.api, scopes).get(f"{world.persons}activity/")
        assert answer.status_code == status
