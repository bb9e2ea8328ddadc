"""Actions: kept with their steps, checked at the door, and nobody else's business."""

import json
from typing import Any

import pytest

from persons.installation import owner
from persons.models import Action, Project
from tests.api.helpers import api_with, pages, project_of, stranger
from tests.api_client import Api, error_of

HERE = "/api/projects/@current/actions/"
COHORTS = "/api/projects/@current/cohorts/"
STEP = {
    "event": "$autocapture",
    "properties": [{"key": "plan", "type": "person", "value": ["paid"], "operator": "exact"}],
    "selector": "form .buy",
    "tag_name": "button",
    "text": "Buy",
    "text_matching": "contains",
    "href": "^/shop",
    "href_matching": "regex",
    "url": "/shop/",
    "url_matching": "contains",
}
NOTHING: dict[str, Any] = {**dict.fromkeys(STEP), "properties": []}
# PostHog's interface sends these too. They change nothing.
EXTRAS = {"tags": ["a"], "post_to_slack": True, "slack_message_format": "x", "pinned_at": None, "team_id": 7}
LEAF = {"key": "plan", "value": "paid"}
DEEP = json.loads('{"x":' * 120 + "1" + "}" * 120)


def made(api: Api, **fields: Any) -> dict[str, Any]:
    answer = api.post(HERE, {"name": "Buy", **fields})
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def cohort_of_those_who_did(action_id: Any) -> dict[str, Any]:
    deed = {"type": "behavioral", "value": "performed_event", "event_type": "actions", "key": action_id}
    return {"name": "Buyers", "filters": {"properties": [{**deed, "time_value": 7, "time_interval": "day"}]}}


def test_a_name_is_enough_to_make_an_action(api: Api, project: Project) -> None:
    action = made(api)
    assert api.get(f"{HERE}{action['id']}/").json() == action
    assert {name: action[name] for name in action if not name.endswith("_at")} == {
        "id": Action.objects.get().pk,
        "name": "Buy",
        "description": "",
        "steps": [],
        "created_by": action["created_by"],
        "deleted": False,
        "team_id": project.pk,
        "is_action": True,
        "tags": [],
    }
    assert action["created_by"]["email"] == owner().email


