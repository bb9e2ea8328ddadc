"""What was merged can be taken apart: each distinct id with all of its events."""

from typing import Any
from uuid import UUID

import pytest

from persons.identity import person_uuid
from persons.models import ActivityLog, Person, PersonDistinctId
from tests.api.helpers import event, person
from tests.api.world import World
from tests.api_client import error_of


def split(world: World, distinct_id: str, **body: Any) -> Any:
    answer = world.api.post(f"{world.persons}{world.uuid(distinct_id)}/split/", body)
    world.drain()
    return answer


def merged(world: World) -> None:
    """One person of three devices, each of which had a person before."""
    for name in ("ann", "laptop", "phone"):
        world.did(name, f"used {name}", sets={name: True})
    world.identify("ann", "laptop", day=2)
    world.identify("ann", "phone", day=3)
    assert world.ids("ann") == ["ann", "laptop", "phone"]
    assert world.reached("used laptop") == {"ann"}


@pytest.mark.parametrize(
    "body",
    [
        {"main_distinct_id": "ann"},
        {"distinct_ids_to_split": ["phone", "laptop", "phone"]},
        {},
        {"main_distinct_id": None, "distinct_ids_to_split": None},
    ],
)
def test_each_id_that_is_split_off_takes_its_events_along(world: World, body: dict[str, Any]) -> None:
    merged(world)
    before = world.uuid("ann")
    answer = split(world, "laptop", **body)
    assert (answer.status_code, answer.json()) == (201, {"success": True})
    assert world.uuid("ann") == before
    for name in ("ann", "laptop", "phone"):
        assert world.ids(name) == [name]
        assert world.reached(f"used {name}") == {name}
    assert world.person("ann")["properties"] == {"ann": True, "laptop": True, "phone": True}
    new = world.person("phone")
    assert new["uuid"] == str(person_uuid(world.project.pk, "phone"))
    assert (new["properties"], new["is_identified"]) == ({}, False)
    assert new["created_at"] == "2024-03-01T10:00:00Z"
    assert world.properties_at("phone", "2024-03-01T23:00:00Z") == {"phone": True}
    assert world.properties_at("phone", "2099-01-01T00:00:00Z") == {}
    assert world.properties_at("ann", "2099-01-01T00:00:00Z") == world.person("ann")["properties"]
    world.did("phone", "came back", day=4)
    assert world.reached("used phone", "came back") == {"phone"}
    (entry,) = ActivityLog.objects.filter(project=world.project)
    assert (entry.activity, str(entry.person_uuid)) == ("split", before)
    assert entry.detail["new_persons"]["phone"] == new["uuid"]
    world.agree()


def test_versions_are_above_those_of_a_deletion_at_the_same_time(world: World) -> None:
    merged(world)
    old = Person.objects.get(project=world.project)
    versions = dict(PersonDistinctId.objects.values_list("distinct_id", "version"))
    split(world, "ann", distinct_ids_to_split=["phone"])
    new = Person.objects.get(project=world.project, mappings__distinct_id="phone")
    assert new.version == old.version + 101
    assert Person.objects.get(pk=old.pk).version == old.version + 1
    assert PersonDistinctId.objects.get(distinct_id="phone").version == versions["phone"] + 101
    rows = world.rows(
        "SELECT person_id, version FROM person_distinct_id_overrides FINAL WHERE team_id = {project:Int64}"
        " AND distinct_id = 'phone'"
    )
    assert rows == [(new.uuid, versions["phone"] + 101)]


def test_the_id_that_made_the_person_gets_a_new_one(world: World) -> None:
    """Its own uuid is that of the person who is split."""
    world.did("ann", "sign up")
    world.identify("ann", "phone")
    world.did("phone", "paid", day=2)
    before = world.uuid("ann")
    split(world, "ann", distinct_ids_to_split=["ann"])
    assert world.uuid("phone") == before
    assert world.uuid("ann") not in {before, str(person_uuid(world.project.pk, "phone"))}
    assert world.reached("sign up") == {"ann"}
    assert world.reached("paid") == {"phone"}
    world.agree()


