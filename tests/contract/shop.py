"""A project of a running server, as its owner sees it: over HTTP, with a personal API key."""

import json
import time
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

PATIENCE_SECONDS = 15.0


@dataclass(frozen=True)
class Shop:
    url: str
    key: str
    project_id: int
    token: str

    @classmethod
    def opened(cls, url: str, key: str) -> "Shop":
        """A fresh project."""
        made = asked(f"{url}/api/projects/", key, {"name": "Shop"})
        return cls(url, key, made["id"], made["api_token"])

    def sends(self, events: list[dict[str, Any]]) -> None:
        """Let events happen, as an import does."""
        body = {"api_key": self.token, "historical_migration": True, "batch": events}
        answer = asked(f"{self.url}/batch/", self.key, body)
        assert answer == {"status": "Ok"}

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        """The answer of an endpoint of the project."""
        return asked(f"{self.url}/api/projects/{self.project_id}/{path}", self.key, body, method)

    def persons(self, **filters: str) -> list[dict[str, Any]]:
        page = asked(f"{self._persons}?{urlencode(filters)}", self.key)
        found: list[dict[str, Any]] = page["results"]
        return found

    def person(self, distinct_id: str) -> dict[str, Any]:
        (found,) = self.persons(distinct_id=distinct_id)
        return found

    def did(self, event: str, times: int) -> list[str]:
        """Who did an event exactly so many times: uuids."""
        return self._funnel([event] * (times + 1), -(times + 1))

    def did_in_order(self, *events: str) -> list[str]:
        """Who did the events one after the other: uuids."""
        return self._funnel(list(events), len(events))

    def settle(self) -> None:
        """Wait until questions see everything that has been taken."""
        until = time.monotonic() + PATIENCE_SECONDS
        while asked(f"{self.url}/_health/", self.key)["outbox"]["pending"]:
            assert time.monotonic() < until, "what was taken does not become visible"
            time.sleep(0.05)

    @property
    def _persons(self) -> str:
        return f"{self.url}/api/projects/{self.project_id}/persons/"

    def funnel(self, question: dict[str, Any]) -> list[dict[str, Any]]:
        """The persons of a funnel."""
        (found,) = asked(f"{self._persons}funnel/", self.key, question)["results"]
        people: list[dict[str, Any]] = found["people"]
        return people

    def _funnel(self, events: list[str], step: int) -> list[str]:
        asked = {"events": [{"id": event} for event in events], "funnel_step": step}
        return [person["uuid"] for person in self.funnel(asked)]


def asked(url: str, key: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        text = answer.read()
    return json.loads(text) if text else None
