"""A server that is killed in the middle of everything has lost and doubled nothing."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.server.process import ROOT, Server

KILLS = int(os.environ.get("PERSONS_KILLS", "3"))
SENDERS, BATCH, SECONDS_BETWEEN_KILLS = 3, 20, 1.5
_COUNT_UUIDS = """
import json, sys
from clickhouse.client import connect
from clickhouse.sql.fragment import Fragment

rows = connect(sys.argv[1]).rows(Fragment("SELECT toString(uuid), count() FROM events GROUP BY uuid"))
print(json.dumps(dict(rows)))
"""


@dataclass
class Sender:
    """Sends batches, each event by a person of its own, until the server is gone. What got no answer is sent
    again first, as SDKs do."""

    server: Server
    token: str
    answered: set[str] = field(default_factory=set)
    unanswered: list[dict[str, Any]] = field(default_factory=list)

    def send(self) -> None:
        while True:
            batch = self.unanswered or [
                {"event": "e", "distinct_id": str(uuid.uuid4()), "uuid": str(uuid.uuid4())}
                for _ in range(BATCH)
            ]
            self.unanswered = batch
            try:
                status, body = self.server.request("/batch/", {"api_key": self.token, "batch": batch})
            except OSError:
                return
            assert (status, body) == (200, {"status": "Ok"})
            self.answered |= {event["uuid"] for event in batch}
            self.unanswered = []


def test_every_event_that_was_answered_is_there_once_whenever_the_server_is_killed(server: Server) -> None:
    made = server.start().create_project()
    senders = [Sender(server, made["project_token"]) for _ in range(SENDERS)]
    for _ in range(KILLS):
        threads = [threading.Thread(target=sender.send) for sender in senders]
        for thread in threads:
            thread.start()
        time.sleep(SECONDS_BETWEEN_KILLS)
        server.stop(signal.SIGKILL)
        for thread in threads:
            thread.join()
        server.start().settle()
        answered = sum(len(sender.answered) for sender in senders)
        unanswered = sum(len(sender.unanswered) for sender in senders)
        assert answered > 0
        assert answered <= persons_who_did(server, made, 1) <= answered + unanswered
        assert persons_who_did(server, made, 2) == 0
    assert server.stop() == 0
    assert_stored_once(server, senders)


def persons_who_did(server: Server, made: dict[str, Any], times: int) -> int:
    """How many persons have the event at least so many times."""
    asked = {"events": [{"id": "e"}] * 2, "funnel_step": times, "include_total": True, "limit": 1}
    path = f"/api/projects/{made['project_id']}/persons/funnel/"
    status, answer = server.request(path, asked, made["personal_api_key"])
    assert status == 200, answer
    return int(answer["total_count"])


def assert_stored_once(server: Server, senders: list[Sender]) -> None:
    url = f"chdb://{server.folder / 'clickhouse'}"
    counted = subprocess.run(
        [sys.executable, "-c", _COUNT_UUIDS, url], cwd=ROOT, capture_output=True, text=True, check=True
    )
    times = json.loads(counted.stdout)
    assert set(times.values()) == {1}
    answered = {identifier for sender in senders for identifier in sender.answered}
    unanswered = {event["uuid"] for sender in senders for event in sender.unanswered}
    assert answered <= times.keys() <= answered | unanswered
