"""Projects: made, listed, changed, deleted, and nobody else's business."""

import json
from typing import Any

import pytest

from persons.installation import owner
from persons.models import Person, Project, ProjectErasure
from tests.api.helpers import Capture, api_with, event, pages, person, project_of, send_bytes, stranger
from tests.api_client import Api, error_of

FILTERS = [{"key": "email", "type": "person", "operator": "not_icontains", "value": ["@example.com", 1.5]}]
_OPERATOR = ("invalid_input", "test_account_filters.1.operator")
_VALUE = ("invalid_input", "test_account_filters.0.value")
INVALID = [
    ({"name": None}, "null", "name"),
    ({"name": ""}, "blank", "name"),
    ({"name": " "}, "blank", "name"),
    ({"name": True}, "invalid_input", "name"),
    ({"name": 5}, "invalid_input", "name"),
    ({"name": ["a"]}, "invalid_input", "name"),
    ({"name": "x" * 201}, "max_length", "name"),
    ({"name": "a\0b"}, "invalid_input", "name"),
    ({"timezone": "Berlin"}, "invalid_input", "timezone"),
    ({"timezone": "+02:00"}, "invalid_input", "timezone"),
    ({"timezone": ""}, "blank", "timezone"),
    ({"timezone": None}, "null", "timezone"),
    ({"week_start_day": 2}, "invalid_choice", "week_start_day"),
    ({"week_start_day": True}, "invalid_choice", "week_start_day"),
    ({"week_start_day": None}, "null", "week_start_day"),
    ({"week_start_day": [1]}, "invalid_choice", "week_start_day"),
    ({"test_account_filters": {}}, "not_a_list", "test_account_filters"),
    ({"test_account_filters": None}, "null", "test_account_filters"),
    ({"test_account_filters": [{}, 1]}, "not_a_dict", "test_account_filters.1"),
    ({"test_account_filters": [{}]}, "required", "test_account_filters.0.key"),
    ({"test_account_filters": [*FILTERS, {"key": "a", "operator": "like"}]}, *_OPERATOR),
    ({"test_account_filters": [{"key": "a", "operator": "regex", "value": "("}]}, *_VALUE),
    ({"test_account_filters": [{"type": "cohort", "value": 2**40}]}, *_VALUE),
    (
        {"test_account_filters": [{"key": "a", "type": "hogql"}]},
        "not_supported",
        "test_account_filters.0.type",
    ),
    ({"person_display_name_properties": "email"}, "not_a_list", "person_display_name_properties"),
    ({"person_display_name_properties": [5]}, "invalid_input", "person_display_name_properties.0"),
    ({"person_display_name_properties": ["a", ""]}, "blank", "person_display_name_properties.1"),
    ({"person_display_name_properties": ["x" * 401]}, "max_length", "person_display_name_properties.0"),
]


def test_a_name_is_enough_to_make_a_project(api: Api) -> None:
    answer = api.post("/api/projects/", {"name": " Shop "})
    made = answer.json()
    assert answer.status_code == 201
    assert made["api_token"].startswith("phc_")
    assert {name: made[name] for name in made if name not in ("id", "uuid", "api_token", "created_at")} == {
        "name": "Shop",
        "timezone": "UTC",
        "week_start_day": 0,
        "test_account_filters": [],
        "person_display_name_properties": ["email", "name", "username"],
        "distinct_id_reuse": "after_reset",
    }
    assert api.get(f"/api/projects/{made['id']}/").json() == made
    assert api.capture(Project.objects.get(pk=made["id"]), [event("e", "d", "2024-03-01")]).status_code == 200


def test_everything_about_a_project_can_be_chosen_but_its_identity(api: Api, project: Project) -> None:
    wanted = {
        "name": "Shop",
        "timezone": "Asia/Kathmandu",
        "week_start_day": 1,
        "test_account_filters": FILTERS,
        "person_display_name_properties": ["nick", "a.b"],
    }
    identity = {"id": project.pk, "uuid": str(project.uuid), "api_token": project.api_token}
    made = api.post("/api/projects/", {**wanted, **identity}).json()
    assert {name: made[name] for name in wanted} == wanted
    assert {name for name in identity if made[name] == identity[name]} == set()


def test_a_project_belongs_to_the_user_who_made_it(api: Api) -> None:
    made = api_with(api, user=stranger()).post("/api/projects/", {"name": "theirs"}).json()
    assert api.get(f"/api/projects/{made['id']}/").status_code == 403
    assert api.get("/api/projects/").json()["results"] == []


def test_a_project_without_a_name_is_refused(api: Api) -> None:
    assert error_of(api.post("/api/projects/", {})) == (400, "required", "name")
    assert error_of(api.post("/api/projects/")) == (400, "required", "name")
    assert not Project.objects.exists()


@pytest.mark.parametrize(("fields", "code", "attr"), INVALID)
def test_what_a_project_cannot_be_is_refused(
    api: Api, project: Project, fields: dict[str, Any], code: str, attr: str
) -> None:
    before = api.get("/api/projects/").json()
    assert error_of(api.post("/api/projects/", {"name": "a", **fields})) == (400, code, attr)
    assert error_of(api.send("PATCH", f"/api/projects/{project.pk}/", fields)) == (400, code, attr)
    assert api.get("/api/projects/").json() == before


