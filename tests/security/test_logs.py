"""No key and nothing that belongs to a person gets into the log, not even when something breaks."""

import io
import logging
from typing import Any

import pytest
from django.db import DataError, connection

from clickhouse.client import ClickHouse
from clickhouse.errors import ClickHouseError
from clickhouse.sql.fragment import sql
from persons.models import Project
from persons.observability.faults import name_of
from tests.api.helpers import Capture, event
from tests.api_client import Api

SECRET = "ann@example.com"


@pytest.fixture
def log() -> Any:
    """All that is logged, as it is written."""
    (handler,) = logging.getLogger().handlers[:1]
    stream = io.StringIO()
    before = handler.setStream(stream)  # type: ignore[attr-defined]
    yield stream
    handler.setStream(before)  # type: ignore[attr-defined]


def test_requests_are_logged_without_keys_and_values(
    api: Api, project: Project, capture: Capture, log: io.StringIO, settings: Any
) -> None:
    settings.SLOW_QUERY_SECONDS = 0.0
    persons = f"/api/projects/{project.pk}/persons/"
    capture(event("e", SECRET, "2024-03-01T10:00:00Z", properties={"$set": {"email": SECRET}}))
    api.get(persons, {"search": SECRET, "personal_api_key": api.key})
    api.get(f"{persons}values/", {"key": "email", "value": SECRET})
    api.get(f"{persons}properties_at_time/", {"distinct_id": SECRET, "timestamp": "2024-03-02"})
    steps = [{"id": "e", "properties": [{"key": "email", "value": SECRET, "type": "person"}]}, {"id": "f"}]
    api.get(f"{persons}funnel/", {"events": steps, "funnel_step": 1, "date_from": "2024-03-01"})
    api.send("DELETE", f"{persons}?distinct_id={SECRET}")
    written = log.getvalue()
    assert written.count("persons.request") == 6
    assert "clickhouse.slow" in written
    assert SECRET not in written
    assert api.key not in written


def test_errors_of_the_stores_are_logged_by_kind_and_number(
    clickhouse: ClickHouse, db: None, log: io.StringIO
) -> None:
    """What they say may quote a value."""
    logger = logging.getLogger("test")
    with pytest.raises(ClickHouseError, match=SECRET) as of_clickhouse:
        clickhouse.rows(sql("SELECT toUInt8({text:String})", text=SECRET))
    with pytest.raises(DataError, match=SECRET) as of_postgres, connection.cursor() as cursor:
        cursor.execute("SELECT %s::int", [SECRET])
    for error in (of_clickhouse.value, of_postgres.value):
        logger.error("failed", exc_info=error)
    written = log.getvalue()
    assert SECRET not in written
    assert "test_logs.py" in written
    assert name_of(of_postgres.value) == "DataError (22P02)"
    assert name_of(of_clickhouse.value) == "ClickHouseError (6)"
    assert name_of(of_postgres.value) in written
    assert name_of(of_clickhouse.value) in written
