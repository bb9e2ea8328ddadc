"""Deleted, back, on hold, reset: who can be seen when (spec/decisions.md section 12)."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from persons.models import ActivityLog, CohortMember, Person, PersonDistinctId
from persons.outbox.flush import drain
from tests.api.helpers import event
from tests.api.world import World
from tests.api_client import error_of


def test_the_whole_cycle(world: World) -> None:
    world.did("ann", "sign up", sets={"email": "ann@old.example"})
    world.did("bob", "sign up")
    before = world.uuid("ann")
    assert world.reached("sign up") == {"ann", "bob"}

    world.delete("ann")
    assert world.person("ann") is None
    assert world.api.get(f"{world.persons}{before}/").status_code == 404
    assert world.reached("sign up") == {"bob"}

    world.did("ann", "paid", "sign up", day=2, sets={"email": "ann@new.example"})
    assert world.person("ann") is None
    assert world.reached("sign up") == {"bob"}
    assert world.api.get(world.persons, {"email": "ann@new.example"}).json()["results"] == []

    world.reset("ann")
    after = world.person("ann")
    assert after["uuid"] != before
    assert after["properties"] == {"email": "ann@new.example"}
    assert after["created_at"] == "2024-03-02T10:00:00Z"
    assert world.reached("sign up") == {"ann", "bob"}
    # Of the two sign-ups the first, which the payment would follow, was deleted.
    assert world.reached("sign up", "paid") == set()
    world.did("ann", "paid", day=3)
    assert world.reached("sign up", "paid") == {"ann"}
    world.agree()


def test_after_a_reset_without_events_the_next_event_makes_a_person(world: World) -> None:
    world.did("ann", "sign up")
    before = world.uuid("ann")
    world.delete("ann")
    world.reset("ann")
    assert world.person("ann") is None
    world.did("ann", "sign up", day=2)
    assert world.uuid("ann") != before
    world.agree()


def test_what_happened_before_the_deletion_follows_nobody_through_later_merges(world: World) -> None:
    world.did("device", "sign up")
    world.identify("ann", "device")
    assert world.reached("sign up") == {"device"}
    world.delete("ann")
    world.did("device", "paid", day=2)
    world.reset("device")
    world.reset("ann")
    world.identify("cleo", "device", day=3)
    assert world.ids("cleo") == ["cleo", "device"]
    assert world.reached("sign up") == set()
    assert world.reached("paid") == {"device"}
    world.agree()


def test_the_history_of_properties_begins_anew(world: World) -> None:
    world.did("ann", "e", sets={"email": "ann@old.example", "plan": "free"})
    world.delete("ann")
    world.did("ann", "e", day=2, sets={"email": "ann@new.example"})
    world.reset("ann")
    assert world.properties_at("ann", "2024-03-01T23:00:00Z") == {}
    assert world.properties_at("ann", "2024-03-03T00:00:00Z") == {"email": "ann@new.example"}
    looked_at = [{"key": "email", "type": "person", "operator": "is_set"}]
    asked = {"properties": looked_at, "date_from": "2024-03-01", "date_to": "2024-03-31"}
    timeline = world.api.get(f"{world.persons}{world.uuid('ann')}/properties_timeline/", asked).json()
    assert [point["properties"] for point in timeline["points"]] == [{"email": "ann@new.example"}]


def test_an_id_can_be_deleted_and_reset_again_and_again(world: World) -> None:
    uuids = set()
    for day in range(1, 5):
        world.did("ann", "sign up", day=day, sets={f"on {day}": 1})
        if day > 1:
            world.reset("ann")
        found = world.person("ann")
        assert found["properties"] == {f"on {day}": 1}
        uuids.add(found["uuid"])
        world.delete("ann")
    assert len(uuids) == 4


@pytest.mark.parametrize("was_seen", [True, False])
def test_an_id_on_hold_hides_whoever_it_merges(world: World, was_seen: bool) -> None:
    world.did("ann", "sign up")
    world.delete("ann")
    if was_seen:
        world.did("device", "sign up", day=2, sets={"seen": True})
        assert world.person("device") is not None
    world.identify("ann", "device", day=3)
    world.did("device", "paid", day=4)
    assert (world.person("ann"), world.person("device")) == (None, None)
    world.agree()
    world.reset("device")
    assert world.ids("ann") == ["ann", "device"]
    assert world.person("ann")["properties"] == ({"seen": True} if was_seen else {})
    assert world.reached("sign up", "paid") == ({"ann"} if was_seen else set())
    assert world.reached("paid") == {"ann"}
    world.agree()


@pytest.mark.parametrize("name", ["$identify", "$create_alias", "$merge_dangerously"])
@pytest.mark.parametrize("is_known", [True, False])
def test_a_merge_neither_shows_an_id_on_hold_nor_hides_the_one_that_asks(
    world: World, name: str, is_known: bool
) -> None:
    world.did("device", "sign up")
    if is_known:
        world.did("bob", "sign up")
    world.delete("device")
    world.did("device", "paid", day=2)

    def merge() -> Any:
        properties = {"alias": "device", "$anon_distinct_id": "device"}
        return world.capture(event(name, "bob", "2024-03-03T10:00:00Z", properties=properties))

    (note,) = merge()["refused"]
    assert "on hold" in note["reason"]
    assert note["stored"]
    assert (world.ids("bob"), world.person("bob")["is_identified"]) == (["bob"], True)
    assert world.person("device") is None
    refusal = ActivityLog.objects.get(project=world.project, activity="merge_refused")
    assert refusal.detail["other_distinct_id"] == "device"
    world.reset("device")
    assert "refused" not in merge()
    assert world.ids("device") == ["bob", "device"]
    world.agree()


def test_with_immediate_reuse_an_event_ends_the_hold(world: World) -> None:
    for name in ("ann", "device"):
        world.did(name, "sign up")
    before = world.uuid("ann")
    for name in ("ann", "device"):
        world.delete(name)
    world.identify("ann", "device", day=2)
    settings = f"/api/projects/{world.project.pk}/"
    changed = world.api.send("PATCH", settings, {"distinct_id_reuse": "immediately"})
    assert changed.json()["distinct_id_reuse"] == "immediately"
    assert world.person("ann") is None
    world.did("device", "paid", day=3)
    assert world.ids("ann") == ["ann", "device"]
    assert world.uuid("ann") != before
    assert world.reached("sign up") == set()
    assert world.reached("paid") == {"ann"}
    world.agree()
    world.delete("ann")
    world.identify("bob", "ann", day=4)
    assert world.ids("bob") == ["ann", "bob"]
    world.agree()
    wrong = world.api.send("PATCH", settings, {"distinct_id_reuse": "sometimes"})
    assert (wrong.status_code, error_of(wrong)[2]) == (400, "distinct_id_reuse")


def test_personless_events_of_an_id_on_hold_follow_it_later(world: World) -> None:
    world.did("ann", "sign up")
    world.delete("ann")
    world.did("ann", "came back", day=2, personless=True)
    world.reset("ann")
    world.did("ann", "looked around", day=3, personless=True)
    assert world.person("ann") is None
    world.did("ann", "paid", day=4)
    assert world.reached("came back", "looked around", "paid") == {"ann"}
    assert world.reached("sign up") == set()
    world.agree()


def test_a_static_cohort_forgets_a_deleted_person(world: World) -> None:
    for name in ("ann", "bob"):
        world.did(name, "e")
    cohorts = f"/api/projects/{world.project.pk}/cohorts/"
    made = {"name": "c", "is_static": True, "distinct_ids": ["ann", "bob"]}
    cohort = world.api.post(cohorts, made).json()["id"]
    drain(world.store)
    world.delete("ann")
    world.did("ann", "e", day=2)
    added = world.api.send("PATCH", f"{cohorts}{cohort}/", {"distinct_ids": ["ann"]}).json()
    assert added["not_found"] == ["ann"]
    # As if it had been added at the moment of the deletion.
    CohortMember.objects.create(project=world.project, cohort_id=cohort, distinct_id="ann")
    world.reset("ann")
    listed = world.api.get(f"{cohorts}{cohort}/persons/").json()["results"]
    assert [person["distinct_ids"] for person in listed] == [["bob"]]
    members = CohortMember.objects.filter(project=world.project)
    assert [member.distinct_id for member in members] == ["bob"]


def test_an_id_that_was_never_seen_is_unknown(world: World) -> None:
    answer = world.api.post(f"{world.persons}reset_person_distinct_id/", {"distinct_id": "nobody"})
    assert error_of(answer) == (404, "not_found", None)


def test_resetting_what_is_not_on_hold_changes_nothing(world: World) -> None:
    for name in ("ann", "bob", "cleo"):
        world.did(name, "e", personless=name == "bob")
    world.delete("cleo")
    world.reset("cleo")

    def everything() -> list[Any]:
        return [list(model._base_manager.order_by("pk").values()) for model in (Person, PersonDistinctId)]

    before = everything()
    for distinct_id in ("ann", "bob", "cleo"):
        world.reset(distinct_id)
    assert everything() == before
    (entry,) = ActivityLog.objects.filter(project=world.project, activity="distinct_id_reset")
    assert entry.detail == {"distinct_id": "cleo"}
    assert entry.user is not None
    assert entry.key is not None


@pytest.mark.parametrize("body", [{}, {"distinct_id": ""}, {"distinct_id": None}, {"distinct_id": 7}])
def test_a_reset_without_a_distinct_id_is_refused(world: World, body: dict[str, Any]) -> None:
    answer = world.api.post(f"{world.persons}reset_person_distinct_id/", body)
    assert (answer.status_code, error_of(answer)[2]) == (400, "distinct_id")


@pytest.mark.django_db(transaction=True)
def test_a_reset_and_captures_at_the_same_moment_lose_nothing(world: World) -> None:
    rounds = 12
    ids = sorted(f"d{number}" for number in range(rounds))
    for distinct_id in ids:
        world.did(distinct_id, "e")
        world.delete(distinct_id)
    failures: list[BaseException] = []
    together = threading.Barrier(3)

    def run(act: Callable[[str], Any]) -> None:
        try:
            for distinct_id in ids:
                together.wait()
                assert act(distinct_id).status_code in {200, 202}
        except BaseException as error:
            failures.append(error)
            together.abort()
        finally:
            connection.close()

    def setting(name: str) -> Callable[[str], Any]:
        def send(distinct_id: str) -> Any:
            properties = {"$set": {name: 1}}
            sent = event(
                "$set", distinct_id, "2024-03-02T10:00:00Z", uuid=str(uuid4()), properties=properties
            )
            return world.api.capture(world.project, [sent])

        return send

    def reset(distinct_id: str) -> Any:
        return world.api.post(f"{world.persons}reset_person_distinct_id/", {"distinct_id": distinct_id})

    threads = [threading.Thread(target=run, args=[each]) for each in (setting("x"), setting("y"), reset)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    world.agree()
    listed = world.api.get(world.persons).json()["results"]
    assert sorted(person["distinct_ids"][0] for person in listed) == ids
    assert {tuple(sorted(person["properties"])) for person in listed} == {("x", "y")}
