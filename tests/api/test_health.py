"""What load balancers look at. No key is needed."""

from typing import Any

import pytest

from clickhouse.client import ClickHouse
from persons.models import Project
from persons.outbox.flush import drain
from tests.api.helpers import event
from tests.api_client import Api, error_of


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_live_process_says_so(api: Api, slash: str) -> None:
    answer = api.client.get("/_livez" + slash)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_healthy_service_names_its_stores(api: Api, clickhouse: ClickHouse, slash: str) -> None:
    answer = api.client.get("/_health" + slash)
    assert answer.status_code == 200
    health = answer.json()
    assert health["status"] == health["postgres"]["status"] == health["clickhouse"]["status"] == "ok"
    assert int(health["postgres"]["version"]) >= 14
    assert health["clickhouse"]["version"] == clickhouse.ping()
    assert health["outbox"] == {"pending": 0, "oldest_seconds": 0.0}


def test_events_that_clickhouse_has_not_got_yet_are_pending(
    api: Api, clickhouse: ClickHouse, project: Project
) -> None:
    api.capture(project, [event("e", "d", "2024-03-01T10:00:00Z")])
    outbox = api.client.get("/_health").json()["outbox"]
    # One event, its person, its distinct id.
    assert outbox["pending"] == 3
    assert outbox["oldest_seconds"] >= 0
    drain(clickhouse)
    assert api.client.get("/_health").json()["outbox"]["pending"] == 0


def test_without_clickhouse_the_service_is_alive_but_not_healthy(api: Api, settings: Any) -> None:
    settings.CLICKHOUSE_URL = "http://127.0.0.1:1/nowhere"
    answer = api.client.get("/_health")
    assert answer.status_code == 503
    assert answer.json()["status"] == "down"
    assert answer.json()["clickhouse"] == {"status": "down", "error": "ClickHouseUnavailable"}
    assert answer.json()["postgres"]["status"] == "ok"
    assert api.client.get("/_livez").status_code == 200


@pytest.mark.parametrize("path", ["/_livez", "/_health"])
def test_probes_are_only_read(api: Api, path: str) -> None:
    assert error_of(api.client.post(path)) == (405, "method_not_allowed", None)
    assert api.client.head(path).status_code == 200
