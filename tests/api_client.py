"""A client for tests: JSON in, JSON out."""

import json
from dataclasses import dataclass
from typing import Any

import orjson
from django.test import Client

from persons.models import Project


@dataclass
class Api:
    client: Client
    key: str

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Any:
        flat = {
            name: value if isinstance(value, str) else orjson.dumps(value).decode()
            for name, value in (query or {}).items()
        }
        return self.client.get(path, flat, headers=self._headers(headers))

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return self.client.generic(
            method,
            path,
            b"" if body is None else orjson.dumps(body),
            content_type="application/json",
            headers=self._headers(headers),
        )

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def capture(self, project: Project, events: list[dict[str, Any]], **envelope: Any) -> Any:
        body = {"api_key": project.api_token, "historical_migration": True, "batch": events, **envelope}
        return self.client.post("/batch/", json.dumps(body), content_type="application/json")

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", **headers} if self.key else headers


def error_of(response: Any) -> tuple[int, str, str | None]:
    """Status, code and attr of an error in the standard shape."""
    body = orjson.loads(response.content)
    assert set(body) >= {"type", "code", "detail", "attr"}
    assert body["detail"]
    return response.status_code, body["code"], body["attr"]
