"""`POST persons/properties_at_time/`: what many persons were like."""

from typing import Any
from uuid import uuid4

import pytest

from persons.models import Person, Project
from tests.api.helpers import Capture, change, event
from tests.api.past import address
from tests.api_client import Api, error_of

AT = "2024-03-02T00:00:00Z"


def ask(api: Api, project: Project, **body: Any) -> dict[str, Any]:
    answer = api.post(address(project), body)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def properties_of(found: dict[str, Any]) -> dict[str, Any]:
    return {name: each["properties"] for name, each in found["results"].items()}


@pytest.fixture
def uuids(project: Project, capture: Capture) -> dict[str, str]:
    """Of a and b, who has two ids."""
    capture(
        change("2024-03-01T00:00:00Z", "a", set={"n": 1}, set_once={"once": 1}),
        change("2024-03-03T00:00:00Z", "a", set={"n": 2}),
        change("2024-03-01T00:00:00Z", "b", set={"n": 10}),
        event("$create_alias", "b", "2024-03-01T12:00:00Z", properties={"alias": "b2"}),
        change("2024-03-03T00:00:00Z", "b2", set={"n": 20}),
    )
    return {
        str(name): str(uuid)
        for name, uuid in Person.objects.filter(project=project).values_list("mappings__distinct_id", "uuid")
    }


def test_many_persons_at_one_moment(api: Api, project: Project, uuids: dict[str, str]) -> None:
    found = ask(api, project, distinct_ids=["b2", "nobody", "a", "b", "a"], timestamp=AT)
    assert properties_of(found) == {"b2": {"n": 10}, "a": {"n": 1}, "b": {"n": 10}}
    assert found["not_found"] == ["nobody"]
    unknown = str(uuid4())
    found = ask(api, project, uuids=[uuids["a"], unknown, uuids["b"]], timestamp=AT, include_set_once=True)
    assert properties_of(found) == {uuids["a"]: {"n": 1, "once": 1}, uuids["b"]: {"n": 10}}
    assert found["not_found"] == [unknown]


def test_each_person_at_a_moment_of_its_own(api: Api, project: Project, uuids: dict[str, str]) -> None:
    pairs = [
        {"distinct_id": "a", "timestamp": "2024-03-03T00:00:00Z"},
        {"uuid": uuids["a"], "timestamp": "2024-03-02T23:59:59.999999Z"},
        {"distinct_id": "b", "timestamp": "2024-02-01"},
        {"distinct_id": "b2", "timestamp": "2024-03-04T00:00:00"},
        {"distinct_id": "nobody", "timestamp": AT},
    ]
    found = ask(api, project, pairs=pairs)
    assert properties_of(found) == {"a": {"n": 2}, uuids["a"]: {"n": 1}, "b": {}, "b2": {"n": 20}}
    assert found["not_found"] == ["nobody"]


@pytest.mark.usefixtures("uuids")
def test_each_answer_is_what_get_says(api: Api, project: Project) -> None:
    query = {"distinct_id": "b2", "timestamp": "2024-03-04T00:00:00Z", "include_set_once": "true"}
    one = api.get(address(project), query).json()
    body = {"distinct_ids": ["b2"], "timestamp": "2024-03-04T00:00:00Z", "include_set_once": True}
    assert ask(api, project, **body)["results"] == {"b2": one}


def test_nobody_known_is_no_mistake(api: Api, project: Project) -> None:
    assert ask(api, project, distinct_ids=["x"], timestamp=AT) == {"results": {}, "not_found": ["x"]}


MANY = [str(number) for number in range(1_001)]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, (400, "required", "distinct_ids")),
        ({"distinct_ids": ["a"]}, (400, "required", "timestamp")),
        ({"distinct_ids": ["a"], "timestamp": "soon"}, (400, "invalid_input", "timestamp")),
        ({"distinct_ids": ["a"], "timestamp": 7}, (400, "invalid_input", "timestamp")),
        ({"distinct_ids": ["a"], "uuids": [str(uuid4())], "timestamp": AT}, (400, "invalid_input", "uuids")),
        ({"distinct_ids": [], "timestamp": AT}, (400, "invalid_input", "distinct_ids")),
        ({"distinct_ids": "a", "timestamp": AT}, (400, "invalid_input", "distinct_ids")),
        ({"distinct_ids": ["a", 7], "timestamp": AT}, (400, "invalid_input", "distinct_ids.1")),
        ({"distinct_ids": MANY, "timestamp": AT}, (400, "invalid_input", "distinct_ids")),
        ({"uuids": ["a"], "timestamp": AT}, (400, "invalid_input", "uuids.0")),
        ({"pairs": []}, (400, "invalid_input", "pairs")),
        ({"pairs": [{"distinct_id": "a"}]}, (400, "required", "pairs.0.timestamp")),
        ({"pairs": [{"timestamp": AT}]}, (400, "invalid_input", "pairs.0")),
        ({"pairs": [{"distinct_id": "a", "timestamp": "x"}]}, (400, "invalid_input", "pairs.0.timestamp")),
        ({"pairs": [{"distinct_id": "a", "timestamp": AT}] * 2}, (400, "invalid_input", "pairs.1")),
        ({"pairs": [{"uuid": str(uuid4())}], "timestamp": AT}, (400, "invalid_input", "timestamp")),
        ({"distinct_ids": ["a"], "timestamp": AT, "format": "csv"}, (400, "not_supported", "format")),
    ],
)  # fmt: skip
def test_a_mistake_is_named(
    api: Api, project: Project, body: dict[str, Any], error: tuple[int, str, str | None]
) -> None:
    answer = api.post(address(project), body)
    assert error_of(answer) == error
    assert answer.json()["error"] == answer.json()["detail"]
