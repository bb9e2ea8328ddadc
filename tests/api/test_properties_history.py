"""`persons/:id/properties_history/` and `persons/properties_diff/`: what became of properties."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest

from persons.models import Person, Project
from tests.api.helpers import Capture, change, event, local, project_of
from tests.api_client import Api, error_of


def address(project: Project, person_id: Any = None) -> str:
    person_id = person_id or Person.objects.get(project=project).pk
    return f"/api/projects/{project.pk}/persons/{person_id}/properties_history/"


def rows(answer: Any, *names: str) -> list[tuple[Any, ...]]:
    assert answer.status_code == 200, answer.content
    return [tuple(row[name] for name in names) for row in answer.json()["results"]]


BRIEF = ("operation", "key", "before", "after")


@pytest.fixture
def story(capture: Capture) -> None:
    capture(
        change("2024-03-01T00:00:00Z", set={"plan": "free", "n": 1}),
        change("2024-03-02T00:00:00.000001Z", set={"plan": "pro", "n": 1.0}, set_once={"first": 1, "n": 5}),
        change("2024-03-03T00:00:00Z", name="e", set={"x": 1}, set_once={"first": 2}, unset=["n", "x"]),
    )


STORY = [
    ("set", "n", None, 1),
    ("set", "plan", None, "free"),
    ("set_once", "first", None, 1),
    ("set", "plan", "free", "pro"),
    ("unset", "n", 1, None),
]


@pytest.mark.usefixtures("story")
def test_each_change_is_listed_and_nothing_that_changed_nothing(api: Api, project: Project) -> None:
    assert rows(api.get(address(project), {"order": "oldest"}), *BRIEF) == STORY
    assert rows(api.get(address(project)), *BRIEF) == STORY[::-1]


def test_a_change_says_when_and_by_which_event(api: Api, project: Project, capture: Capture) -> None:
    uuid = str(uuid4())
    sent = event("bought", "u", "2024-03-02T00:00:00.000001Z", uuid=uuid, properties={"$set": {"n": None}})
    capture(sent)
    stored = Person.objects.get(project=project)
    for person_id in (stored.pk, stored.uuid):
        answer = api.get(address(project, person_id)).json()
        assert answer == {
            "results": [
                {
                    "timestamp": "2024-03-02T00:00:00.000001Z",
                    "operation": "set",
                    "key": "n",
                    "before": None,
                    "after": None,
                    "event": "bought",
                    "event_uuid": uuid,
                    "distinct_id": "u",
                }
            ],
            "next": None,
        }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"key": "plan"}, [1, 3]),
        ({"key": "nothing"}, []),
        ({"from": "2024-03-02"}, [2, 3, 4]),
        ({"to": "2024-03-02"}, [0, 1, 2, 3]),
        ({"to": "2024-03-02T00:00:00Z"}, [0, 1]),
        ({"from": "2024-03-02T00:00:00.000001Z", "to": "2024-03-02T00:00:00.000001Z"}, [2, 3]),
        ({"from": "2024-03-02T00:00:00.000002Z", "key": "plan"}, []),
        ({"from": "2024-04-01", "to": "2024-03-01"}, []),
    ],
)
@pytest.mark.usefixtures("story")
def test_changes_of_a_time_and_of_a_key(
    api: Api, project: Project, query: dict[str, str], expected: Sequence[int]
) -> None:
    answer = api.get(address(project), {"order": "oldest", **query})
    assert rows(answer, *BRIEF) == [STORY[place] for place in expected]


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.usefixtures("story")
def test_pages_have_each_change_once(api: Api, project: Project, order: str, limit: int) -> None:
    found, following = [], f"{address(project)}?order={order}&limit={limit}"
    for _ in range(6):
        if not following:
            break
        answer = api.get(following)
        page = rows(answer, *BRIEF)
        assert 0 < len(page) <= limit
        found += page
        following = answer.json()["next"] and local(answer.json()["next"])
    assert found == (STORY if order == "oldest" else STORY[::-1])


def test_a_merge_is_a_change_of_its_own(api: Api, project: Project, capture: Capture) -> None:
    uuid = str(uuid4())
    capture(
        change("2024-03-01T00:00:00Z", "user", set={"plan": "pro"}),
        change("2024-03-02T00:00:00Z", "anon", set={"plan": "free", "city": "Berlin"}),
        event(
            "$identify",
            "user",
            "2024-03-03T00:00:00Z",
            uuid=uuid,
            properties={"$anon_distinct_id": "anon", "$set": {"plan": "team"}},
        ),
    )
    answer = api.get(address(project), {"order": "oldest"})
    assert rows(answer, "operation", "key", "before", "after", "distinct_id") == [
        ("set", "plan", None, "pro", "user"),
        ("set", "city", None, "Berlin", "anon"),
        ("set", "plan", "pro", "free", "anon"),
        ("merge", "plan", "free", "pro", "user"),
        ("set", "plan", "pro", "team", "user"),
    ]
    assert rows(answer, "event", "event_uuid")[3:] == [("$identify", uuid)] * 2
    pages = api.get(address(project), {"limit": "1"}).json()
    assert pages["results"][0]["operation"] == "set"
    assert api.get(local(pages["next"])).json()["results"][0]["operation"] == "merge"


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"from": "yesterday"}, (400, "invalid_input", "from")),
        ({"to": "2024-02-30"}, (400, "invalid_input", "to")),
        ({"order": "random"}, (400, "invalid_input", "order")),
        ({"limit": "0"}, (400, "invalid_input", "limit")),
        ({"limit": "1001"}, (400, "invalid_input", "limit")),
        ({"cursor": "x"}, (400, "invalid_input", "cursor")),
        ({"cursor": "W10="}, (400, "invalid_input", "cursor")),
        ({"cursor": "é"}, (400, "invalid_input", "cursor")),
    ],
)
@pytest.mark.usefixtures("story")
def test_a_mistake_is_named(
    api: Api, project: Project, query: dict[str, str], error: tuple[int, str, str | None]
) -> None:
    assert error_of(api.get(address(project), query)) == error


@pytest.mark.usefixtures("story")
def test_persons_that_are_not_there_have_no_history(api: Api, project: Project) -> None:
    stored = Person.objects.get(project=project)
    other = project_of(project.members.get())
    for asked in (address(project, uuid4()), address(project, 10**9), address(other, stored.pk)):
        assert error_of(api.get(asked)) == (404, "not_found", None)
    assert error_of(api.get(address(project, "u"))) == (400, "invalid_input", "id")


def diff(api: Api, project: Project, **query: str) -> Any:
    return api.get(f"/api/projects/{project.pk}/persons/properties_diff/", {"distinct_id": "u", **query})


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2024-01-01", "2024-03-02", {"added": {"plan": "free", "n": 1}, "changed": {}, "removed": {}}),
        (
            "2024-03-01",
            "2024-04-01",
            {"added": {}, "changed": {"plan": {"before": "free", "after": "pro"}}, "removed": {"n": 1}},
        ),
        ("2024-03-01T00:00:00Z", "2024-03-02T00:00:00Z", {"added": {}, "changed": {}, "removed": {}}),
        ("2024-04-01", "2024-04-01", {"added": {}, "changed": {}, "removed": {}}),
    ],
)
@pytest.mark.usefixtures("story")
def test_the_difference_of_two_moments(
    api: Api, project: Project, start: str, end: str, expected: dict[str, Any]
) -> None:
    stored = Person.objects.get(project=project)
    answer = diff(api, project, **{"from": start, "to": end}).json()
    assert answer == {"id": stored.pk, "uuid": str(stored.uuid), **expected}


@pytest.mark.usefixtures("story")
def test_the_difference_knows_set_once_when_asked(api: Api, project: Project) -> None:
    answer = diff(api, project, **{"from": "2024-03-01", "to": "2024-03-03", "include_set_once": "true"})
    assert answer.json()["added"] == {"first": 1}


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"from": ""}, (400, "required", "from")),
        ({"to": ""}, (400, "required", "to")),
        ({"to": "2024-02-29"}, (400, "invalid_input", "to")),
        ({"to": "later"}, (400, "invalid_input", "to")),
        ({"distinct_id": ""}, (400, "required", "distinct_id")),
        ({"distinct_id": "nobody"}, (404, "not_found", None)),
        ({"person_id": "7"}, (400, "invalid_input", "person_id")),
    ],
)
@pytest.mark.usefixtures("story")
def test_a_mistake_in_a_difference_is_named(
    api: Api, project: Project, query: dict[str, str], error: tuple[int, str, str | None]
) -> None:
    asked = {"from": "2024-03-01", "to": "2024-03-02", **query}
    assert error_of(diff(api, project, **asked)) == error
