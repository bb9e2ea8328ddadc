"""Deleting and resetting against a real server, also one that is killed meanwhile."""

import itertools
import json
import random
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tests.server.conftest import Serve
from tests.server.process import Api
from tests.server.test_kill import KILLS, WAYS

PERSONS = 60


def post(api: Api, path: str, body: Any, key: str) -> Any:
    headers = {
        "Authorization": f"Bearer {api.project.personal_api_key}",
        "Content-Type": "application/json",
        "Idempotency-Key": key,
    }
    address = f"{api.url}/api/projects/{api.project.project_id}/persons/{path}"
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status


def event(name: str, number: int, day: int) -> dict[str, Any]:
    return {"event": name, "distinct_id": f"d{number}", "timestamp": f"2025-03-0{day}T12:00:00Z"}


def removed(api: Api) -> bool:
    return bool(api.get("deletion_status/", status="pending")["count"] == 0)


def test_deletions_and_resets_that_are_cut_off_by_kills_are_done_once(folder: Path, serve: Serve) -> None:
    """Each person is deleted with its events, comes back, and every second one is reset; a request without an
    answer is sent again."""
    rng = random.Random(7)
    server = serve(folder).ready()
    project = server.create_project()
    Api(server.url, project).send([event("before", number, 1) for number in range(PERSONS)])
    todo = iter(range(PERSONS))
    unanswered: list[int] = []

    def undo(number: int, api: Api) -> None:
        body: dict[str, Any] = {"distinct_ids": [f"d{number}"], "delete_events": True}
        assert post(api, "bulk_delete/", body, f"delete {number}") == 202
        api.send([{**event("after", number, 2), "uuid": f"00000000-0000-4000-8000-{number:012}"}])
        if number % 2:
            body = {"distinct_id": f"d{number}"}
            assert post(api, "reset_person_distinct_id/", body, f"reset {number}") == 202

    def undo_until_it_ends(api: Api) -> None:
        while (number := unanswered.pop() if unanswered else next(todo, None)) is not None:
            try:
                undo(number, api)
            except (urllib.error.URLError, OSError, HTTPException):
                unanswered.append(number)
                return

    for kill in itertools.islice(itertools.cycle(WAYS), KILLS):
        with ThreadPoolExecutor(2) as threads:
            working = [threads.submit(undo_until_it_ends, Api(server.url, project)) for _ in range(2)]
            time.sleep(rng.uniform(0.1, 0.6))
            kill(server)
        for future in working:
            future.result()
        server = serve(folder).ready()
    api = Api(server.url, project)
    undo_until_it_ends(api)
    assert unanswered == []
    server.wait_until(lambda: removed(api))
    server.settled()
    assert api.get("deletion_status/")["count"] == PERSONS
    reset = {f"d{number}" for number in range(1, PERSONS, 2)}
    assert {each["distinct_ids"][0] for each in api.get("")["results"]} == reset
    assert (api.persons_who_did("after"), api.persons_who_did("before")) == (len(reset), 0)
    assert api.persons_who_did("after", times=2) == 0