@pytest.mark.parametrize(("depth", "status"), [(98, 201), (99, 400), (252, 400), (900, 400)])
def test_filters_can_be_nested_as_deeply_as_they_can_be_shown(api: Api, depth: int, status: int) -> None:
    nested: dict[str, Any] = {}
    for _ in range(depth):
        nested = {"x": nested}
    filters = [{"key": "a", "value": "b", "label": nested}]
    body = json.dumps({"name": "a", "test_account_filters": filters}).encode()
    answer = send_bytes(api, "POST", "/api/projects/", body)
    assert answer.status_code == status
    if status == 400:
        assert error_of(answer) == (400, "invalid_input", "test_account_filters.0")
    assert api.get("/api/projects/").status_code == 200


def test_a_change_changes_only_what_it_names(api: Api, project: Project) -> None:
    before = api.get(f"/api/projects/{project.pk}/").json()
    answer = api.send("PATCH", f"/api/projects/{project.pk}/", {"timezone": "Europe/Berlin"})
    assert answer.status_code == 200
    assert answer.json() == {**before, "timezone": "Europe/Berlin"}
    assert api.get(f"/api/projects/{project.pk}/").json() == answer.json()
    assert api.send("PATCH", f"/api/projects/{project.pk}/", {}).json() == answer.json()


def test_a_project_is_only_changed_in_part(api: Api, project: Project) -> None:
    answer = api.send("PUT", f"/api/projects/{project.pk}/", {"name": "a"})
    assert error_of(answer) == (405, "method_not_allowed", None)


def test_a_deleted_project_is_gone_with_its_persons_and_its_events_are_to_be_erased(
    api: Api, project: Project
) -> None:
    kept = project_of(owner(), "kept")
    person(project, "d")
    person(kept, "d")
    assert api.send("DELETE", f"/api/projects/{project.pk}/").status_code == 204
    assert error_of(api.get(f"/api/projects/{project.pk}/")) == (404, "not_found", None)
    assert error_of(api.get(f"/api/projects/{project.pk}/persons/")) == (404, "not_found", None)
    assert error_of(api.send("DELETE", f"/api/projects/{project.pk}/")) == (404, "not_found", None)
    assert [each["id"] for each in api.get("/api/projects/").json()["results"]] == [kept.pk]
    assert list(Person.objects.values_list("project", flat=True)) == [kept.pk]
    assert list(ProjectErasure.objects.values_list("team_id", flat=True)) == [project.pk]


def test_projects_are_listed_page_by_page_each_once(api: Api) -> None:
    made = [project_of(owner(), f"p{number}").pk for number in range(5)]
    project_of(stranger(), "theirs")
    found = list(pages(api.get, "/api/projects?limit=2"))
    assert [[each["id"] for each in page["results"]] for page in found] == [made[:2], made[2:4], made[4:]]
    assert {page["count"] for page in found} == {5}
    assert api.get("/api/projects?limit=5").json()["next"] is None
    assert [page["next"] for page in found] == [
        "http://testserver/api/projects?limit=2&offset=2",
        "http://testserver/api/projects?limit=2&offset=4",
        None,
    ]
    assert [page["previous"] for page in found] == [
        None,
        "http://testserver/api/projects?limit=2&offset=0",
        "http://testserver/api/projects?limit=2&offset=2",
    ]


@pytest.mark.parametrize(
    ("query", "code", "attr"),
    [
        ("limit=0", "invalid_input", "limit"),
        ("limit=x", "invalid_input", "limit"),
        ("offset=-1", "invalid_input", "offset"),
        ("format=csv", "not_supported", "format"),
    ],
)
def test_a_page_of_projects_that_makes_no_sense_is_refused(
    api: Api, query: str, code: str, attr: str
) -> None:
    assert error_of(api.get(f"/api/projects/?{query}")) == (400, code, attr)


def test_parameters_of_the_list_that_nothing_reads_are_reported(api: Api) -> None:
    answer = api.get("/api/projects/?search=shop&limit=5")
    assert (answer.status_code, answer.headers["X-Ignored-Parameters"]) == (200, "search")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_somebody_elses_project_is_403(api: Api, method: str) -> None:
    foreign = project_of(stranger(), "theirs")
    answer = api.send(method, f"/api/projects/{foreign.pk}/", {"name": "mine"})
    assert error_of(answer) == (403, "permission_denied", None)
    assert answer.json()["detail"] == "You don't have access to the project."
    assert Project.objects.get(pk=foreign.pk).name == "theirs"


@pytest.mark.parametrize(
    "number",
    ["0", "999999", "9" * 18, "9" * 19, "9" * 5000, "-1", "1.0", "x", "%00", "%FF", "%D9%A3", "@CURRENT"],
)
@pytest.mark.parametrize("path", ["projects/{}", "environments/{}/", "projects/{}/persons"])
def test_a_project_that_does_not_exist_is_404(api: Api, project: Project, path: str, number: str) -> None:
    answer = api.get(f"/api/{path.format(number)}")
    assert error_of(answer) == (404, "not_found", None)
    assert answer.json()["detail"] == "Not found."


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", ["", "/persons", "/persons/{person}", "/persons/funnel"])
def test_environments_is_another_name_for_projects(
    api: Api, capture: Capture, project: Project, path: str, slash: str
) -> None:
    capture(event("a", "d", "2024-03-01T10:00:00Z"))
    path = path.format(person=Person.objects.get(project=project).pk) + slash
    query = "?events=a&events=b&funnel_step=1&date_from=2024-03-01" if "funnel" in path else ""
    here = api.get(f"/api/projects/{project.pk}{path}{query}")
    there = api.get(f"/api/environments/{project.pk}{path}{query}")
    assert (here.status_code, there.status_code) == (200, 200)
    assert len(here.json().get("results", [here])) == 1
    varying = {"last_refresh", "initial", "resolved_date_range"}
    assert {name: each for name, each in here.json().items() if name not in varying} == {
        name: each for name, each in there.json().items() if name not in varying
    }
