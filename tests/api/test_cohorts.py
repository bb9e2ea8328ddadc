"""Cohorts: by a definition or by who was put there; checked at the door, and nobody else's business."""

import json
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from persons.installation import owner
from persons.models import Action, Cohort, Project
from tests.api.cohorts import (
    ADD,
    DEED,
    FILTERS,
    GROUP,
    HERE,
    LEAF,
    REMOVE,
    VALUES,
    at_once,
    dynamic,
    in_cohort,
    made,
    members,
    patched,
    send_form,
    static,
)
from tests.api.helpers import api_with, pages, person, project_of, stranger
from tests.api_client import Api, error_of


def test_a_dynamic_cohort_is_kept_as_it_was_sent(api: Api, project: Project) -> None:
    cohort = made(api, filters=FILTERS, description="Who pays.", groups=[], is_static=False)
    assert api.get(f"{HERE}{cohort['id']}/").json() == {**cohort, "count": 0}
    assert {name: cohort[name] for name in cohort if name not in ("created_at", "updated_at")} == {
        "id": Cohort.objects.get().pk,
        "name": "Payers",
        "description": "Who pays.",
        "groups": [],
        "filters": FILTERS,
        "is_static": False,
        "is_calculating": False,
        "created_by": cohort["created_by"],
        "last_calculation": None,
        "errors_calculating": 0,
        "count": None,
        "deleted": False,
        "team_id": project.pk,
    }
    assert cohort["created_by"]["email"] == owner().email


@pytest.mark.parametrize(
    "properties",
    [
        [LEAF],
        {"type": "AND", "values": [LEAF, DEED]},
        {
            "type": "AND",
            "values": [{**DEED, "event_filters": [{"key": "price", "operator": "gt", "value": 5}]}],
        },
        {"type": "OR", "values": [{**LEAF, "negation": True, "bytecode": ["_H", 1], "operator": None}]},
    ],
)
def test_a_definition_may_have_every_form_of_filters(api: Api, project: Project, properties: Any) -> None:
    assert made(api, filters={"properties": properties})["filters"] == {"properties": properties}
    form = {"name": "a", "filters": json.dumps({"properties": properties}), "groups": "[]"}
    assert send_form(api, "POST", HERE, form).json()["filters"] == {"properties": properties}


def values(*leaves: Any) -> dict[str, Any]:
    return {"filters": {"properties": {"type": "AND", "values": list(leaves)}}}


DEEP = json.loads('{"x":' * 120 + "1" + "}" * 120)
INVALID: list[tuple[dict[str, Any], str, str]] = [
    ({"name": ""}, "invalid_input", "name"),
    ({"name": "x" * 401}, "invalid_input", "name"),
    ({"description": 5}, "invalid_input", "description"),
    ({"is_static": "perhaps"}, "invalid_input", "is_static"),
    ({"filters": []}, "invalid_input", "filters"),
    ({"filters": {}}, "required", "filters.properties"),
    ({"filters": {"properties": []}}, "required", "filters.properties"),
    ({"filters": {"properties": {}}}, "required", "filters.properties"),
    ({"filters": {"properties": None}}, "required", "filters.properties"),
    ({"filters": {"properties": 5}}, "invalid_input", "filters.properties"),
    ({"filters": {"properties": {"type": "AND"}}}, "required", "filters.properties.values"),
    (values(), "required", VALUES),
    (values(GROUP, {**GROUP, "values": []}), "required", f"{VALUES}.1.values"),
    (values(LEAF, {}), "required", f"{VALUES}.1.key"),
    (values({**LEAF, "operator": "like"}), "invalid_input", f"{VALUES}.0.operator"),
    (values({**LEAF, "operator": "regex", "value": "("}), "invalid_input", f"{VALUES}.0.value"),
    (values({**LEAF, "type": "event"}), "invalid_input", f"{VALUES}.0.type"),
    (values({**LEAF, "type": "hogql"}), "not_supported", f"{VALUES}.0.type"),
    (values({**DEED, "time_value": None}), "required", f"{VALUES}.0.time_value"),
    (values({**DEED, "value": "performed_event_first_time"}), "not_supported", f"{VALUES}.0.value"),
    (values({**DEED, "event_type": "actions", "key": 2**40}), "invalid_input", f"{VALUES}.0.key"),
    (values({**DEED, "key": ["paid"]}), "invalid_input", f"{VALUES}.0.key"),
    (values({**LEAF, "type": {}}), "invalid_input", f"{VALUES}.0.type"),
    (values({**LEAF, "type": ["person"]}), "invalid_input", f"{VALUES}.0.type"),
    (values({**DEED, "event_filters": [{"value": 5}]}), "required", f"{VALUES}.0.event_filters.0.key"),
    (values(in_cohort(2**40)), "invalid_input", f"{VALUES}.0.value"),
    (values({**LEAF, "label": DEEP}), "invalid_input", "filters.properties"),
    ({"groups": [{"properties": []}]}, "not_supported", "groups"),
    ({"query": {"kind": "ActorsQuery"}}, "not_supported", "query"),
    ({"distinct_ids": ["a"]}, "invalid_input", "distinct_ids"),
    ({"uuids": [str(uuid4())]}, "invalid_input", "uuids"),
    ({"_create_static_person_ids": [str(uuid4())]}, "invalid_input", "_create_static_person_ids"),
    ({"csv": "a,b"}, "invalid_input", "csv"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "code", "attr"), INVALID)
