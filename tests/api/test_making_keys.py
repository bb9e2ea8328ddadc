"""Keys that are made, shown and deleted by request: none may do more than who makes it."""

from typing import Any

import pytest

from persons.installation import owner
from persons.models import ALL_SCOPES, PersonalAPIKey, Project
from tests.api.helpers import api_with, project_of, stranger
from tests.api_client import Api, error_of

ME = "/api/users/@me/"
KEYS = "/api/personal_api_keys/"


def test_a_key_limited_to_projects_manages_only_keys_that_are_no_wider(api: Api, project: Project) -> None:
    wide, _ = PersonalAPIKey.issue(owner(), "wide", ["*"])
    narrow, _ = PersonalAPIKey.issue(owner(), "narrow", ["person:read"], [project.pk])
    limited = api_with(api, projects=[project.pk])
    assert {key["label"] for key in limited.get(KEYS).json()["results"]} >= {"narrow"}
    assert "wide" not in {key["label"] for key in limited.get(KEYS).json()["results"]}
    assert error_of(limited.send("DELETE", f"{KEYS}{wide.pk}/")) == (404, "not_found", None)
    assert limited.send("DELETE", f"{KEYS}{narrow.pk}/").status_code == 204


@pytest.mark.parametrize(
    ("own", "other", "is_manageable"),
    [
        (["personal_api_key:write"], ["personal_api_key:write"], True),
        (["personal_api_key:write"], ["personal_api_key:read"], True),
        (["personal_api_key:write"], ["person:read"], False),
        (["personal_api_key:write"], ["*"], False),
        (["personal_api_key:write", "person:read"], ["person:write"], False),
        (["personal_api_key:write", "person:write"], ["person:read"], True),
        (["*"], ["*"], True),
    ],
)
def test_a_key_lists_and_deletes_only_keys_that_are_no_wider(
    api: Api, own: list[str], other: list[str], is_manageable: bool
) -> None:
    key, _ = PersonalAPIKey.issue(owner(), "other", other)
    manager = api_with(api, own)
    assert ("other" in {each["label"] for each in manager.get(KEYS).json()["results"]}) is is_manageable
    answer = manager.send("DELETE", f"{KEYS}{key.pk}/")
    assert answer.status_code == (204 if is_manageable else 404)
    assert PersonalAPIKey.objects.filter(pk=key.pk).exists() is not is_manageable


def test_a_new_key_is_shown_once_and_works_until_it_is_deleted(api: Api, project: Project) -> None:
    wanted = {"label": "reader", "scopes": ["person:read"], "scoped_projects": [project.pk]}
    answer = api.post(KEYS, wanted)
    made = answer.json()
    assert answer.status_code == 201
    assert {name: made[name] for name in wanted} == wanted
    reader = Api(api.client, made["value"])
    assert reader.get(f"/api/projects/{project.pk}/persons/").status_code == 200

    listed = api.get(KEYS)
    (shown,) = (each for each in listed.json()["results"] if each["id"] == made["id"])
    assert (shown["label"], shown["mask_value"]) == ("reader", made["mask_value"])
    assert made["value"] not in listed.content.decode()
    assert "value" not in shown

    assert api.send("DELETE", f"{KEYS}{made['id']}/").status_code == 204
    assert error_of(reader.get(ME)) == (401, "authentication_failed", None)
    assert error_of(api.send("DELETE", f"{KEYS}{made['id']}/")) == (404, "not_found", None)


def test_the_keys_of_others_are_neither_shown_nor_deleted(api: Api) -> None:
    foreign, value = PersonalAPIKey.issue(stranger(), "foreign", ["*"])
    assert "foreign" not in api.get(KEYS).content.decode()
    assert error_of(api.send("DELETE", f"{KEYS}{foreign.pk}/")) == (404, "not_found", None)
    assert Api(api.client, value).get(ME).status_code == 200


@pytest.mark.parametrize("number", ["0", "9" * 19, "9" * 5000, "-1", "x"])
def test_a_key_that_cannot_exist_is_404(api: Api, number: str) -> None:
    assert error_of(api.send("DELETE", f"{KEYS}{number}/")) == (404, "not_found", None)


@pytest.mark.parametrize(
    ("fields", "attr"),
    [
        ({"label": None}, "label"),
        ({"label": " "}, "label"),
        ({"label": "x" * 101}, "label"),
        ({"scopes": None}, "scopes"),
        ({"scopes": []}, "scopes"),
        ({"scopes": "*"}, "scopes"),
        ({"scopes": ["person:read", "person:destroy"]}, "scopes.1"),
        ({"scopes": [["*"]]}, "scopes.0"),
        ({"scoped_projects": 1}, "scoped_projects"),
        ({"scoped_projects": ["x"]}, "scoped_projects.0"),
        ({"scoped_projects": [10**18]}, "scoped_projects"),
        ({"scoped_projects": [0]}, "scoped_projects"),
    ],
)
def test_a_key_that_makes_no_sense_is_not_made(api: Api, fields: dict[str, Any], attr: str) -> None:
    before = PersonalAPIKey.objects.count()
    answer = api.post(KEYS, {"label": "a", "scopes": ["*"], **fields})
    assert (error_of(answer)[0], error_of(answer)[2]) == (400, attr)
    assert answer.json()["type"] == "validation_error"
    assert PersonalAPIKey.objects.count() == before


def test_an_unknown_scope_is_answered_with_those_there_are(api: Api) -> None:
    detail = api.post(KEYS, {"label": "a", "scopes": ["persons:read"]}).json()["detail"]
    assert {scope for scope in ALL_SCOPES if scope not in detail} == set()


@pytest.mark.parametrize(
    ("own", "wanted", "attr"),
    [
        (["personal_api_key:write"], ["personal_api_key:write"], None),
        (["personal_api_key:write"], ["personal_api_key:read"], None),
        (["personal_api_key:write"], ["person:read"], "scopes"),
        (["personal_api_key:write"], ["*"], "scopes"),
        (["personal_api_key:write", "person:read"], ["person:write"], "scopes"),
        (["personal_api_key:write", "person:write"], ["person:read"], None),
        (["*"], ["*"], None),
    ],
)
def test_a_key_cannot_make_one_that_may_do_more(
    api: Api, own: list[str], wanted: list[str], attr: str | None
) -> None:
    answer = api_with(api, own).post(KEYS, {"label": "a", "scopes": wanted})
    if attr is None:
        assert answer.status_code == 201
    else:
        assert error_of(answer) == (400, "invalid_input", attr)
        assert not PersonalAPIKey.objects.filter(label="a").exists()


@pytest.mark.parametrize(("wanted", "allowed"), [([0], True), ([1], False), ([0, 1], False), ([], False)])
def test_a_limited_key_cannot_make_one_that_sees_more(
    api: Api, project: Project, wanted: list[int], allowed: bool
) -> None:
    projects = [project.pk, project_of(owner()).pk]
    limited = api_with(api, projects=projects[:1])
    body = {"label": "a", "scopes": ["*"], "scoped_projects": [projects[index] for index in wanted]}
    answer = limited.post(KEYS, body)
    if allowed:
        assert answer.status_code == 201
    else:
        assert error_of(answer) == (400, "invalid_input", "scoped_projects")
        assert not PersonalAPIKey.objects.filter(label="a").exists()
