"""`persons/batch_by_distinct_ids/`, `persons/batch_by_uuids/`: many persons with one request."""

import uuid
from typing import Any

import pytest

from persons.installation import owner
from persons.models import PersonDistinctId, Project
from tests.api.helpers import api_with, person, project_of
from tests.api_client import Api, error_of

ANONYMOUS = "018e4b5a-7c3d-7000-8000-0123456789ab"


@pytest.fixture
def path(project: Project) -> str:
    return f"/api/projects/{project.pk}/persons"


def test_persons_come_under_the_distinct_ids_that_were_asked_for(
    api: Api, project: Project, path: str
) -> None:
    one = person(project, "a", "b", email="a@example.com")
    other = person(project, "c")
    PersonDistinctId.objects.create(project=project, distinct_id="personless")
    person(project_of(owner()), "elsewhere")
    asked = ["b", "c", "a", "b", "A", "nobody", "personless", "elsewhere"]
    answer = api.post(f"{path}/batch_by_distinct_ids/", {"distinct_ids": asked})
    listed = {each["id"]: each for each in api.get(f"{path}/").json()["results"]}
    assert answer.status_code == 200
    assert answer.json() == {
        "results": {"a": listed[one.pk], "b": listed[one.pk], "c": listed[other.pk]},
    }


def test_persons_come_under_their_uuids(api: Api, project: Project, path: str) -> None:
    one, other = person(project, "a"), person(project, "b")
    elsewhere = person(project_of(owner()), "a")
    asked = [str(one.uuid), str(other.uuid).upper(), str(uuid.UUID(int=0)), str(elsewhere.uuid), one.uuid.hex]
    answer = api.post(f"{path}/batch_by_uuids", {"uuids": asked})
    assert answer.status_code == 200
    listed = {each["uuid"]: each for each in api.get(f"{path}/").json()["results"]}
    assert answer.json()["results"] == listed


def test_at_most_ten_distinct_ids_of_each_are_shown_and_the_name_is_that_of_the_list(
    api: Api, project: Project, path: str
) -> None:
    anonymous = [f"{ANONYMOUS[:-2]}{number:02}" for number in range(11)]
    made = person(project, *anonymous, "chosen")
    (found,) = api.post(f"{path}/batch_by_uuids/", {"uuids": [str(made.uuid)]}).json()["results"].values()
    assert (found["distinct_ids"], found["name"]) == (anonymous[:10], "chosen")


@pytest.mark.parametrize("number", [0, 200])
def test_two_hundred_are_looked_up_at_once(api: Api, project: Project, path: str, number: int) -> None:
    names = [f"u{each}" for each in range(number)]
    uuids = [str(person(project, each).uuid) for each in names]
    by_name = api.post(f"{path}/batch_by_distinct_ids/", {"distinct_ids": names}).json()["results"]
    by_uuid = api.post(f"{path}/batch_by_uuids/", {"uuids": uuids}).json()["results"]
    assert (set(by_name), set(by_uuid)) == (set(names), set(uuids))


@pytest.mark.parametrize(
    ("name", "value", "attr"),
    [
        ("distinct_ids", ["x"] * 201, "distinct_ids"),
        ("distinct_ids", "u1", "distinct_ids"),
        ("distinct_ids", {"a": 1}, "distinct_ids"),
        ("distinct_ids", ["x", 5], "distinct_ids.1"),
        ("distinct_ids", ["x", None], "distinct_ids.1"),
        ("uuids", [str(uuid.UUID(int=0))] * 201, "uuids"),
        ("uuids", 5, "uuids"),
        ("uuids", [str(uuid.UUID(int=0)), "u1"], "uuids.1"),
        ("uuids", [5], "uuids.0"),
        ("uuids", [None], "uuids.0"),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_mistake_is_named(api: Api, path: str, name: str, value: Any, attr: str) -> None:
    answer = api.post(f"{path}/batch_by_{name}/", {name: value})
    assert error_of(answer) == (400, "invalid_input", attr)
    if attr.startswith("uuids."):
        assert answer.json()["detail"] == "One or more UUIDs are invalid."
    if isinstance(value, list) and len(value) > 200:
        assert answer.json()["detail"] == "There may be at most 200 at once."


@pytest.mark.parametrize("name", ["distinct_ids", "uuids"])
def test_the_list_is_required_and_reading_is_enough(api: Api, project: Project, path: str, name: str) -> None:
    address = f"{path}/batch_by_{name}/"
    assert error_of(api.post(address, {})) == (400, "required", name)
    assert error_of(api.get(address)) == (405, "method_not_allowed", None)
    assert api_with(api, ["person:read"]).post(address, {name: []}).json() == {"results": {}}
    answer = api_with(api, ["cohort:read"]).post(address, {name: []})
    assert error_of(answer) == (403, "permission_denied", None)