def test_an_action_is_kept_as_it_was_sent(api: Api, project: Project) -> None:
    action = made(api, description="Who buys.", steps=[STEP, {"event": "paid"}], **EXTRAS)
    assert action["description"] == "Who buys."
    assert action["steps"] == [STEP, {**NOTHING, "event": "paid"}]
    assert api.get(f"{HERE}{action['id']}/").json() == action


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({}, {}),
        ({"text": "", "text_matching": "", "properties": None}, {}),
        ({"id": 5, "isNew": "x", "name": "step 1"}, {}),
        ({"properties": json.dumps([LEAF])}, {"properties": [LEAF]}),
        ({"properties": {"type": "OR", "values": [LEAF]}}, {"properties": {"type": "OR", "values": [LEAF]}}),
    ],
)
def test_a_step_is_shown_with_every_key(
    api: Api, project: Project, sent: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert made(api, steps=[sent])["steps"] == [{**NOTHING, **kept}]


INVALID = [
    ({"name": ""}, "invalid_input", "name"),
    ({"name": " "}, "invalid_input", "name"),
    ({"name": 5}, "invalid_input", "name"),
    ({"name": "x" * 401}, "invalid_input", "name"),
    ({"description": []}, "invalid_input", "description"),
    ({"description": "x" * 10_001}, "invalid_input", "description"),
    ({"deleted": "perhaps"}, "invalid_input", "deleted"),
    ({"steps": {}}, "invalid_input", "steps"),
    ({"steps": "[{"}, "invalid_input", "steps"),
    ({"steps": [{}] * 101}, "invalid_input", "steps"),
    ({"steps": [{}, "a"]}, "invalid_input", "steps.1"),
    ({"steps": [{"event": 5}]}, "invalid_input", "steps.0.event"),
    ({"steps": [{"url_matching": "starts"}]}, "invalid_input", "steps.0.url_matching"),
    ({"steps": [{"url_matching": {}}]}, "invalid_input", "steps.0.url_matching"),
    ({"steps": [{"text_matching": 0}]}, "invalid_input", "steps.0.text_matching"),
    ({"steps": [{"url": "(", "url_matching": "regex"}]}, "invalid_input", "steps.0.url"),
    ({"steps": [{}, {"selector": "a["}]}, "invalid_input", "steps.1.selector"),
    ({"steps": [{"properties": [LEAF, {}]}]}, "required", "steps.0.properties.1.key"),
    (
        {"steps": [{"properties": [LEAF, {**LEAF, "operator": "like"}]}]},
        "invalid_input",
        "steps.0.properties.1.operator",
    ),
    (
        {"steps": [{"properties": {"type": "OR", "values": [{**LEAF, "operator": "regex", "value": "("}]}}]},
        "invalid_input",
        "steps.0.properties.values.0.value",
    ),
    (
        {"steps": [{"properties": [{"type": "hogql", "key": "1"}]}]},
        "not_supported",
        "steps.0.properties.0.type",
    ),
    (
        {"steps": [{"properties": [{"type": "cohort", "value": 2**40}]}]},
        "invalid_input",
        "steps.0.properties.0.value",
    ),
    ({"steps": [{"properties": [{**LEAF, "label": DEEP}]}]}, "invalid_input", "steps"),
]


@pytest.mark.parametrize(("fields", "code", "attr"), INVALID)
def test_what_an_action_cannot_be_is_refused(
    api: Api, project: Project, fields: dict[str, Any], code: str, attr: str
) -> None:
    action = made(api, steps=[STEP])
    for answer in (
        api.post(HERE, {"name": "a", **fields}),
        api.send("PUT", f"{HERE}{action['id']}/", {"name": "a", **fields}),
        api.send("PATCH", f"{HERE}{action['id']}/", fields),
    ):
        assert error_of(answer) == (400, code, attr)
    assert api.get(HERE).json()["results"] == [action]


@pytest.mark.parametrize("body", [{}, {"name": None}, {"steps": [STEP]}])
def test_an_action_without_a_name_is_refused(api: Api, project: Project, body: dict[str, Any]) -> None:
    action = made(api)
    assert error_of(api.post(HERE, body)) == (400, "required", "name")
    assert error_of(api.send("PUT", f"{HERE}{action['id']}/", body)) == (400, "required", "name")


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, {}),
        ({"name": " Pay "}, {"name": "Pay"}),
        ({"description": "x"}, {"description": "x"}),
        ({"description": ""}, {"description": ""}),
        ({"steps": []}, {"steps": []}),
        ({"steps": [{"event": "paid"}]}, {"steps": [{**NOTHING, "event": "paid"}]}),
        ({"deleted": False, "description": None, **EXTRAS}, {}),
    ],
)
def test_a_change_changes_only_what_it_names(
    api: Api, project: Project, changes: dict[str, Any], shown: dict[str, Any]
) -> None:
    before = made(api, description="Who buys.", steps=[STEP])
    answer = api.send("PATCH", f"{HERE}{before['id']}/", changes)
    assert answer.status_code == 200
    assert answer.json() == {**before, **shown, "updated_at": answer.json()["updated_at"]}
    assert (answer.json()["updated_at"] > before["updated_at"]) == bool(shown)
    assert api.get(f"{HERE}{before['id']}/").json() == answer.json()


def test_a_put_puts_the_whole_action(api: Api, project: Project) -> None:
    before = made(api, description="Who buys.", steps=[STEP])
    after = api.send("PUT", f"{HERE}{before['id']}/", {"name": "Pay"}).json()
    wanted = {"name": "Pay", "description": "", "steps": [], "updated_at": after["updated_at"]}
    assert after == {**before, **wanted}


@pytest.mark.parametrize(
    ("method", "body", "status"), [("DELETE", None, 204), ("PATCH", {"deleted": True}, 200)]
)
def test_a_deleted_action_is_gone(api: Api, project: Project, method: str, body: Any, status: int) -> None:
    kept, gone = made(api), made(api)
    answer = api.send(method, f"{HERE}{gone['id']}/", body)
    assert answer.status_code == status
    if status == 200:
        assert answer.json() == {**gone, "deleted": True}
    for again in ("GET", "PATCH", "DELETE"):
        assert error_of(api.send(again, f"{HERE}{gone['id']}/", {})) == (404, "not_found", None)
    assert api.get(HERE).json()["results"] == [kept]


