"""CSV files on their way to readers who are slow, or gone."""

import http.client
import json
import time
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from persons.api.files.spool import MOST_AT_ONCE
from persons_api import embedded
from tests.server.conftest import Serve
from tests.server.process import Api

PERSONS = 40
# More than all the buffers between a server and a reader hold.
BYTES = 20 * 1024 * 1024


@pytest.fixture
def api(folder: Path, serve: Serve) -> Api:
    """A project whose persons are a large file."""
    server = serve(folder).ready()
    api = Api(server.url, server.create_project())
    properties = {"$set": {"note": "x" * (BYTES // PERSONS)}}
    for number in range(PERSONS):
        api.send([{"event": "seen", "distinct_id": f"u{number}", "properties": properties}])
    return api


def test_readers_who_do_not_read_hold_neither_the_server_nor_postgresql(api: Api, folder: Path) -> None:
    with ExitStack() as stack:

        def asked() -> http.client.HTTPResponse:
            connection = http.client.HTTPConnection(urlsplit(api.url).netloc, timeout=20)
            stack.enter_context(closing(connection))
            path = f"/api/projects/{api.project.project_id}/persons.csv"
            key = api.project.personal_api_key
            connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
            return stack.enter_context(closing(connection.getresponse()))

        slow = [asked() for _ in range(MOST_AT_ONCE)]
        assert [answer.status for answer in slow] == [200] * MOST_AT_ONCE
        refusal = asked()
        assert (refusal.status, json.load(refusal)["code"]) == (503, "unavailable")
        assert api.send([{"event": "seen", "distinct_id": "u0"}]) == {"status": "Ok"}
        # The flusher has transactions too, short ones.
        give_up_at = time.monotonic() + 20
        while transactions(folder):
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        # Whoever reads after all gets everything, ...
        last = slow.pop()
        assert len(last.read()) == int(last.headers["Content-Length"]) > BYTES
        # ... and who goes away makes room.
        stack.pop_all().close()
        give_up_at = time.monotonic() + 20
        while (answer := asked()).status != 200:
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        assert len(answer.read()) > BYTES


def transactions(folder: Path) -> list[tuple[str, str]]:
    """What goes on in the server's PostgreSQL, but for those who wait for news."""
    with psycopg.connect(host=embedded.postgres_host(folder), dbname="postgres", user="postgres") as own:
        return own.execute(
            "SELECT state, query FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid != pg_backend_pid() AND state != 'idle'"
        ).fetchall()
