"""What ClickHouse and the log are told of each statement."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from clickhouse.client import ClickHouse
from clickhouse.errors import ClickHouseError
from clickhouse.observing import Asker, Statement, asker, observers
from clickhouse.sql.fragment import Fragment, sql
from persons.models import Project
from tests.api.helpers import Capture, event
from tests.api_client import Api

ASKED = Fragment("SELECT getSetting('log_comment')")


def test_clickhouse_knows_for_whom_it_works(clickhouse: ClickHouse) -> None:
    """Also with a request id that would end a string in SQL."""
    asking = Asker("/api/projects/{project_id}/persons/", request_id="it's \\ mine", project="7")
    said = []
    token = asker.set(asking)
    try:
        said += [clickhouse.rows(ASKED)[0][0]]
        clickhouse.read_blocks(ASKED, said.extend)
    finally:
        asker.reset(token)
    assert [json.loads(each) for each in said] == 2 * [
        {"request_id": "it's \\ mine", "project": "7", "endpoint": "/api/projects/{project_id}/persons/"}
    ]
    assert clickhouse.rows(ASKED) == [("",)]


def test_every_statement_of_a_request_is_its_own(
    api: Api, project: Project, capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    capture(event("e", "ann", "2024-03-01T10:00:00Z"))
    seen: list[Statement] = []
    monkeypatch.setattr("clickhouse.observing.observers", [*observers, seen.append])
    path = f"/api/projects/{project.pk}/persons/funnel/"
    query = {"events": [{"id": "e"}, {"id": "f"}], "funnel_step": 1, "date_from": "all"}
    answer = api.get(path, query, **{"X-Request-ID": "mine"})
    assert (answer.status_code, len(seen)) == (200, 2)
    assert {each.asker for each in seen} == {
        Asker("/api/projects/{project_id}/persons/funnel/", "mine", str(project.pk))
    }


def test_a_slow_statement_is_logged_without_its_values(clickhouse: ClickHouse, settings: Any) -> None:
    statement = sql("SELECT sleep(0.01), {name:String}", name="ann@example.com")
    with capture_logs() as lines:
        clickhouse.rows(statement)
        settings.SLOW_QUERY_SECONDS = 0.01
        clickhouse.rows(statement)
    assert [line["event"] for line in lines] == ["clickhouse.slow"]
    assert lines[0]["statement"] == "SELECT sleep(0.01), {name:String}"
    assert lines[0]["seconds"] >= 0.01
    assert "ann@example.com" not in str(lines)


def test_what_failed_is_told_as_well(clickhouse: ClickHouse, settings: Any) -> None:
    settings.SLOW_QUERY_SECONDS = 0.0
    with capture_logs() as lines, pytest.raises(ClickHouseError):
        clickhouse.rows(Fragment("SELECT throwIf(1)"))
    assert lines[0]["error"] == "ClickHouseError" or lines[0]["error"] == "DatabaseError"
