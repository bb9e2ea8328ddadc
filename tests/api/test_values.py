"""`persons/values/`: which values a person property has, and how many persons have each."""

from typing import Any
from urllib.parse import urlencode

import pytest

from persons.installation import owner
from persons.models import Project
from tests.api.helpers import Capture, api_with, event, pages, project_of
from tests.api_client import Api, error_of


@pytest.fixture
def path(project: Project) -> str:
    return f"/api/projects/{project.pk}/persons/values/"


def people(capture: Capture, *documents: dict[str, Any], prefix: str = "u") -> None:
    """Persons with these properties: u0, u1, ..."""
    capture(
        *(
            event("open", f"{prefix}{number}", "2024-03-01T10:00:00Z", properties={"$set": document})
            for number, document in enumerate(documents)
        )
    )


def found(answer: Any) -> list[tuple[str, int]]:
    assert answer.status_code == 200, answer.content
    return [(each["name"], each["count"]) for each in answer.json()["results"]]


def test_the_values_that_most_persons_have_come_first_and_of_equals_by_name(
    api: Api, capture: Capture, path: str
) -> None:
    people(capture, *({"plan": plan} for plan in ("pro", "free", "pro", "Z", "basic", "é")), {"x": "pro"})
    answer = api.get(path, {"key": "plan"})
    assert answer.json() == {
        "results": [
            {"name": "pro", "count": 2},
            {"name": "Z", "count": 1},
            {"name": "basic", "count": 1},
            {"name": "free", "count": 1},
            {"name": "é", "count": 1},
        ],
        "next": None,
        "refreshing": False,
    }
    assert answer.headers["Cache-Control"] == "max-age=10"


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (["5", 5, 5.0], [("5", 3)]),
        ([True, "true", False], [("true", 2), ("false", 1)]),
        ([5.5, 0.1, 1e21, -3], [("-3", 1), ("0.1", 1), ("1e21", 1), ("5.5", 1)]),
        ([None, "", "null"], [("null", 1)]),
        ([{"b": 1, "a": {"d": [1], "c": None}}, {"a": {"c": None, "d": [1]}, "b": 1}, {}],
         [('{"a":{"c":null,"d":[1]},"b":1}', 2), ("{}", 1)]),
        ([["a", "b", "a"], ["b"], [], "a"], [("a", 2), ("b", 2)]),
        ([["5", 5, None, "", ["x"], {"b": 1, "a": 2}, True, "[1]"]],
         [("5", 1), ("[1]", 1), ('["x"]', 1), ("true", 1), ('{"a":2,"b":1}', 1)]),
        (["", None, []], []),
    ],
)  # fmt: skip
def test_values_go_by_their_names(
    api: Api, capture: Capture, path: str, values: list[Any], names: list[tuple[str, int]]
) -> None:
    people(capture, *({"k": value} for value in values))
    assert sorted(found(api.get(path, {"key": "k"}))) == sorted(names)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("PRO", ["Pro 100%", "pro_x", "é pro"]),
        ("É", ["é pro"]),
        ("0%", ["Pro 100%"]),
        ("_", ["pro_x"]),
        ("%", ["Pro 100%"]),
        ("\\", ["back\\slash"]),
        ("1", ["12", "Pro 100%"]),
        (" ", ["Pro 100%", "é pro"]),
        ("nowhere", []),
    ],
)
def test_value_is_a_part_of_the_name_in_upper_or_lower_case(
    api: Api, capture: Capture, path: str, value: str, names: list[str]
) -> None:
    people(capture, *({"k": each} for each in ("Pro 100%", "pro_x", ["é pro", "x"], "back\\slash", 12)))
    for answer in (
        api.client.get(f"{path}?{urlencode({'key': 'k', 'value': value})}", headers=api._headers({})),
        api.post(path, {"key": "k", "value": value}),
    ):
        assert [name for name, _ in found(answer)] == names


