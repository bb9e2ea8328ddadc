"""Properties are changed by request as by events: both stores and the history know."""

from typing import Any

import orjson
import pytest

from persons.models import ActivityLog, EventUuid, Person
from tests.api.helpers import person
from tests.api.world import World
from tests.api_client import error_of


def change(world: World, method: str, path: str, body: Any) -> Any:
    answer = world.api.send(method, f"{world.persons}{world.uuid('ann')}/{path}", body)
    world.drain()
    return answer


FREE = {"plan": "free", "x": [1]}
UPDATES: list[tuple[str, str, Any, dict[str, Any]]] = [
    ("PATCH", "", {"properties": {"plan": "paid", "seats": 3}}, {**FREE, "plan": "paid", "seats": 3}),
    ("PUT", "", {"properties": {"plan": None}}, {**FREE, "plan": None}),
    ("POST", "update_property/", {"key": "plan", "value": {"a": [1]}}, {**FREE, "plan": {"a": [1]}}),
    ("POST", "update_property/", {"key": "plan", "value": False}, {**FREE, "plan": False}),
    ("POST", "update_property/", {"key": "plan", "value": None}, {**FREE, "plan": None}),
    ("POST", "delete_property/", {"$unset": "plan"}, {"x": [1]}),
    ("POST", "delete_property/", {"$unset": "unknown"}, FREE),
]


@pytest.mark.parametrize(("method", "path", "body", "after"), UPDATES)
def test_an_update_is_an_event(
    world: World, method: str, path: str, body: Any, after: dict[str, Any]
) -> None:
    world.did("ann", "e", sets=FREE)
    answer = change(world, method, path, body)
    unset = path == "delete_property/"
    assert (answer.status_code, answer.content) == ((201, b'{"success":true}') if unset else (202, b""))
    assert world.person("ann")["properties"] == after
    world.agree()
    statement = "SELECT properties FROM events WHERE team_id = {project:Int64} AND event != 'e'"
    ((stored,),) = world.rows(statement)
    name = "$unset" if "$unset" in body else "$set"
    assert orjson.loads(stored)[name]
    (entry,) = ActivityLog.objects.filter(project=world.project)
    assert (entry.activity, str(entry.person_uuid)) == ("updated", world.uuid("ann"))
    assert set(entry.detail) == {name}


@pytest.mark.parametrize(
    ("method", "path", "body", "attr"),
    [
        ("PATCH", "", {}, "properties"),
        ("PUT", "", {"properties": [1]}, "properties"),
        ("PATCH", "", {"properties": "{"}, "properties"),
        ("POST", "update_property/", {"key": "plan"}, "value"),
        ("POST", "update_property/", {"value": 1}, "key"),
        ("POST", "update_property/", {"key": None, "value": None}, "key"),
        ("POST", "update_property/", {"key": "", "value": 1}, "key"),
        ("PATCH", "", {"properties": {"plan": 1, "$virt_mrr": 1}}, "properties"),
        ("POST", "update_property/", {"key": "$virt_mrr", "value": 1}, "key"),
        ("POST", "delete_property/", {"$unset": "$virt_mrr"}, "$unset"),
        ("POST", "update_property/", {"key": 7, "value": 1}, "key"),
        ("POST", "delete_property/", {}, "$unset"),
        ("POST", "delete_property/", {"$unset": ""}, "$unset"),
        ("POST", "delete_property/", {"$unset": ["plan"]}, "$unset"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    world: World, method: str, path: str, body: Any, attr: str
) -> None:
    stored = person(world.project, "ann", plan="free")
    answer = world.api.send(method, f"{world.persons}{stored.pk}/{path}", body)
    assert error_of(answer)[::2] == (400, attr)
    assert Person.objects.get().properties == {"plan": "free"}


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


@pytest.mark.parametrize("value", ["x" * 640_001, nested(150)])
def test_what_cannot_be_stored_is_reported_and_leaves_no_trace(world: World, value: Any) -> None:
    stored = person(world.project, "ann", plan="free")
    answer = world.api.send("PATCH", f"{world.persons}{stored.pk}/", {"properties": {"plan": value}})
    assert error_of(answer)[::2] == (400, "properties")
    one = world.api.post(f"{world.persons}{stored.pk}/update_property/", {"key": "plan", "value": value})
    assert error_of(one)[::2] == (400, "value")
    assert Person.objects.get().properties == {"plan": "free"}
    assert not EventUuid.objects.exists()
    assert not ActivityLog.objects.exists()


@pytest.mark.parametrize("path", ["", "update_property/", "delete_property/"])
def test_nobody_is_updated_who_is_not_there(world: World, path: str) -> None:
    body = {"properties": {"a": 1}, "key": "a", "value": 1, "$unset": "a"}
    answer = world.api.send("POST" if path else "PATCH", f"{world.persons}4711/{path}", body)
    assert error_of(answer)[0] == 404
