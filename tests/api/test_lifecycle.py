"""`GET|POST persons/lifecycle/`: who was new, returning, resurrecting or dormant in a period."""

import csv
from typing import Any

import pytest

from persons.api.parameters.door import HARMLESS
from persons.api.parameters.lifecycle import LifecycleParameters
from persons.models import Action, Person, Project
from tests.api.helpers import Capture, actors_of, api_with, event, names_of, pages
from tests.api_client import Api, error_of

WEEK = {"date_from": "2021-07-05", "date_to": "2021-07-11"}
# Complete, so that a parameter that is overlooked shows as a 200.
WHOLE: dict[str, Any] = {
    "events": [{"id": "E"}], **WEEK, "target_date": "2021-07-06", "lifecycle_type": "dormant"
}  # fmt: skip


@pytest.fixture
def path(project: Project) -> str:
    return f"/api/projects/{project.pk}/persons/lifecycle/"


@pytest.fixture
def story(capture: Capture) -> None:
    """The worked examples of the specification: when persons were created, and when they did E."""
    told = {"p1": (6, [6, 7, 9]), "p2": (1, [4, 5]), "p3": (1, [2, 5]), "p4": (5, [6])}
    capture(
        *(event("$set", who, f"2021-07-0{created}T10:00:00Z") for who, (created, _) in told.items()),
        *(
            event("E", who, f"2021-07-0{day}T12:00:00Z", properties={"n": day})
            for who, (_, days) in told.items()
            for day in days
        ),
    )


@pytest.mark.parametrize(
    ("kind", "people_of_day"),
    [
        ("new", {6: {"p1"}}),
        ("returning", {5: {"p2"}, 7: {"p1"}}),
        ("resurrecting", {5: {"p3"}, 6: {"p4"}, 9: {"p1"}}),
        ("dormant", {6: {"p2", "p3"}, 7: {"p4"}, 8: {"p1"}, 10: {"p1"}}),
    ],
)
@pytest.mark.usefixtures("story")
def test_everybody_is_what_the_specification_says(
    api: Api, path: str, kind: str, people_of_day: dict[int, set[str]]
) -> None:
    for day in range(5, 12):
        asked = {**WHOLE, "target_date": f"2021-07-{day:02}", "lifecycle_type": kind}
        assert (day, names_of(api.get(path, asked))) == (day, people_of_day.get(day, set()))
        assert names_of(api.post(path, asked)) == people_of_day.get(day, set())


@pytest.mark.usefixtures("story")
def test_the_answer_has_the_envelope_of_every_question(api: Api, path: str, project: Project) -> None:
    found = api.post(path, {**WHOLE, "include_total": True}).json()
    assert set(found) == {
        "results", "next", "initial", "missing_persons", "is_cached", "last_refresh", "resolved_date_range",
        "total_count",
    }  # fmt: skip
    assert found["total_count"] == found["results"][0]["count"] == 2
    assert found["resolved_date_range"] == {
        "date_from": "2021-07-05T00:00:00Z",
        "date_to": "2021-07-11T23:59:59.999999Z",
        "timezone": "UTC",
    }
    uuids = {str(each.uuid) for each in Person.objects.filter(project=project)}
    assert {each["id"] for each in actors_of(found)} < uuids


@pytest.mark.usefixtures("story")
def test_the_target_alone_is_enough_and_is_its_own_range(api: Api, path: str) -> None:
    asked = {"events": [{"id": "E"}], "target_date": "2021-07-09", "lifecycle_type": "resurrecting"}
    answer = api.post(path, asked)
    assert names_of(answer) == {"p1"}
    assert answer.json()["resolved_date_range"]["date_from"] == "2021-07-09T00:00:00Z"
    assert answer.json()["resolved_date_range"]["date_to"] == "2021-07-09T23:59:59.999999Z"


@pytest.mark.usefixtures("story")
def test_following_next_gives_each_person_once_ordered_by_uuid(api: Api, path: str) -> None:
    found = list(pages(lambda url: api.post(url, {**WHOLE, "limit": 1}), path))
    people = [each for page in found for each in actors_of(page)]
    assert [page["results"][0]["count"] for page in found] == [1, 1]
    assert {each["name"] for each in people} == {"p2", "p3"}
    assert [each["uuid"] for each in people] == sorted(each["uuid"] for each in people)


