"""What only a real server can show of a request."""

import http.client
import json
import urllib.error
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.server.conftest import Serve
from tests.server.process import Api, Server, stop_postgres

EVENT: dict[str, Any] = {"event": "seen", "distinct_id": "d", "timestamp": "2025-03-01T12:00:00Z"}


def test_a_body_in_chunks_arrives_whole(server: Server) -> None:
    api = Api(server.url, server.create_project())
    body = json.dumps({"api_key": api.project.project_token, "batch": [EVENT]}).encode()
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    connection.request(
        "POST",
        "/batch",
        iter([body[:30], body[30:]]),
        {"Content-Type": "application/json"},
        encode_chunked=True,
    )
    answer = connection.getresponse()
    assert (answer.status, json.load(answer)) == (200, {"status": "Ok"})
    connection.close()
    server.settled()
    assert api.persons_who_did("seen") == 1


def test_while_postgresql_is_away_capture_says_when_to_try_again(folder: Path, serve: Serve) -> None:
    server = serve(folder).ready()
    api = Api(server.url, server.create_project())
    stop_postgres(folder)
    with pytest.raises(urllib.error.HTTPError) as refusal:
        api.send([EVENT])
    assert refusal.value.code == 503
    assert int(refusal.value.headers["Retry-After"]) >= 1
    assert server.pending() is None