@pytest.mark.parametrize("number", ["{}", "0{}"])
def test_an_action_that_a_cohort_uses_is_not_deleted(api: Api, project: Project, number: str) -> None:
    action = made(api)
    cohort = api.post(COHORTS, cohort_of_those_who_did(number.format(action["id"]))).json()
    for method, body in (("DELETE", None), ("PATCH", {"deleted": True})):
        answer = api.send(method, f"{HERE}{action['id']}/", body)
        assert error_of(answer) == (400, "invalid_input", "id")
        assert f"Cohort {cohort['id']} (Buyers)" in answer.json()["detail"]
    api.send("DELETE", f"{COHORTS}{cohort['id']}/")
    assert api.send("DELETE", f"{HERE}{action['id']}/").status_code == 204


def test_an_action_cannot_ask_for_a_cohort_that_asks_for_the_action(api: Api, project: Project) -> None:
    action = made(api, steps=[STEP])
    cohort = api.post(COHORTS, cohort_of_those_who_did(action["id"])).json()
    step = {"properties": [{"type": "cohort", "key": "id", "value": cohort["id"]}]}
    answer = api.send("PATCH", f"{HERE}{action['id']}/", {"steps": [step]})
    assert answer.status_code == 400
    assert answer.json()["attr"].startswith("steps.0.properties.0.value")
    assert f"{cohort['id']} -> {cohort['id']}" in answer.json()["detail"]
    assert api.get(f"{HERE}{action['id']}/").json() == action


def test_actions_are_listed_newest_first_page_by_page(api: Api, project: Project) -> None:
    ids = [made(api)["id"] for _ in range(5)][::-1]
    Action.objects.create(project=project_of(stranger()), name="theirs")
    found = list(pages(api.get, f"{HERE}?limit=2"))
    assert [[each["id"] for each in page["results"]] for page in found] == [ids[:2], ids[2:4], ids[4:]]
    assert {page["count"] for page in found} == {5}
    assert [page["previous"] for page in found[:2]] == [None, f"http://testserver{HERE}?limit=2&offset=0"]
    assert error_of(api.get(f"{HERE}?limit=0")) == (400, "invalid_input", "limit")
    assert api.get(f"{HERE}?search=x").headers["X-Ignored-Parameters"] == "search"


def test_environments_is_another_name_for_projects(api: Api, project: Project) -> None:
    action = made(api)
    for path in (f"/api/environments/{project.pk}/actions", f"/api/environments/{project.pk}/actions/"):
        assert api.get(path).json()["results"] == [action]
    assert api.get(f"/api/environments/{project.pk}/actions/{action['id']}").json() == action


@pytest.mark.parametrize("number", ["0", "{theirs}", "9" * 18, "9" * 30, "9" * 5000, "-1", "x", "%D9%A3"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_an_action_of_another_project_is_404(api: Api, project: Project, number: str, method: str) -> None:
    theirs = Action.objects.create(project=project_of(owner()), name="theirs")
    path = f"/api/projects/{project.pk}/actions/{number.format(theirs=theirs.pk)}/"
    assert error_of(api.send(method, path, {"name": "mine"})) == (404, "not_found", None)
    assert Action.objects.get().name == "theirs"


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "", "read"),
        ("POST", "", "write"),
        ("GET", "{}/", "read"),
        ("PUT", "{}/", "write"),
        ("PATCH", "{}/", "write"),
        ("DELETE", "{}/", "write"),
    ],
)
def test_a_key_needs_the_scope(api: Api, project: Project, method: str, path: str, scope: str) -> None:
    path = HERE + path.format(made(api)["id"])
    others = ["cohort:write", "person:write", "project:write"]
    without = [*others, *(["action:read"] if scope == "write" else [])]
    answer = api_with(api, without).send(method, path, {"name": "a"})
    assert error_of(answer) == (403, "permission_denied", None)
    assert f"'action:{scope}'" in answer.json()["detail"]
    assert api_with(api, [f"action:{scope}"]).send(method, path, {"name": "a"}).status_code < 300


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_actions_of_somebody_elses_project_are_403(api: Api, method: str) -> None:
    foreign = project_of(stranger())
    answer = api.send(method, f"/api/projects/{foreign.pk}/actions/", {"name": "mine"})
    assert error_of(answer) == (403, "permission_denied", None)
    assert not Action.objects.exists()