def test_what_a_dynamic_cohort_cannot_be_is_refused(
    api: Api, project: Project, fields: dict[str, Any], code: str, attr: str
) -> None:
    cohort = dynamic(api)
    whole = {"name": "a", "filters": FILTERS, **fields}
    for answer in (
        api.post(HERE, whole),
        api.send("PUT", f"{HERE}{cohort['id']}/", whole),
        patched(api, cohort, fields),
    ):
        assert error_of(answer) == (400, code, attr)
    assert api.get(HERE).json()["results"] == [cohort]


@pytest.mark.parametrize(
    ("body", "attr"), [({"filters": FILTERS}, "name"), ({"name": "a"}, "filters"), ({}, "name")]
)
def test_what_a_dynamic_cohort_needs_is_required(
    api: Api, project: Project, body: dict[str, Any], attr: str
) -> None:
    cohort = dynamic(api)
    assert error_of(api.post(HERE, body)) == (400, "required", attr)
    assert error_of(api.send("PUT", f"{HERE}{cohort['id']}/", body)) == (400, "required", attr)


def test_a_cohort_cannot_depend_on_itself(api: Api, project: Project) -> None:
    bottom = dynamic(api)
    middle = dynamic(api, LEAF, in_cohort(bottom["id"]))
    top = dynamic(api, {**in_cohort([middle["id"]]), "operator": "not_in"})
    for each, loop in ((bottom, [bottom, bottom]), (top, [bottom, top, middle, bottom])):
        answer = patched(api, bottom, values(LEAF, in_cohort(each["id"])))
        assert (answer.status_code, answer.json()["attr"]) == (400, f"{VALUES}.1.value")
        names = " -> ".join(str(cohort["id"]) for cohort in loop)
        assert answer.json()["detail"] == f"A cohort cannot depend on itself: {names}."
    assert api.get(f"{HERE}{bottom['id']}/").json() == {**bottom, "count": 0}
    assert patched(api, top, values(in_cohort(bottom["id"]))).status_code == 200
    assert patched(api, middle, values(in_cohort(top["id"]))).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_do_not_make_a_cohort_depend_on_itself(
    clickhouse: ClickHouse, api: Api, project: Project
) -> None:
    for _ in range(10):
        one, other = dynamic(api), dynamic(api)
        answers = at_once(
            api,
            partial(patched, cohort=one, body=values(in_cohort(other["id"]))),
            partial(patched, cohort=other, body=values(in_cohort(one["id"]))),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 400]


@pytest.mark.django_db(transaction=True)
def test_a_cohort_is_not_deleted_while_another_one_begins_to_use_it(
    clickhouse: ClickHouse, api: Api, project: Project
) -> None:
    for _ in range(10):
        used = static(api)
        answers = at_once(
            api,
            partial(Api.send, method="DELETE", path=f"{HERE}{used['id']}/"),
            partial(Api.post, path=HERE, body={"name": "a", **values(in_cohort(used["id"]))}),
        )
        assert [answer.status_code for answer in answers] in ([204, 400], [400, 201])


