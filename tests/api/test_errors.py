"""Whatever is wrong with a request, the answer has one shape, and it is never a 500 or a quiet 200."""

import json
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
import pytest

from persons.models import Project
from tests.api.helpers import event, person, send_bytes
from tests.api_client import Api, error_of

FUNNEL = "/api/projects/@current/persons/funnel/"
# All that a funnel needs, so that whatever is overlooked shows as a 200.
EVENTS = [{"id": "a"}, {"id": "b"}]
ASKED = f"events={quote(json.dumps(EVENTS))}&funnel_step=1"
MEGABYTE = 1024 * 1024


class Wrong(NamedTuple):
    method: str
    path: str
    status: int
    type: str
    code: str
    body: bytes = b""
    content_type: str = "application/json"
    accept: str = "application/json"


def body(content: bytes, status: int = 400, code: str = "parse_error", **fields: Any) -> Wrong:
    kind = "validation_error" if code == "invalid_input" else "invalid_request"
    return Wrong("POST", f"{FUNNEL}?{ASKED}", status, kind, code, content, **fields)


UNSUPPORTED = (415, "unsupported_media_type")
REQUESTS = [
    body(b"{"),
    body(b" "),
    body(b"{'a': 1}"),
    body(b'{"a": NaN}'),
    body(b'{"a": 1e400}'),
    body(b'{"a": "\xe9"}'),
    body(b'{"a": "\\ud800"}'),
    body(b"\xef\xbb\xbf{}"),
    body(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    body(b"[]", code="invalid_input"),
    body(b"5", code="invalid_input"),
    body(b"null", code="invalid_input"),
    body(b'"text"', code="invalid_input"),
    body(b"a=1", *UNSUPPORTED, content_type="application/x-www-form-urlencoded"),
    body(b"{}", *UNSUPPORTED, content_type="multipart/form-data; boundary=x"),
    body(b"{}", *UNSUPPORTED, content_type="text/plain"),
    body(b"{}", *UNSUPPORTED, content_type="nonsense"),
    body(b'{"x": "' + b"y" * 20 * MEGABYTE + b'"}', 413, "payload_too_large"),
    Wrong("GET", f"{FUNNEL}?{ASKED}", 400, "invalid_request", "parse_error", b"{"),
    Wrong("PATCH", "/api/projects/@current/", 400, "invalid_request", "parse_error", b"{"),
    Wrong("POST", "/api/projects/", 400, "validation_error", "invalid_input", b"[]"),
    Wrong("GET", f"{FUNNEL}?{ASKED}&x=%FF", 400, "validation_error", "invalid_input"),
    Wrong("GET", f"{FUNNEL}?{ASKED}&%FF=x", 400, "validation_error", "invalid_input"),
    Wrong("GET", f"{FUNNEL}?{ASKED}&{'x=1&' * 1011}", 400, "invalid_request", "parse_error"),
    Wrong("GET", f"{FUNNEL}?{ASKED}", 406, "invalid_request", "not_acceptable", accept="text/html"),
    Wrong("GET", f"{FUNNEL}?{ASKED}", 406, "invalid_request", "not_acceptable", accept=";;;"),
    Wrong("PUT", FUNNEL, 405, "invalid_request", "method_not_allowed"),
    Wrong("POST", "/api/projects/@current/persons/", 405, "invalid_request", "method_not_allowed"),
    Wrong("NONSENSE", "/api/users/@me/", 405, "invalid_request", "method_not_allowed"),
    Wrong("GET", "/api/personal_api_keys/1/", 405, "invalid_request", "method_not_allowed"),
    Wrong("GET", "/api/nothing/", 404, "invalid_request", "not_found"),
    Wrong("GET", "/api/nothing", 404, "invalid_request", "not_found", accept="text/html"),
    Wrong("POST", "/api", 404, "invalid_request", "not_found", b"{"),
    Wrong("GET", "/", 404, "invalid_request", "not_found", accept="text/html"),
    Wrong("GET", "//", 404, "invalid_request", "not_found"),
    Wrong("GET", "/%FF%00", 404, "invalid_request", "not_found"),
    Wrong("GET", "/api/projects/@current/persons/a/b/", 404, "invalid_request", "not_found"),
]


@pytest.mark.parametrize(
    "wrong", REQUESTS, ids=[f"{each.method} {each.path[:40]} {each.body[:20]!r}" for each in REQUESTS]
)
def test_every_error_has_the_same_shape(api: Api, project: Project, wrong: Wrong) -> None:
    answer = send_bytes(api, wrong.method, wrong.path, wrong.body, wrong.content_type, Accept=wrong.accept)
    assert answer.headers["Content-Type"] == "application/json"
    error = orjson.loads(answer.content)
    assert set(error) == {"type", "code", "detail", "attr"}
    assert (answer.status_code, error["type"], error["code"]) == (wrong.status, wrong.type, wrong.code)
    assert (bool(error["detail"]), error["attr"]) == (True, None)


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b'{"x": "' + b"y" * 20 * MEGABYTE + b'"}', "application/json", 413),
    ],
)
def test_a_bad_body_is_not_overlooked_because_the_key_is_in_the_query_string(
    api: Api, project: Project, content: bytes, content_type: str, status: int
) -> None:
    anonymous = Api(api.client, "")
    path = f"{FUNNEL}?{ASKED}&personal_api_key={api.key}"
    assert send_bytes(anonymous, "POST", path, content, content_type).status_code == status
    assert send_bytes(anonymous, "POST", path, b"{}").status_code == 200


