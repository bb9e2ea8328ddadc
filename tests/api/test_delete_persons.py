"""Deleting persons, one and many: what is answered, and that nothing of them is left to be seen."""

from typing import Any
from uuid import uuid4

import pytest

from persons.models import ActivityLog, Deletion, Person, PersonDistinctId
from persons.outbox.flush import drain
from tests.api.helpers import api_with, person, project_of, stranger
from tests.api.world import World
from tests.api_client import error_of


@pytest.mark.parametrize("by", ["pk", "uuid"])
def test_a_person_is_deleted_by_either_of_its_ids(world: World, by: str) -> None:
    stored = person(world.project, "ann", "ann's phone")
    kept = person(world.project, "bob")
    answer = world.api.send("DELETE", f"{world.persons}{getattr(stored, by)}/")
    assert (answer.status_code, answer.content) == (202, b"")
    assert list(Person.everybody.filter(project=world.project)) == [kept]
    again = world.api.send("DELETE", f"{world.persons}{getattr(stored, by)}/")
    assert error_of(again) == (404, "not_found", None)
    (entry,) = ActivityLog.objects.filter(project=world.project)
    assert (entry.activity, entry.person_uuid) == ("deleted", stored.uuid)
    assert entry.detail == {"distinct_ids": 2, "with_events": False}


def test_tombstones_are_a_hundred_versions_above_what_they_end(world: World) -> None:
    world.did("ann", "e", sets={"x": 1})
    world.did("ann", "e", sets={"x": 2})
    world.delete("ann")
    row = "SELECT is_deleted, version FROM {} FINAL WHERE team_id = {{project:Int64}}"
    for table, version in {"person": 101, "person_distinct_id2": 100}.items():
        assert world.rows(row.format(table)) == [(1, version)]
    mapping = PersonDistinctId.objects.get(project=world.project)
    assert (mapping.version, mapping.on_hold, mapping.person) == (100, True, None)


@pytest.mark.parametrize(
    "query", ["distinct_id=ann", "email=ann@example.com", "distinct_id=ann&email=ann@example.com"]
)
def test_a_person_is_deleted_by_what_nobody_shares(world: World, query: str) -> None:
    person(world.project, "ann", email="ann@example.com")
    kept = person(world.project, "bob", email="bob@example.com")
    assert world.api.send("DELETE", f"{world.persons}?{query}").status_code == 202
    assert list(Person.objects.filter(project=world.project)) == [kept]


@pytest.mark.parametrize(
    "query", ["", "?distinct_id=nobody", "?email=shared@example.com", "?distinct_id=", "?search=a"]
)
def test_unless_exactly_one_person_matches_nobody_is_deleted(world: World, query: str) -> None:
    for name in ("ann", "bob"):
        person(world.project, name, email="shared@example.com")
    answer = world.api.send("DELETE", world.persons + query)
    assert error_of(answer)[0] == (400 if query == "?distinct_id=" else 405)
    if answer.status_code == 405:
        assert "bulk_delete" in answer.json()["detail"]
    assert Person.objects.filter(project=world.project).count() == 2


def test_the_flags_mean_what_they_say(world: World) -> None:
    person(world.project, "ann")
    world.delete("ann", delete_events=False, keep_person=False)
    assert [deletion.with_events for deletion in Deletion.objects.all()] == [False]
    person(world.project, "bob")
    kept = world.api.send("DELETE", f"{world.persons}?distinct_id=bob&keep_person=true&delete_events=false")
    assert kept.status_code == 202
    assert Person.objects.filter(project=world.project).count() == 1
    assert Deletion.objects.count() == 1
    wrong = world.api.send("DELETE", f"{world.persons}?distinct_id=bob&keep_person=maybe")
    assert error_of(wrong)[::2] == (400, "keep_person")


def bulk(world: World, **body: Any) -> Any:
    answer = world.api.post(f"{world.persons}bulk_delete/", body)
    drain(world.store)
    return answer