def test_only_what_persons_have_now_counts(api: Api, capture: Capture, project: Project, path: str) -> None:
    people(capture, {"plan": "old"}, {"plan": "gone"}, {"plan": "kept"}, {"plan": "lost"})
    at = "2024-03-02T10:00:00Z"
    capture(
        event("open", "u0", at, properties={"$set": {"plan": "new"}}),
        event("open", "u1", at, properties={"$unset": ["plan"]}),
        event("$merge_dangerously", "u2", at, properties={"alias": "u3"}),
        event("open", "nobody", at, properties={"$process_person_profile": False, "$set": {"plan": "x"}}),
    )
    assert found(api.get(path, {"key": "plan"})) == [("kept", 1), ("new", 1)]
    ids = [(name, 1) for name in ("u0", "u1", "u2", "u3")]
    assert found(api.get(path, {"key": "distinct_id"})) == ids
    assert found(api.get(path, {"key": "distinct_id", "value": "U3"})) == ids[3:]


@pytest.mark.parametrize("of", ["plan", "distinct_id"])
def test_following_next_gives_each_value_once(api: Api, capture: Capture, path: str, of: str) -> None:
    people(capture, *({"plan": f"p{number % 25}"} for number in range(45)))
    ask = f"{path}?key={of}"
    (first, *_) = every = list(pages(api.get, ask))
    assert len(first["results"]) == 20
    names = [each["name"] for page in every for each in page["results"]]
    assert len(names) == len(set(names)) == (25 if of == "plan" else 45)
    assert names == [each["name"] for each in api.get(f"{ask}&limit=1000").json()["results"]]
    exactly = api.get(f"{ask}&limit={len(names)}").json()
    assert (len(exactly["results"]), exactly["next"]) == (len(names), None)


@pytest.mark.parametrize("query", ["", "key=", "key=%24virt_revenue", "key=nobody+has+it", "value=pro"])
def test_without_a_key_or_for_what_posthog_computes_there_are_no_values(
    api: Api, capture: Capture, path: str, query: str
) -> None:
    people(capture, {"$virt_revenue": "pro", "plan": "pro"})
    answer = api.get(f"{path}?{query}")
    assert (answer.status_code, answer.json()) == (200, {"results": [], "next": None, "refreshing": False})


@pytest.mark.parametrize("name", ["a.b", "a", 'qu"ote`', "{x:String}", "é 😀", "%", "$browser"])
def test_a_key_may_be_any_text(api: Api, capture: Capture, path: str, name: str) -> None:
    people(capture, {name: "this"}, {"a": {"b": "that"}})
    assert ("this", 1) in found(api.post(path, {"key": name}))


@pytest.mark.parametrize(
    ("asked", "code", "attr"),
    [
        ({"limit": 0}, "invalid_input", "limit"),
        ({"limit": 1001}, "invalid_input", "limit"),
        ({"limit": "many"}, "invalid_input", "limit"),
        ({"offset": -1}, "invalid_input", "offset"),
        ({"key": 5}, "invalid_input", "key"),
        ({"key": ["plan"]}, "invalid_input", "key"),
        ({"key": "x" * 10_001}, "invalid_input", "key"),
        ({"value": {"a": 1}}, "invalid_input", "value"),
        ({"value": "a\0"}, "invalid_input", "value"),
        ({"format": "csv"}, "not_supported", "format"),
    ],
)
@pytest.mark.usefixtures("project")
def test_a_mistake_is_named(api: Api, path: str, asked: dict[str, Any], code: str, attr: str) -> None:
    assert error_of(api.post(path, {"key": "plan", **asked})) == (400, code, attr)


def test_refresh_is_accepted_and_what_nobody_knows_reported(api: Api, project: Project, path: str) -> None:
    answer = api.get(f"{path}?key=plan&refresh=true&type=person")
    assert (answer.status_code, answer.headers["X-Ignored-Parameters"]) == (200, "type")


def test_reading_is_enough_and_no_other_project_is_seen(
    api: Api, capture: Capture, project: Project, path: str
) -> None:
    people(capture, {"plan": "pro"})
    other = project_of(owner())
    reader = api_with(api, ["person:read"])
    for asked in (reader.get(path, {"key": "plan"}), reader.post(path, {"key": "plan"})):
        assert found(asked) == [("pro", 1)]
    assert found(reader.get(path.replace(f"/{project.pk}/", f"/{other.pk}/"), {"key": "plan"})) == []
    answer = api_with(api, ["cohort:read"]).get(path, {"key": "plan"})
    assert error_of(answer) == (403, "permission_denied", None)
    assert "person:read" in answer.json()["detail"]