@pytest.mark.parametrize("path", ["persons", "persons/", "persons.csv"])
def test_persons_cannot_be_posted_and_the_refusal_says_how_they_are_made(
    api: Api, project: Project, path: str
) -> None:
    answer = api.post(f"/api/projects/{project.pk}/{path}", {"distinct_ids": ["u"]})
    assert error_of(answer) == (405, "method_not_allowed", None)
    assert all(text in answer.json()["detail"] for text in ("$identify", "$set", "/batch/"))
    assert "POST" not in answer.headers["Allow"]


def test_a_method_that_is_not_allowed_is_answered_with_those_that_are(api: Api, project: Project) -> None:
    assert api.send("DELETE", FUNNEL).headers["Allow"] == "GET, POST, HEAD, OPTIONS"


def test_a_body_of_20_megabytes_is_read(api: Api, project: Project) -> None:
    frame = b'{"x": "%s"}'
    content = frame % (b"y" * (20 * MEGABYTE - len(frame) + 2))
    assert len(content) == 20 * MEGABYTE
    assert send_bytes(api, "POST", f"{FUNNEL}?{ASKED}", content).status_code == 200


@pytest.mark.parametrize(
    ("query", "sent", "attr"),
    [
        ("x=%00", {}, "x"),
        ("x=a%00b&x=c%00", {}, "x"),
        ("%00=x", {}, None),
        ("", {"x": "a\0b"}, "x"),
        ("", {"x": [1, {"y": "\0"}]}, "x.1.y"),
        ("", {"x": {"\0": 1}}, "x"),
        ("", {"\0": 1}, None),
        ("", {"events": [{"id": "a\0"}, {"id": "b"}]}, "events.0.id"),
        ("", {"events": json.dumps([{"id": "a\0"}, {"id": "b"}])}, "events"),
    ],
)
def test_nul_characters_are_refused_wherever_they_are(
    api: Api, project: Project, query: str, sent: dict[str, Any], attr: str | None
) -> None:
    answer = api.post(f"{FUNNEL}?{ASKED}&{query}", {"events": EVENTS, **sent})
    assert error_of(answer) == (400, "invalid_input", attr)
    assert answer.json()["detail"] == "NUL characters are not allowed."


def test_a_backslash_before_u0000_is_no_nul_character(api: Api, project: Project) -> None:
    assert api.post(FUNNEL, {"events": EVENTS, "funnel_step": 1, "x": "\\u0000"}).status_code == 200


@pytest.mark.parametrize(("inside", "status"), [(b"1", 200), (b'"\\u0000"', 400)])
def test_deep_nesting_does_not_matter(api: Api, project: Project, inside: bytes, status: int) -> None:
    content = b'{"x":' + b"[" * 1000 + inside + b"]" * 1000 + b"}"
    answer = send_bytes(api, "POST", f"{FUNNEL}?{ASKED}", content)
    assert answer.status_code == status


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "us-ascii", "iso-8859-1"])
def test_the_charset_of_the_body_changes_nothing(api: Api, project: Project, charset: str) -> None:
    person(project, "é")
    path = "/api/projects/@current/persons/?distinct_id=%C3%A9"
    answer = send_bytes(api, "GET", path, b"{}", f"application/json; charset={charset}")
    assert [each["name"] for each in answer.json()["results"]] == ["é"]
    answer = send_bytes(
        api, "GET", path, '{"distinct_id": "é"}'.encode(), f"application/json; charset={charset}"
    )
    assert [each["name"] for each in answer.json()["results"]] == ["é"]


@pytest.mark.parametrize(
    "accept", ["*/*", "application/*", "application/json; indent=4", "text/html, */*;q=0.8"]
)
def test_whoever_takes_anything_gets_json(api: Api, accept: str) -> None:
    answer = api.get("/api/users/@me/", Accept=accept)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize(
    "path",
    [
        "/api/projects/",
        "/api/projects/@current/",
        "/api/projects/@current/persons/",
        "/api/projects/@current/persons/1/",
        f"{FUNNEL}?{ASKED}",
        f"{FUNNEL}?events=a&events=b&funnel_step=1",
        "/api/personal_api_keys/",
        "/api/personal_api_keys/@current/",
        "/api/users/@me/",
        "/_health",
    ],
)
def test_options_and_head_are_answered_like_the_rest(api: Api, project: Project, path: str) -> None:
    options = api.send("OPTIONS", path)
    assert (options.status_code, "GET" in options.headers["Allow"]) == (200, True)
    read, head = api.get(path), api.send("HEAD", path)
    assert (head.status_code, head.content) == (read.status_code, b"")
    assert read.status_code == (404 if "/1/" in path else 200)


def test_without_clickhouse_questions_are_503_and_worth_repeating(
    api: Api, project: Project, settings: Any
) -> None:
    settings.CLICKHOUSE_URL = "http://127.0.0.1:1/nowhere"
    answer = api.get(f"{FUNNEL}?{ASKED}")
    assert error_of(answer) == (503, "unavailable", None)
    assert (answer.json()["type"], answer.headers["Retry-After"]) == ("server_error", "1")
    assert "127.0.0.1" not in answer.content.decode()
    person(project, "d")
    assert len(api.get("/api/projects/@current/persons/").json()["results"]) == 1
    assert api.capture(project, [event("a", "d", "2024-03-01")]).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "", "localhost:x"])
def test_a_host_that_is_not_ours_is_told_why_it_is_refused(api: Api, project: Project, host: str) -> None:
    answer = api.get(f"{FUNNEL}?{ASKED}", Host=host)
    assert error_of(answer) == (400, "parse_error", None)
    assert "ALLOWED_HOSTS" in answer.json()["detail"]