@pytest.mark.parametrize(
    ("narrowed", "people"),
    [
        ({"search": "p3"}, {"p3"}),
        ({"properties": [{"key": "n", "operator": "lt", "value": 5}]}, set()),
        ({"target_date": "2021-07-05", "properties": [{"key": "n", "operator": "lt", "value": 5}]}, {"p2"}),
        ({"properties": [{"type": "event_metadata", "key": "distinct_id", "value": "p2"}]}, {"p2"}),
        ({"filter_test_accounts": True}, {"p2"}),
        ({"events": [{"id": "E", "properties": [{"key": "n", "value": 5}]}]}, {"p2", "p3"}),
        ({"events": [{"id": "E", "properties": [{"key": "n", "value": 6}]}]}, set()),
        ({"events": [{"id": None}], "target_date": "2021-07-02"}, {"p2"}),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("story")
def test_filters_narrow_what_counts_and_search_whom_it_is_about(
    api: Api, path: str, narrowed: dict[str, Any], people: set[str]
) -> None:
    Project.objects.update(
        test_account_filters=[
            {"type": "event_metadata", "key": "distinct_id", "value": "p3", "operator": "is_not"}
        ]
    )
    dates = {"date_from": "2021-07-01"} if narrowed.get("target_date", "") < "2021-07-05" else {}
    assert names_of(api.post(path, {**WHOLE, **dates, **narrowed})) == people


@pytest.mark.usefixtures("story")
def test_an_action_can_stand_for_the_event(api: Api, path: str, project: Project) -> None:
    action = Action.objects.create(project=project, name="did it", steps=[{"event": "E"}, {"event": "F"}])
    asked = {**WHOLE, "events": [], "actions": [{"id": action.pk}]}
    assert names_of(api.post(path, asked)) == {"p2", "p3"}
    assert error_of(api.post(path, {**asked, "actions": [{"id": 0}]})) == (
        400,
        "invalid_input",
        "actions.0.id",
    )


def test_merged_persons_are_one_created_when_the_earlier_was(api: Api, capture: Capture, path: str) -> None:
    capture(
        event("E", "phone", "2021-07-05T10:00:00Z"),
        event("E", "laptop", "2021-07-06T10:00:00Z"),
        event("E", "other", "2021-07-06T10:00:00Z"),
    )
    day_6 = {**WHOLE, "target_date": "2021-07-06"}
    assert names_of(api.post(path, {**day_6, "lifecycle_type": "new"})) == {"laptop", "other"}
    capture(event("$identify", "laptop", "2021-07-20T10:00:00Z", properties={"$anon_distinct_id": "phone"}))
    assert names_of(api.post(path, {**day_6, "lifecycle_type": "new"})) == {"other"}
    assert len(actors_of(api.post(path, {**day_6, "lifecycle_type": "returning"}).json())) == 1
    assert names_of(api.post(path, {**day_6, "lifecycle_type": "dormant"})) == set()


def test_events_without_a_profile_do_not_count(api: Api, capture: Capture, path: str) -> None:
    flag = {"$process_person_profile": False}
    capture(
        event("E", "p", "2021-07-05T10:00:00Z"),
        event("E", "p", "2021-07-06T10:00:00Z", properties=flag),
        event("E", "nobody", "2021-07-05T10:00:00Z", properties=flag),
    )
    assert names_of(api.post(path, WHOLE)) == {"p"}


def test_recordings_are_those_of_the_period_in_which_they_were_active(
    api: Api, capture: Capture, path: str
) -> None:
    def did_it(day: int, session: str, **properties: Any) -> dict[str, Any]:
        return event("E", "p", f"2021-07-0{day}T10:00:00Z", properties={"$session_id": session, **properties})

    capture(did_it(6, "s6"), did_it(7, "s7"), did_it(7, "s", **{"$process_person_profile": False}))
    for day, kind in ((7, "returning"), (8, "dormant")):
        asked = {**WHOLE, "target_date": f"2021-07-0{day}", "lifecycle_type": kind}
        for sent, sessions in (({}, []), ({"include_recordings": True}, ["s7"])):
            (actor,) = actors_of(api.post(path, {**asked, **sent}).json())
            assert [each["session_id"] for each in actor["matched_recordings"]] == sessions


@pytest.mark.usefixtures("story")
def test_csv_has_everybody(api: Api, path: str) -> None:
    answer = api.get(f"{path[:-1]}.csv", WHOLE)
    rows = list(csv.DictReader(answer.getvalue().decode().splitlines()))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="lifecycle.csv"'
    assert {row["name"] for row in rows} == {"p2", "p3"}


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("target_date", "Must include specified date"),
        ("lifecycle_type", "Must include lifecycle type"),
    ],
)
def test_what_is_missing_is_named_in_posthogs_words_too(api: Api, path: str, name: str, detail: str) -> None:
    without = {each: value for each, value in WHOLE.items() if each != name}
    for answer in (api.get(path, without), api.post(path, without), api.get(path, {**WHOLE, name: ""})):
        assert answer.status_code == 400
        assert answer.json() == {
            "type": "validation_error",
            "code": "required",
            "detail": detail,
            "attr": name,
            "message": "Missing parameter",
        }


