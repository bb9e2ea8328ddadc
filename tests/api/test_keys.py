"""Who may ask, and what: keys, their scopes and their projects (spec/decisions.md section 2)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
import pytest
from django.test import Client
from django.utils.timezone import now

from persons.installation import owner
from persons.models import ALL_SCOPES, PersonalAPIKey, Project
from persons.models.secrets import hashed
from tests.api.helpers import Capture, api_with, event, local, person, project_of, stranger
from tests.api_client import Api, error_of

ME = "/api/users/@me/"
KEYS = "/api/personal_api_keys/"


class Endpoint(NamedTuple):
    method: str
    path: str
    scope: str
    body: Any = None


FUNNEL = {"events": [{"id": "a"}, {"id": "b"}], "funnel_step": 1}
ENDPOINTS = [
    Endpoint("GET", "/api/projects/", "project:read"),
    Endpoint("POST", "/api/projects/", "project:write", {"name": "new"}),
    Endpoint("GET", "/api/projects/{project}/", "project:read"),
    Endpoint("PATCH", "/api/projects/{project}/", "project:write", {"name": "new"}),
    Endpoint("DELETE", "/api/projects/{project}/", "project:write"),
    Endpoint("GET", "/api/projects/{project}/persons/", "person:read"),
    Endpoint("HEAD", "/api/projects/{project}/persons/", "person:read"),
    Endpoint("OPTIONS", "/api/projects/{project}/persons/", "person:read"),
    Endpoint("GET", "/api/projects/{project}/persons/{person}/", "person:read"),
    Endpoint("GET", "/api/projects/{project}/persons/funnel/", "person:read", FUNNEL),
    Endpoint("POST", "/api/projects/{project}/persons/funnel/", "person:read", FUNNEL),
    Endpoint("GET", "/api/environments/{project}/persons/", "person:read"),
    Endpoint("GET", KEYS, "personal_api_key:read"),
    Endpoint("POST", KEYS, "personal_api_key:write", {"label": "new", "scopes": ["personal_api_key:read"]}),
    Endpoint("DELETE", KEYS + "{key}/", "personal_api_key:write"),
]
endpoints = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=[f"{each[0]} {each[1]}" for each in ENDPOINTS])


@pytest.fixture
def ask(api: Api, project: Project) -> Any:
    """Asks an endpoint, about things that are there, with a key."""
    ids = {
        "project": project.pk,
        "person": person(project, "d").pk,
        "key": PersonalAPIKey.issue(owner(), "spare", ["personal_api_key:read"])[0].pk,
    }
    return lambda endpoint, key: Api(api.client, key).send(
        endpoint.method, endpoint.path.format(**ids), endpoint.body
    )


Ask = Callable[[Endpoint, str], Any]


def key_with(*scopes: str) -> str:
    return PersonalAPIKey.issue(owner(), "own", list(scopes))[1]


class Sent(NamedTuple):
    """Where something that looks like a key is; {} stands for one that works."""

    header: str | None = None
    body: str | None = None
    query: str | None = None


def send_key(client: Client, key: str, sent: Sent) -> Any:
    header, body, query = (text and text.format(key) for text in sent)
    return client.generic(
        "GET",
        ME if query is None else f"{ME}?personal_api_key={quote(query)}",
        b"" if body is None else orjson.dumps({"personal_api_key": body}),
        content_type="application/json",
        headers=None if header is None else {"Authorization": header},
    )


@pytest.mark.parametrize(
    "sent", [Sent(header="Bearer {}"), Sent(header="bearer  {} "), Sent(body="{}"), Sent(query="{}")]
)
def test_a_key_can_be_sent_in_three_places(client: Client, key: str, sent: Sent) -> None:
    assert send_key(client, key, sent).json()["email"] == owner().email


@pytest.mark.parametrize(
    "sent",
    [
        Sent(header="Bearer {}", body="wrong", query="wrong"),
        Sent(header="Basic eDp5", body="{}", query="wrong"),
        Sent(body="{}", query="wrong"),
    ],
)
def test_what_comes_after_the_first_key_does_not_count(client: Client, key: str, sent: Sent) -> None:
    assert send_key(client, key, sent).status_code == 200


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        (Sent(header="Bearer wrong", body="{}", query="{}"), "Authorization header"),
        (Sent(header="Bearer", body="{}", query="{}"), "Authorization header"),
        (Sent(header="Basic eDp5", body="wrong", query="{}"), "body"),
        (Sent(body="", query="{}"), "body"),
        (Sent(query="wrong"), "query string"),
    ],
)
def test_when_the_first_key_is_wrong_the_answer_says_where_it_was(
    client: Client, key: str, sent: Sent, place: str
) -> None:
    answer = send_key(client, key, sent)
    assert error_of(answer) == (401, "authentication_failed", None)
    assert answer.json()["detail"] == f"Personal API key found in request {place} is invalid."


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "not_authenticated"),
        ("Basic {}", "not_authenticated"),
        ("Token {}", "not_authenticated"),
        ("{}", "not_authenticated"),
        ("Bearer {}x", "authentication_failed"),
        ("Bearer {} x", "authentication_failed"),
        ("Bearer \xe9", "authentication_failed"),
        ("Bearer phc_of_a_project", "authentication_failed"),
    ],
)
def test_without_a_valid_key_the_answer_is_401_and_says_how_to_send_one(
    client: Client, key: str, header: str | None, code: str
) -> None:
    answer = send_key(client, key, Sent(header))
    assert error_of(answer) == (401, code, None)
    assert answer.json()["type"] == "authentication_error"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    if code == "not_authenticated":
        assert answer.json()["detail"] == "Authentication credentials were not provided."


@endpoints
def test_no_endpoint_answers_without_a_key(ask: Ask, endpoint: Endpoint) -> None:
    assert ask(endpoint, "").status_code == 401


def test_somebody_without_a_key_does_not_learn_which_projects_there_are(api: Api, project: Project) -> None:
    anonymous = Api(api.client, "")
    there = anonymous.get(f"/api/projects/{project.pk}/")
    not_there = anonymous.get("/api/projects/999999/")
    assert (there.status_code, there.content) == (not_there.status_code, not_there.content)


def test_only_the_hash_of_a_key_is_stored(db: None) -> None:
    key, value = PersonalAPIKey.issue(owner(), "a", ["*"])
    assert (len(value), value[:4]) == (47, "phx_")
    stored = PersonalAPIKey.objects.values().get(pk=key.pk)
    assert stored["secure_value"] == hashed(value)
    assert value[8:-4] not in str(stored)
    assert stored["mask_value"] == f"phx_...{value[-4:]}"


@endpoints
def test_a_scope_opens_what_it_is_for(ask: Ask, endpoint: Endpoint) -> None:
    answer = ask(endpoint, key_with(endpoint.scope))
    assert answer.status_code in (200, 201, 204), answer.content


@pytest.mark.parametrize("endpoint", [each for each in ENDPOINTS if each.scope.endswith(":read")])
def test_a_scope_to_write_also_opens_what_is_read(ask: Ask, endpoint: Endpoint) -> None:
    answer = ask(endpoint, key_with(endpoint.scope.replace(":read", ":write")))
    assert answer.status_code in (200, 201, 204), answer.content


@endpoints
def test_all_the_other_scopes_together_do_not_open_it(ask: Ask, endpoint: Endpoint) -> None:
    scope = endpoint.scope
    answer = ask(endpoint, key_with(*set(ALL_SCOPES) - {"*", scope, scope.replace(":read", ":write")}))
    assert answer.status_code == 403
    if endpoint.method != "HEAD":
        assert error_of(answer) == (403, "permission_denied", None)
        assert answer.json()["type"] == "authentication_error"
        assert answer.json()["detail"] == f"API key missing required scope '{scope}'"


def test_any_key_may_ask_who_it_is(api: Api, project: Project) -> None:
    project_of(owner(), "not for this key")
    asker = api_with(api, ["activity_log:read"], [project.pk])
    me = asker.get(ME).json()
    assert (me["email"], me["id"], me["uuid"]) == (owner().email, owner().pk, str(owner().uuid))
    assert me["scopes"] == ["activity_log:read"]
    assert [each["id"] for each in me["projects"]] == [me["team"]["id"]] == [project.pk]
    assert me["team"]["api_token"] == project.api_token
    current = asker.get(KEYS + "@current/").json()
    assert (current["scopes"], current["scoped_projects"]) == (["activity_log:read"], [project.pk])
    assert (current["projects"], current["user"]["email"]) == ([project.pk], owner().email)
    assert asker.key not in str(current)


def test_a_key_limited_to_projects_sees_only_those(api: Api, project: Project) -> None:
    hidden = project_of(owner(), "hidden")
    limited = api_with(api, projects=[project.pk])
    assert [each["id"] for each in limited.get("/api/projects/").json()["results"]] == [project.pk]
    assert limited.get(f"/api/projects/{project.pk}/persons/").status_code == 200
    for path in ("", "persons/", "persons/1/", "persons/funnel/"):
        answer = limited.get(f"/api/projects/{hidden.pk}/{path}")
        assert error_of(answer) == (403, "permission_denied", None)
        assert answer.json()["detail"] == (
            f"API key does not have access to the requested project: ID {hidden.pk}."
        )


def test_a_key_limited_to_projects_makes_no_others(api: Api, project: Project) -> None:
    limited = api_with(api, projects=[project.pk])
    assert error_of(limited.post("/api/projects/", {"name": "more"})) == (403, "permission_denied", None)
    assert not Project.objects.filter(name="more").exists()


def test_a_limit_gives_no_access_to_a_project_that_the_user_may_not_see(api: Api) -> None:
    foreign = project_of(stranger())
    limited = api_with(api, projects=[foreign.pk])
    answer = limited.get(f"/api/projects/{foreign.pk}/")
    assert error_of(answer) == (403, "permission_denied", None)
    assert answer.json()["detail"] == "You don't have access to the project."
    assert limited.get("/api/projects/").json()["results"] == []


@pytest.mark.parametrize("path", ["", "persons/", "persons/{person}/", "persons/funnel?{funnel}"])
def test_current_stands_for_the_only_project_a_key_sees(api: Api, project: Project, path: str) -> None:
    project_of(owner(), "not for this key")
    path = path.format(person=person(project, "d").pk, funnel="events=a&events=b&funnel_step=1")
    limited = api_with(api, projects=[project.pk])
    by_name = limited.get(f"/api/projects/@current/{path}")
    assert by_name.status_code == 200
    if not path.startswith("persons/funnel"):
        assert by_name.json() == limited.get(f"/api/projects/{project.pk}/{path}").json()


def test_current_is_refused_where_it_could_be_several_projects_or_none(api: Api, project: Project) -> None:
    other = project_of(owner())
    answer = api.get("/api/projects/@current/persons/")
    assert error_of(answer) == (400, "invalid_input", "project_id")
    assert f"{project.pk}, {other.pk}." in answer.json()["detail"]
    answer = api_with(api, user=stranger()).get("/api/projects/@current/persons/")
    assert error_of(answer) == (400, "invalid_input", "project_id")
    assert "none" in answer.json()["detail"]


@pytest.mark.parametrize(("seconds_ago", "written"), [(None, True), (50, False), (70, True)])
def test_the_last_use_is_noted_once_a_minute(
    api: Api, key: str, seconds_ago: int | None, written: bool
) -> None:
    before = None if seconds_ago is None else now() - timedelta(seconds=seconds_ago)
    PersonalAPIKey.objects.update(last_used_at=before)
    assert api.get(ME).status_code == 200
    after = PersonalAPIKey.objects.get(secure_value=hashed(key)).last_used_at
    assert (after != before) is written
    assert after is not None
    assert abs(datetime.now(UTC) - after) < timedelta(seconds=60)


@pytest.mark.parametrize("name", ["personal_api_key", "personal%5Fapi_key"])
def test_a_key_never_appears_in_links_headers_or_logs(
    api: Api, capture: Capture, project: Project, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    key = api.key
    capture(*(event("a", distinct_id, "2024-03-01T10:00:00Z") for distinct_id in ("u1", "u2", "u3")))
    anonymous = Api(api.client, "")
    people = f"/api/projects/{project.pk}/persons/"
    question = "events=a&events=b&funnel_step=1&date_from=2024-03-01&date_to=2024-03-02"
    caplog.clear()
    for path in (people + "?", people + f"funnel/?{question}&"):
        answer = anonymous.get(f"{path}{name}={key}&limit=1&offset=1")
        page = answer.json()
        links = {link: page[link] for link in ("next", "previous", "initial") if link in page}
        assert len(links) == 2
        assert key not in str((page, answer.headers))
        for link in links.values():
            assert "personal" not in link
            assert api.get(local(link)).status_code == 200
    wrong = anonymous.get(f"{people}?{name}={key}x")
    assert key not in str((wrong.content, wrong.headers))
    assert "persons.request" in caplog.text
    assert key not in caplog.text


def test_the_keys_of_an_inactive_user_do_not_work(api: Api, project: Project) -> None:
    user = owner()
    user.is_active = False
    user.save(update_fields=["is_active"])
    assert error_of(api.get(ME)) == (401, "authentication_failed", None)


def test_the_session_of_the_admin_site_may_read_and_with_its_token_write(project: Project) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner())
    assert browser.get("/api/projects/").json()["count"] == 1
    assert error_of(browser.get(KEYS + "@current/")) == (404, "not_found", None)
    assert browser.get(ME).json()["scopes"] is None

    browser.cookies["csrftoken"] = token = "a" * 32
    body = {"name": "from a browser"}
    refused = browser.post("/api/projects/", body, content_type="application/json")
    assert error_of(refused) == (403, "permission_denied", None)
    assert not Project.objects.filter(name="from a browser").exists()
    made = browser.post(
        "/api/projects/", body, content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert made.status_code == 201
