"""What is wrong with a request before any view sees it, and errors that no view handles."""

import asyncio
import io
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from structlog.testing import capture_logs

from persons_api.asgi import Gateway
from persons_api.wsgi import application, with_error_answers


def call(app: Callable[..., Iterable[bytes]], **environ: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and JSON of an answer, asked of the WSGI application as a server does."""
    started: list[Any] = []
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/batch/",
        "QUERY_STRING": "x=%C3%A9",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "wsgi.input": io.BytesIO(b""),
        "wsgi.url_scheme": "http",
        **environ,
    }
    answer: Any = app(request, lambda *given: started.extend(given))
    body = b"".join(answer)
    getattr(answer, "close", lambda: None)()
    return int(started[0][:3]), dict(started[1]), json.loads(body)


@pytest.mark.parametrize(
    "parameter",
    [
        "charset=zip",
        "charset=base64",
        "charset=hex",
        "charset=rot13",
        "charset=punycode",
        "charset=idna",
        "charset=utf-16",
        "charset=utf-7",
        "charset=nonsense",
        'charset="zip"',
        "charset*=utf-8''zip",
        "x*=nonsense''a",
        "charset=" + "a" * 5_000,
    ],
)
@pytest.mark.parametrize("path", ["/batch/", "/api/projects/", "/_livez/", "/admin/", "/nowhere"])
# Django looks after a connection that an earlier test left open.
@pytest.mark.django_db
def test_a_charset_outside_the_list_is_415(parameter: str, path: str) -> None:
    status, headers, error = call(application, PATH_INFO=path, CONTENT_TYPE=f"application/json; {parameter}")
    assert (status, error["code"], error["attr"]) == (415, "unsupported_media_type", None)
    assert "utf-8, us-ascii or iso-8859-1" in error["detail"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Request-ID"]


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/x-www-form-urlencoded; charset=utf8",
        "application/json; charset=us-ascii",
        "text/plain; charset=ISO-8859-1",
        "text/plain; charset=latin-1",
        "application/json; charset=",
    ],
)
@pytest.mark.django_db
def test_charsets_that_clients_send_are_accepted(content_type: str) -> None:
    status, _, error = call(application, CONTENT_TYPE=content_type)
    # The body is empty: capture read it, and found no JSON.
    assert (status, error["code"]) == (400, "parse_error")


def broken(environ: Any, start_response: Any) -> Iterable[bytes]:
    raise LookupError


PERSON = "/api/projects/1/persons/ann@example.com/"
LINES = [("request.failed", "/api/projects/1/persons/.../")]


def test_an_error_outside_django_is_the_standard_answer_and_a_log_line() -> None:
    with capture_logs() as lines:
        status, headers, error = call(with_error_answers(broken), PATH_INFO=PERSON)
    assert (status, error["type"], error["code"]) == (500, "server_error", "error")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")
    assert [(line["event"], line["path"]) for line in lines] == LINES


def test_an_error_of_the_gateway_is_the_standard_answer_and_a_log_line() -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": "GET",
        "path": PERSON,
        "raw_path": PERSON.encode(),
        "query_string": b"",
        "headers": [],
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 1),
    }
    with capture_logs() as lines:
        asyncio.run(Gateway(broken, query_slots=1, threads=1)(scope, receive, send))
    assert (sent[0]["status"], json.loads(sent[1]["body"])["code"]) == (500, "error")
    assert [(line["event"], line["path"]) for line in lines] == LINES
