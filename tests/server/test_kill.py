"""A server that is killed in the middle of a stream of events has lost none and doubled none."""

import itertools
import os
import random
import time
import urllib.error
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Serve
from tests.server.process import Api, Server, stored_events

KILLS = int(os.environ.get("PERSONS_KILLS", "3"))
SENDERS, BATCH = 4, 50
WAYS: list[Callable[[Server], Any]] = [Server.kill, Server.kill_worker, Server.kill_everything]


@dataclass
class Sender:
    """Sends batches until nobody answers; what was not answered comes first the next time, as in SDKs.

    Each event is of a person of its own, so persons can be counted for events.
    """

    answered: set[str] = field(default_factory=set)
    unanswered: list[dict[str, Any]] = field(default_factory=list)

    def send_until_it_ends(self, api: Api) -> None:
        while self.send(api):
            pass

    def send(self, api: Api) -> bool:
        """Send a batch; returns whether it was answered."""
        self.unanswered = self.unanswered or [
            {
                "event": "sent",
                "distinct_id": f"person of {identifier}",
                "uuid": identifier,
                "timestamp": "2025-03-01T12:00:00Z",
            }
            for identifier in (str(uuid.uuid4()) for _ in range(BATCH))
        ]
        try:
            assert api.send(self.unanswered) == {"status": "Ok"}
        except urllib.error.HTTPError as error:
            if error.code < 500:
                raise
            return False
        except (OSError, HTTPException):
            return False
        self.answered |= {event["uuid"] for event in self.unanswered}
        self.unanswered = []
        return True


@pytest.mark.tokens
def test_every_event_that_was_answered_is_there_once_whenever_the_server_is_killed(
    folder: Path, serve: Serve
) -> None:
    rng = random.Random(42)
    senders = [Sender() for _ in range(SENDERS)]
    server = serve(folder).ready()
    project = server.create_project()
    for kill in itertools.islice(itertools.cycle(WAYS), KILLS):
        answered = sum(len(sender.answered) for sender in senders)
        api = Api(server.url, project)
        with ThreadPoolExecutor(SENDERS) as threads:
            sending = [threads.submit(sender.send_until_it_ends, api) for sender in senders]
            time.sleep(rng.uniform(0.5, 2))
            kill(server)
        for future in sending:
            future.result()

        server = serve(folder).settled()
        api = Api(server.url, project)
        before, answered = answered, sum(len(sender.answered) for sender in senders)
        unanswered = sum(len(sender.unanswered) for sender in senders)
        assert before < answered
        assert answered <= api.persons_who_did("sent") <= answered + unanswered
        assert all(sender.send(api) for sender in senders)
        server.settled()
        assert api.persons_who_did("sent") == answered + unanswered
        assert api.persons_who_did("sent", 2) == 0
    assert server.terminate() == 0

    sent = {identifier for sender in senders for identifier in sender.answered}
    assert stored_events(folder, project.project_id) == dict.fromkeys(sent, 1)
