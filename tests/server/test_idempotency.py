"""A request with an Idempotency-Key is done once, also when the server dies between COMMIT and the answer."""

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psycopg
import pytest

from persons_api.embedded import postgres_host
from tests.server.conftest import Serve
from tests.server.process import PATIENCE_SECONDS, Api, Server

EVENT: dict[str, Any] = {"event": "seen", "distinct_id": "ann", "timestamp": "2025-03-01T12:00:00Z"}
BODY = {"distinct_ids": ["ann", "unknown"]}


def bulk_delete(server: Server, api: Api) -> tuple[Any, str | None]:
    """The answer, and the header that says whether it is a replay."""
    request = urllib.request.Request(
        f"{server.url}/api/projects/{api.project.project_id}/persons/bulk_delete/",
        json.dumps(BODY).encode(),
        {
            "Authorization": f"Bearer {api.project.personal_api_key}",
            "Content-Type": "application/json",
            "Idempotency-Key": "attempt 1",
        },
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        return json.load(answer), answer.headers["Idempotent-Replayed"]


def test_a_request_whose_answer_a_kill_prevents_is_done_once(folder: Path, serve: Serve) -> None:
    server = serve(folder).ready()
    api = Api(server.url, server.create_project())
    api.send([EVENT])
    where = {"host": postgres_host(folder), "user": "postgres", "dbname": "postgres"}
    with (
        psycopg.connect(**where) as holder,  # type: ignore[arg-type]
        psycopg.connect(**where, autocommit=True) as observer,  # type: ignore[arg-type]
    ):
        # COMMIT checks foreign keys, and so waits for the row of the project.
        project = [api.project.project_id]
        holder.execute("SELECT 1 FROM persons_project WHERE id = %s FOR UPDATE", project)
        with ThreadPoolExecutor(1) as threads:
            sending = threads.submit(bulk_delete, server, api)
            waiting = "SELECT 1 FROM pg_stat_activity WHERE query = 'COMMIT' AND wait_event_type = 'Lock'"
            server.wait_until(lambda: observer.execute(waiting).fetchone())
            # The worker cannot read that PostgreSQL has committed, and dies before it could.
            for worker in server.workers():
                worker.suspend()
            holder.rollback()
            stored = "SELECT status FROM persons_idempotentanswer"
            server.wait_until(lambda: observer.execute(stored).fetchall() == [(202,)])
            server.kill_everything()
            with pytest.raises((OSError, HTTPException)):
                sending.result()

    server = serve(folder).ready()
    expected = {"persons_found": 1, "persons_deleted": 1, "distinct_ids_not_found": ["unknown"]}
    for _ in range(2):
        answer, replayed = bulk_delete(server, api)
        assert {name: answer[name] for name in expected} == expected
        assert replayed == "true"
    again = Api(server.url, api.project)
    activity = again.get("activity/")["results"]
    assert [entry["activity"] for entry in activity] == ["deleted"]
    assert server.terminate() == 0