def test_a_cohort_cannot_depend_on_itself_by_way_of_an_action(api: Api, project: Project) -> None:
    cohort = dynamic(api)
    action = Action.objects.create(
        project=project, name="a", steps=[{"event": "x", "properties": [in_cohort(cohort["id"])]}]
    )
    answer = patched(api, cohort, values({**DEED, "event_type": "actions", "key": action.pk}))
    assert answer.status_code == 400
    assert f"{cohort['id']} -> {cohort['id']}" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, {}),
        ({"name": " Others "}, {"name": "Others"}),
        ({"description": ""}, {"description": ""}),
        ({"filters": {"properties": [DEED]}}, {"filters": {"properties": [DEED]}}),
        ({"deleted": False, "is_static": False, "is_calculating": True, "description": None}, {}),
    ],
)
def test_a_change_changes_only_what_it_names(
    api: Api, project: Project, changes: dict[str, Any], shown: dict[str, Any]
) -> None:
    before = dynamic(api, description="Who pays.")
    answer = patched(api, before, changes)
    assert answer.status_code == 200
    assert answer.json() == {**before, **shown, "updated_at": answer.json()["updated_at"]}
    assert (answer.json()["updated_at"] > before["updated_at"]) == bool(shown)
    assert api.get(f"{HERE}{before['id']}/").json() == {**answer.json(), "count": 0}


def test_a_put_puts_the_whole_cohort(api: Api, project: Project) -> None:
    before = dynamic(api, description="Who pays.")
    after = api.send("PUT", f"{HERE}{before['id']}/", {"name": "a", "filters": FILTERS}).json()
    wanted = {"name": "a", "description": "", "filters": FILTERS, "updated_at": after["updated_at"]}
    assert after == {**before, **wanted}


@pytest.mark.parametrize("method", ["DELETE", "PATCH"])
@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_a_deleted_cohort_is_gone_with_who_was_in_it(
    clickhouse: ClickHouse, api: Api, project: Project, kind: str, method: str
) -> None:
    person(project, "a")
    kept, gone = static(api, "a"), static(api, "a") if kind == "static" else dynamic(api)
    answer = api.send(method, f"{HERE}{gone['id']}/", {"deleted": True})
    if method == "DELETE":
        assert (answer.status_code, answer.content) == (204, b"")
    else:
        shown = (answer.json()["id"], answer.json()["deleted"])
        assert (answer.status_code, shown) == (200, (gone["id"], True))
    for again in ("GET", "PATCH", "DELETE"):
        assert error_of(api.send(again, f"{HERE}{gone['id']}/", {})) == (404, "not_found", None)
    assert [each["id"] for each in api.get(HERE).json()["results"]] == [kept["id"]]
    assert members(clickhouse, gone) == set()
    assert members(clickhouse, kept) == {"a"}


@pytest.mark.parametrize("kind", ["static", "dynamic"])
@pytest.mark.parametrize("user", ["a cohort", "a deed in a cohort", "an action", "the project"])
def test_a_cohort_that_something_uses_is_not_deleted(
    api: Api, project: Project, kind: str, user: str
) -> None:
    cohort = static(api) if kind == "static" else dynamic(api)
    leaf, name = in_cohort(cohort["id"]), "test_account_filters of the project"
    if user == "a cohort":
        name = f"Cohort {dynamic(api, LEAF, leaf)['id']} (Payers)"
    elif user == "a deed in a cohort":
        name = f"Cohort {dynamic(api, {**DEED, 'event_filters': [leaf]})['id']} (Payers)"
    elif user == "an action":
        body = {"name": "Buy", "steps": [{"event": "a"}, {"properties": [leaf]}]}
        name = f"Action {api.post('/api/projects/@current/actions/', body).json()['id']} (Buy)"
    else:
        body = {"test_account_filters": [{**leaf, "operator": "not_in", "value": [cohort["id"]]}]}
        assert api.send("PATCH", "/api/projects/@current/", body).status_code == 200
    for method, sent in (("DELETE", None), ("PATCH", {"deleted": True})):
        answer = api.send(method, f"{HERE}{cohort['id']}/", sent)
        assert error_of(answer) == (400, "invalid_input", "id")
        assert name in answer.json()["detail"]
    assert api.get(f"{HERE}{cohort['id']}/").status_code == 200