def test_many_are_deleted_at_once_and_again_without_harm(world: World) -> None:
    for name in ("ann", "bob", "cleo", "dan"):
        world.did(name, "e")
    world.identify("ann", "bob")
    asked = {"distinct_ids": ["ann", "bob", "cleo", "nobody", "nobody"], "delete_recordings": True}
    answer = bulk(world, **asked)
    assert answer.status_code == 202
    assert answer.json() == {
        "persons_found": 2,
        "persons_deleted": 2,
        "persons_deleted_before": 0,
        "events_queued_for_deletion": False,
        "recordings_queued_for_deletion": False,
        "deletion_errors": [],
        "ids_not_found": [],
        "distinct_ids_not_found": ["nobody"],
    }
    assert [world.person(name) is None for name in ("ann", "bob", "cleo", "dan")] == [True, True, True, False]
    again = bulk(world, **asked).json()
    assert (again["persons_found"], again["persons_deleted"]) == (0, 0)
    assert again["distinct_ids_not_found"] == ["ann", "bob", "cleo", "nobody"]
    # The events of persons that were deleted before without them are deleted now, once.
    with_events = {"distinct_ids": ["ann", "cleo"], "delete_events": True}
    queued = [bulk(world, **with_events).json()["events_queued_for_deletion"] for _ in range(2)]
    assert queued == [True, False]
    world.agree()


def test_many_are_named_by_integers_and_uuids(world: World) -> None:
    ann, bob, cleo = (person(world.project, name) for name in ("ann", "bob", "cleo"))
    unknown = str(uuid4())
    answer = bulk(world, ids=[ann.pk, str(bob.pk), str(cleo.uuid), str(ann.uuid), unknown, 10**17]).json()
    assert (answer["persons_found"], answer["persons_deleted"]) == (3, 3)
    assert answer["ids_not_found"] == [unknown, 10**17]


def test_a_kept_person_is_found_and_not_deleted(world: World) -> None:
    person(world.project, "ann")
    answer = bulk(world, distinct_ids=["ann"], keep_person=True, delete_events=True).json()
    assert (answer["persons_found"], answer["persons_deleted"]) == (1, 0)
    assert answer["events_queued_for_deletion"] is True
    assert Person.objects.filter(project=world.project).exists()


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({}, "ids"),
        ({"ids": []}, "ids"),
        ({"ids": [1], "distinct_ids": ["a"]}, "distinct_ids"),
        ({"ids": [True]}, "ids.0"),
        ({"ids": [1, "x"]}, "ids.1"),
        ({"ids": [1.5]}, "ids.0"),
        ({"ids": "x"}, "ids"),
        ({"distinct_ids": [1]}, "distinct_ids.0"),
        ({"distinct_ids": [""]}, "distinct_ids.0"),
        ({"distinct_ids": ["a"], "delete_events": "maybe"}, "delete_events"),
        ({"ids": list(range(1001))}, "ids"),
        ({"distinct_ids": ["a"] * 1001}, "distinct_ids"),
    ],
)
def test_what_cannot_be_understood_deletes_nobody(world: World, body: dict[str, Any], attr: str) -> None:
    person(world.project, "a")
    answer = world.api.post(f"{world.persons}bulk_delete/", body)
    assert error_of(answer)[::2] == (400, attr)
    assert Person.objects.filter(project=world.project).exists()


WRITING = [
    ("DELETE", "{pk}/", None),
    ("DELETE", "?distinct_id=ann", None),
    ("POST", "bulk_delete/", {"distinct_ids": ["ann"]}),
    ("POST", "reset_person_distinct_id/", {"distinct_id": "ann"}),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITING)
def test_writing_needs_its_scope_and_its_project(world: World, method: str, path: str, body: Any) -> None:
    stored = person(world.project, "ann")
    path = path.format(pk=stored.pk)
    reader = api_with(world.api, ["person:read"])
    refused = reader.send(method, world.persons + path, body)
    assert refused.status_code == 403
    assert "person:write" in refused.json()["detail"]
    other = project_of(stranger())
    foreign = world.api.send(method, f"/api/projects/{other.pk}/persons/{path}", body)
    assert foreign.status_code == 403
    own = project_of(world.project.members.get(), "own")
    elsewhere = world.api.send(method, f"/api/projects/{own.pk}/persons/{path}", body)
    assert elsewhere.status_code in {202, 404, 405}
    writer = api_with(world.api, ["person:write"])
    assert Person.objects.filter(project=world.project).exists()
    assert writer.send(method, world.persons + path, body).status_code == 202