def test_merging_splitting_and_deleting_by_turns_never_brings_anybody_back(world: World) -> None:
    spent: set[UUID] = set()
    for day in range(1, 5):
        world.did("ann", "on ann", day=day)
        world.did("phone", "on phone", day=day)
        world.identify("ann", "phone", day=day)
        split(world, "ann", distinct_ids_to_split=["phone"])
        world.agree()
        assert world.reached("on phone") == {"phone"}
        if day % 2:
            spent.add(UUID(world.uuid("phone")))
            world.delete("phone")
            world.reset("phone")
            assert world.reached("on phone") == set()
        assert not Person.objects.filter(uuid__in=spent).exists()
    world.agree()


@pytest.mark.parametrize("end", ["merge", "delete"])
def test_an_id_split_off_twice_gets_a_uuid_that_nobody_had(world: World, end: str) -> None:
    """Somebody else had that person since, until it was merged away at a high version, or deleted."""
    for name in ("ann", "bob", "cleo"):
        world.did(name, f"on {name}")
    world.identify("ann", "phone")
    split(world, "ann", distinct_ids_to_split=["ann"])
    world.capture(
        *(
            event("on phone", "phone", "2024-03-02T10:00:00Z", properties={"$set": {"n": number}})
            for number in range(300)
        )
    )

    def merge(distinct_id: str, other: str) -> None:
        alias = {"alias": other}
        world.capture(event("$merge_dangerously", distinct_id, "2024-03-03T10:00:00Z", properties=alias))

    if end == "merge":
        merge("bob", "phone")
    else:
        world.delete("phone")
    merge("cleo", "ann")
    split(world, "cleo", distinct_ids_to_split=["ann"])
    assert world.reached("on ann") == {"ann"}
    assert world.reached("on phone") == ({"bob"} if end == "merge" else set())
    world.agree()


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"main_distinct_id": "a", "distinct_ids_to_split": ["b"]}, "main_distinct_id"),
        ({"main_distinct_id": "x"}, "main_distinct_id"),
        ({"main_distinct_id": ""}, "main_distinct_id"),
        ({"main_distinct_id": 7}, "main_distinct_id"),
        ({"distinct_ids_to_split": []}, "distinct_ids_to_split"),
        ({"distinct_ids_to_split": "a"}, "distinct_ids_to_split"),
        ({"distinct_ids_to_split": [7]}, "distinct_ids_to_split.0"),
        ({"distinct_ids_to_split": ["a", "x"]}, "distinct_ids_to_split"),
        ({"distinct_ids_to_split": ["a", "b"]}, "distinct_ids_to_split"),
    ],
)
def test_what_cannot_be_split_off_is_named(world: World, body: dict[str, Any], attr: str) -> None:
    stored = person(world.project, "a", "b")
    answer = world.api.post(f"{world.persons}{stored.pk}/split/", body)
    assert error_of(answer)[::2] == (400, attr)
    assert Person.objects.count() == 1


@pytest.mark.parametrize("order", [("z", "a", "m"), ("a", "m", "z"), ("m", "z", "a")])
def test_without_a_body_the_oldest_id_stays(world: World, order: tuple[str, ...]) -> None:
    oldest, survivor, youngest = order
    for each in order:
        world.did(each, f"used {each}")
    # The oldest id is not the one that made the person.
    world.identify(survivor, oldest)
    world.identify(survivor, youngest)
    before = world.uuid(survivor)
    answer = world.api.post(f"{world.persons}{before}/split/")
    world.drain()
    assert (answer.status_code, answer.json()) == (201, {"success": True})
    assert world.uuid(oldest) == before
    for each in order:
        assert world.ids(each) == [each]
        assert world.reached(f"used {each}") == {each}
    world.agree()


@pytest.mark.parametrize("body", [{}, {"main_distinct_id": "a"}])
def test_a_person_with_one_id_stays_as_it_is(world: World, body: dict[str, Any]) -> None:
    stored = person(world.project, "a")
    answer = world.api.post(f"{world.persons}{stored.pk}/split/", body)
    assert answer.status_code == 201
    assert Person.objects.get().version == stored.version
    unknown = world.api.post(f"{world.persons}{stored.pk + 1}/split/", {"main_distinct_id": "a"})
    assert error_of(unknown)[0] == 404
