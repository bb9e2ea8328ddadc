"""No key and nothing that belongs to a person gets into the log, not even when something breaks."""

import io
import logging
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.db import DataError, connection

from clickhouse.client import ClickHouse
from clickhouse.errors import ClickHouseError
from clickhouse.sql.fragment import sql
from persons.models import Project
from persons.observability.faults import name_of
from persons_api.logs import logging_config
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


PERSONS = "/api/projects/{project}/persons/"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (PERSONS, PERSONS),
        (PERSONS + "12/properties_history/", PERSONS + "12/properties_history/"),
        (
            PERSONS + "0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d/",
            PERSONS + "0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d/",
        ),
        (PERSONS + SECRET + "/", PERSONS + ".../"),
        (PERSONS + SECRET + "/split/", PERSONS + ".../split/"),
        (PERSONS + "ann/", PERSONS + ".../"),
        ("/api/projects/@current/persons/funnel.csv", "/api/projects/@current/persons/funnel.csv"),
        ("/api/projects/@current/personal_api_key=phx_secret/", "/api/projects/@current/.../"),
        ("/phx_secret", "/..."),
        ("/a%0Aforged%1B[31m%E2%80%A8/", "/.../"),
    ],
)
def test_the_path_of_a_logged_request_names_an_endpoint_and_no_person(
    api: Api, project: Project, log: io.StringIO, path: str, shown: str
) -> None:
    api.get(path.format(project=project.pk))
    (line,) = log.getvalue().splitlines()
    assert f" path={shown.format(project=project.pk)} " in line


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\x1b", "\x00", "\x7f", "\x9b", "\u2028", "\u202e", "\ud800"]
)
@pytest.mark.parametrize("style", ["console", "json"])
def test_no_control_character_reaches_the_log(character: str, style: str) -> None:
    text = f"a{character}b"
    logging_config("INFO", style)
    try:
        (handler,) = logging.getLogger().handlers[:1]
        stream = io.StringIO()
        handler.setStream(stream)  # type: ignore[attr-defined]
        structlog.get_logger("test").warning(text, value=text, several=[text])
        logging.getLogger("test").warning("said %s", text)
        try:
            raise ValueError(text)
        except ValueError:
            logging.getLogger("test").exception("failed with %s", text)
    finally:
        logging_config(settings.LOG_LEVEL, settings.LOG_FORMAT)
    written = stream.getvalue()
    assert character == "\n" or character not in written
    assert all(each.isprintable() for line in written.split("\n") for each in line)
    assert not any(line.startswith("b") for line in written.split("\n"))


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