WRONG = {"key": "a", "value": 1, "operator": "equals"}
INVALID: list[tuple[dict[str, Any], str, str]] = [
    ({"lifecycle_type": "dead"}, "lifecycle_type", "'new', 'returning', 'resurrecting' or 'dormant'"),
    ({"lifecycle_type": 5}, "lifecycle_type", "'new'"),
    ({"target_date": "yesterday"}, "target_date", "-7d"),
    ({"target_date": "2021-02-30"}, "target_date", "ISO 8601"),
    ({"target_date": "9999-12-31"}, "target_date", "2299"),
    ({"target_date": 5}, "target_date", "string"),
    ({"target_date": "2021-07-04"}, "target_date", "from 2021-07-05T00:00:00+00:00"),
    ({"target_date": "2021-07-13"}, "target_date", "before 2021-07-12T00:00:00+00:00"),
    ({"target_date": "2021-07-12", "lifecycle_type": "new"}, "target_date", "dormant"),
    ({"date_from": "2021-07-12"}, "date_from", "date_to"),
    ({"date_from": "soon"}, "date_from", "ISO 8601"),
    ({"date_to": "all"}, "date_to", "ISO 8601"),
    ({"interval": "year"}, "interval", "'hour', 'day', 'week' or 'month'"),
    ({"events": []}, "events", "exactly one event or action"),
    ({"events": [{"id": "E"}, {"id": "F"}]}, "events", "exactly one event or action"),
    ({"actions": [{"id": 1}]}, "events", "exactly one event or action"),
    ({"events": [{"id": 5}]}, "events.0.id", "string"),
    ({"events": [{"id": "E", "properties": [WRONG]}]}, "events.0.properties.0.operator", ""),
    ({"properties": [WRONG]}, "properties.0.operator", ""),
    ({"include_recordings": "maybe"}, "include_recordings", "true or false"),
    ({"include_total": 2}, "include_total", "true or false"),
    ({"limit": 0}, "limit", "1"),
    ({"offset": -1}, "offset", "0"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "attr", "told"), INVALID)
def test_what_makes_no_sense_is_refused_by_name(
    api: Api, path: str, wrong: dict[str, Any], attr: str, told: str
) -> None:
    answer = api.post(path, {**WHOLE, **wrong})
    assert error_of(answer) == (400, "invalid_input", attr)
    assert told in answer.json()["detail"]


UNSUPPORTED: dict[str, Any] = {
    "data_warehouse": [{"id": "t"}],
    "aggregation_group_type_index": 0,
    "sampling_factor": 0.1,
}


def test_what_is_not_built_is_refused_by_name(api: Api, path: str) -> None:
    assert {parameter.name for parameter in LifecycleParameters.unsupported} == set(UNSUPPORTED)
    for name, value in UNSUPPORTED.items():
        assert error_of(api.post(path, {**WHOLE, name: value})) == (400, "not_supported", name)
    first = {**WHOLE, "events": [{"id": "E", "math": "first_time_for_user"}]}
    assert error_of(api.post(path, first)) == (400, "not_supported", "events.0.math")


@pytest.mark.usefixtures("story")
def test_what_cannot_change_the_people_is_accepted_and_the_rest_reported(api: Api, path: str) -> None:
    neutral = dict.fromkeys((HARMLESS | LifecycleParameters.harmless) - {"personal_api_key"}, "anything")
    answer = api.post(path, {**WHOLE, **neutral, "breakdown": "x", "lifecycletype": "new"})
    assert names_of(answer) == {"p2", "p3"}
    assert answer.headers["X-Ignored-Parameters"] == "breakdown, lifecycletype"


def test_reading_is_enough_for_a_key(api: Api, path: str) -> None:
    assert api_with(api, ["person:read"]).post(path, WHOLE).status_code == 200
    assert api_with(api, ["cohort:write"]).post(path, WHOLE).status_code == 403