def test_filters_that_nobody_understands_any_more_use_nothing(api: Api, project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(test_account_filters=[{"old": 1}])
    assert api.send("DELETE", f"{HERE}{dynamic(api)['id']}/").status_code == 204


def test_cohorts_are_listed_newest_first_page_by_page(api: Api, project: Project) -> None:
    ids = [dynamic(api)["id"] for _ in range(5)][::-1]
    Cohort.objects.create(project=project_of(stranger()), name="theirs")
    found = list(pages(api.get, f"{HERE}?limit=2"))
    assert [[each["id"] for each in page["results"]] for page in found] == [ids[:2], ids[2:4], ids[4:]]
    assert {page["count"] for page in found} == {5}
    assert error_of(api.get(f"{HERE}?offset=-1")) == (400, "invalid_input", "offset")


def test_environments_is_another_name_for_projects(api: Api, project: Project) -> None:
    cohort, there = dynamic(api), f"/api/environments/{project.pk}/cohorts"
    assert api.get(there).json()["results"] == [cohort]
    assert api.get(f"{there}/{cohort['id']}").json() == {**cohort, "count": 0}


@pytest.mark.parametrize("number", ["0", "{theirs}", "9" * 18, "9" * 5000, "-1", "x"])
@pytest.mark.parametrize(
    ("method", "action"),
    [("GET", ""), ("PUT", ""), ("PATCH", ""), ("DELETE", ""), *(("PATCH", each) for each in (ADD, REMOVE))],
)
def test_a_cohort_of_another_project_is_404(
    api: Api, project: Project, number: str, method: str, action: str
) -> None:
    theirs = Cohort.objects.create(project=project_of(owner()), name="theirs", is_static=True)
    path = f"/api/projects/{project.pk}/cohorts/{number.format(theirs=theirs.pk)}/{action}"
    body = {"name": "mine", "person_ids": [], "person_id": str(uuid4())}
    assert error_of(api.send(method, path, body)) == (404, "not_found", None)
    assert Cohort.objects.get().name == "theirs"


def test_a_definition_reaches_nothing_of_another_project(api: Api, project: Project) -> None:
    other = project_of(owner())
    theirs = Cohort.objects.create(project=other, name="theirs", is_static=True)
    action = Action.objects.create(project=other, name="theirs")
    path = f"/api/projects/{project.pk}/cohorts/"
    deed = {**DEED, "event_type": "actions", "key": action.pk}
    for leaf, attr in ((in_cohort(theirs.pk), "value"), (deed, "key")):
        answer = api.post(path, {"name": "a", **values(leaf)})
        assert error_of(answer) == (400, "invalid_input", f"{VALUES}.0.{attr}")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "", "read"),
        ("POST", "", "write"),
        ("GET", "{}/", "read"),
        ("PUT", "{}/", "write"),
        ("PATCH", "{}/", "write"),
        ("DELETE", "{}/", "write"),
        *(("PATCH", "{}/" + each, "write") for each in (ADD, REMOVE)),
    ],
)
def test_a_key_needs_the_scope(api: Api, project: Project, method: str, path: str, scope: str) -> None:
    uuid = str(person(project, "a").uuid)
    path = HERE + path.format(static(api, "a")["id"])
    body = {"name": "a", "is_static": True, "person_ids": [], "person_id": uuid}
    others = ["action:write", "person:write", "project:write"]
    without = [*others, *(["cohort:read"] if scope == "write" else [])]
    answer = api_with(api, without).send(method, path, body)
    assert error_of(answer) == (403, "permission_denied", None)
    assert f"'cohort:{scope}'" in answer.json()["detail"]
    assert api_with(api, [f"cohort:{scope}"]).send(method, path, body).status_code < 300


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_cohorts_of_somebody_elses_project_are_403(api: Api, method: str) -> None:
    foreign = project_of(stranger())
    answer = api.send(method, f"/api/projects/{foreign.pk}/cohorts/", {"name": "a", "is_static": True})
    assert error_of(answer) == (403, "permission_denied", None)
    assert not Cohort.objects.exists()


def test_a_deleted_project_leaves_no_cohorts_and_actions_in_either_store(
    clickhouse: ClickHouse, api: Api, project: Project
) -> None:
    person(project, "a")
    cohort = static(api, "a")
    assert members(clickhouse, cohort) == {"a"}
    dynamic(api, in_cohort(cohort["id"]))
    Action.objects.create(project=project, name="a")
    patched(api, cohort, {"name": "b"})
    assert api.send("DELETE", "/api/projects/@current/").status_code == 204
    assert members(clickhouse, cohort) == set()
    statement = "SELECT count() FROM static_cohort_member WHERE team_id = {team_id:Int64}"
    assert clickhouse.rows(sql(statement, team_id=project.pk)) == [(0,)]
    assert not Cohort.objects.exists()
    assert not Action.objects.exists()
