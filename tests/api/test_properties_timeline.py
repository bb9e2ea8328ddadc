"""`persons/:id/properties_timeline/`: what a person's properties were when it did something."""

from typing import Any

import pytest

from persons.models import Person, Project
from tests.api.helpers import Capture, change, event
from tests.api_client import Api, error_of

PLAN = {"key": "plan", "type": "person", "value": "pro"}
AT_NINE = {"key": "price", "value": 9}
HAS_CITY = {"key": "city", "operator": "is_set", "type": "person"}
VIEWS = [{"id": "view"}]
MARCH = {"date_from": "2024-03-01", "date_to": "2024-03-31"}


def timeline(api: Api, project: Project, **query: Any) -> Any:
    person = Person.objects.get(project=project)
    return api.get(f"/api/projects/{project.pk}/persons/{person.uuid}/properties_timeline/", MARCH | query)


@pytest.fixture
def story(capture: Capture) -> None:
    capture(
        change("2024-02-01T00:00:00Z", "user", set={"plan": "free"}),
        event("view", "anon", "2024-03-01T00:00:00Z", properties={"price": 1}),
        event("view", "user", "2024-03-02T00:00:00Z", properties={"price": 9, "$set": {"city": "Berlin"}}),
        event("paid", "user", "2024-03-03T00:00:00Z", properties={"$set": {"plan": "pro"}}),
        event("view", "user", "2024-03-04T00:00:00Z", properties={"price": 9}),
        event("$identify", "user", "2024-03-05T00:00:00Z", properties={"$anon_distinct_id": "anon"}),
        event("view", "anon", "2024-03-06T00:00:00Z", properties={"$unset": ["plan"]}),
        event("view", "anon", "2024-03-07T00:00:00Z", properties={"$process_person_profile": False}),
        event("view", "anon", "2024-04-01T00:00:00Z", properties={"$set": {"plan": "late"}}),
    )


@pytest.mark.parametrize(
    ("query", "keys", "points"),
    [
        # Each point: its day, plan and city at it, and how many events until the next.
        ({}, [], [(1, "free", None, 7)]),
        (
            {"properties": [PLAN]},
            ["plan"],
            [(1, "free", None, 2), (3, "pro", "Berlin", 3), (6, None, "Berlin", 2)],
        ),
        (
            {"properties": [PLAN], "events": VIEWS},
            ["plan"],
            [(1, "free", None, 2), (4, "pro", "Berlin", 1), (6, None, "Berlin", 2)],
        ),
        (
            {"events": [{"id": "view", "properties": [HAS_CITY]}]},
            ["city"],
            [(1, "free", None, 1), (2, "free", "Berlin", 4)],
        ),
        (
            {"properties": [{**PLAN, "negation": True}, AT_NINE]},
            ["plan"],
            [(2, "free", "Berlin", 1), (4, "pro", "Berlin", 1)],
        ),
        # With an event filter beside it in an OR, events count whatever the person was.
        (
            {"properties": {"type": "OR", "values": [PLAN, AT_NINE]}, "events": VIEWS},
            ["plan"],
            [(1, "free", None, 2), (4, "pro", "Berlin", 1), (6, None, "Berlin", 2)],
        ),
        (
            {"breakdown": "city", "breakdown_type": "person"},
            ["city"],
            [(1, "free", None, 1), (2, "free", "Berlin", 6)],
        ),
        ({"breakdown": "city"}, [], [(1, "free", None, 7)]),
        (
            {"date_from": "2024-03-03", "date_to": "2024-03-04", "properties": [PLAN]},
            ["plan"],
            [(3, "pro", "Berlin", 2)],
        ),
        ({"events": [{"id": "nothing"}], "properties": [PLAN]}, ["plan"], []),
    ],
)
@pytest.mark.usefixtures("story")
def test_a_point_for_each_event_that_finds_something_changed(
    api: Api,
    project: Project,
    query: dict[str, Any],
    keys: list[str],
    points: list[tuple[int, str | None, str | None, int]],
) -> None:
    answer = timeline(api, project, **query)
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert found["crucial_property_keys"] == keys
    assert [
        (
            int(point["timestamp"][8:10]),
            point["properties"].get("plan"),
            point["properties"].get("city"),
            point["relevant_event_count"],
        )
        for point in found["points"]
    ] == points


@pytest.mark.usefixtures("story")
def test_test_accounts_are_looked_at_too(api: Api, project: Project) -> None:
    project.test_account_filters = [
        {"key": "email", "operator": "not_icontains", "value": "@example.com", "type": "person"}
    ]
    project.save()
    found = timeline(api, project, filter_test_accounts="true", properties=[PLAN]).json()
    assert found["crucial_property_keys"] == ["email", "plan"]
    assert len(found["points"]) == 3


@pytest.mark.usefixtures("story")
def test_mistakes_are_named(api: Api, project: Project) -> None:
    mistakes: list[tuple[dict[str, Any], tuple[int, str, str]]] = [
        ({"date_from": "x"}, (400, "invalid_input", "date_from")),
        ({"properties": [{"key": "a", "operator": "b"}]}, (400, "invalid_input", "properties.0.operator")),
        ({"data_warehouse": [{"id": "x"}]}, (400, "not_supported", "data_warehouse")),
    ]
    for query, error in mistakes:
        assert error_of(timeline(api, project, **query)) == error
