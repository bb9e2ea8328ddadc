"""Property filters: the engine and the plain reference agree on every document and every filter."""

import itertools
import os
import uuid
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import HealthCheck, given, settings

from clickhouse.client import ClickHouse
from clickhouse.sql.filters import on_event
from clickhouse.sql.fragment import joined, sql
from clickhouse.sql.persons import events_with_merges
from persons.api.parameters.filters import stored_filter
from persons.api.parameters.leaves import Context
from persons.api.parameters.properties import OPERATORS
from persons.models import Project
from tests.clickhouse import reference_filters as reference
from tests.clickhouse.generated_filters import ASKED, DOCUMENTS, SCALARS, WITHOUT_LISTS, Example, examples

EXAMPLES = int(os.environ.get("FILTER_EXAMPLES", "60"))
NOW = datetime(2024, 3, 15, 18, 20, 30, 500_000, tzinfo=UTC)
PROJECT_IDS = itertools.count(1_000_000)


CONTEXT = Context(Project(pk=7, timezone="Europe/Berlin"), NOW)
TAKES_ANY_TEXT = {"icontains", "not_icontains", *(each for each in OPERATORS if each not in ASKED)}


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(example=examples)
def test_the_engine_and_the_reference_agree(clickhouse: ClickHouse, example: Example) -> None:
    check(clickhouse, Project(pk=next(PROJECT_IDS), timezone="Europe/Berlin"), example)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("kind", ["event", "person"])
def test_an_operator_means_the_same_for_every_value(clickhouse: ClickHouse, kind: str, operator: str) -> None:
    project = Project(pk=next(PROJECT_IDS), timezone="Europe/Berlin")
    documents: list[dict[str, Any]] = [{"a.b": value} for value in (*SCALARS, *DOCUMENTS)] + [{}]
    events = [
        {"event": "e", "distinct_id": "d", "properties": each, "person": number}
        for number, each in enumerate(documents)
    ]
    example = Example(
        events,
        documents,
        [
            [{"type": kind, "key": "a.b", "operator": operator, "value": value}]
            for value in [*ASKED.get(operator, SCALARS), *([[]] if operator not in WITHOUT_LISTS else [])]
        ],
    )
    check(clickhouse, project, example)


HOSTILE = [
    "'", '"', "`", "\\", "'; DROP TABLE events; --", "{x:String}", "{", "}}", "--", "/*", "\x00", "\n", "😀",
    "x" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize("operator", OPERATORS)
def test_no_key_and_no_value_reaches_the_text_of_a_statement(operator: str) -> None:
    def texts(key: str, value: Any) -> list[str]:
        leaf = {"key": key, "operator": operator, "value": value}
        asked = [{**leaf, "type": "event"}, {**leaf, "type": "person"}]
        return [on_event(7, stored_filter(CONTEXT, [each], "filters")).text for each in asked]

    (harmless, *_) = ASKED.get(operator, ["harmless"])
    for hostile in HOSTILE:
        assert texts(hostile, harmless) == texts("harmless", harmless)
        if operator in TAKES_ANY_TEXT:
            assert texts("harmless", hostile) == texts("harmless", "harmless")
            assert texts("harmless", [hostile, "b"]) == texts("harmless", ["a", "b"])


def check(clickhouse: ClickHouse, project: Project, example: Example) -> None:
    ids = store(clickhouse, project.pk, example)
    answers = ask(clickhouse, project, example.filters)
    for identifier, event in zip(ids, example.events, strict=True):
        known = {**event, "person": example.persons[event["person"]]}
        for number, asked in enumerate(example.filters):
            wanted = reference.holds(asked, known, ZoneInfo(project.timezone), NOW)
            assert answers[identifier][number] == wanted, f"{asked} of {known}"


def store(clickhouse: ClickHouse, project_id: int, example: Example) -> list[uuid.UUID]:
    """Writes the example's rows as the outbox would; returns the uuids of its events."""
    persons = [uuid.uuid4() for _ in example.persons]
    ids = [uuid.uuid4() for _ in example.events]
    at = {"team_id": project_id, "created_at": NOW}
    person_rows = [
        {**at, "id": person, "properties": properties, "is_identified": 1, "is_deleted": 0, "version": 1}
        for person, properties in zip(persons, example.persons, strict=True)
    ]
    event_rows = [
        {
            **at,
            **{name: value for name, value in event.items() if name != "person"},
            "uuid": identifier,
            "timestamp": NOW,
            "person_id": persons[event["person"]],
            "elements_chain": "",
            "arrival": number,
        }
        for number, (identifier, event) in enumerate(zip(ids, example.events, strict=True))
    ]
    for table, rows in (("person", person_rows), ("events", event_rows)):
        lines = b"\n".join(map(orjson.dumps, rows))
        clickhouse.insert_json(table, lines, token=str(uuid.uuid4()))
    return ids


def ask(clickhouse: ClickHouse, project: Project, asked: list[Any]) -> dict[uuid.UUID, list[bool]]:
    """For each event, of which filters the engine says that they hold."""
    context = Context(project, NOW)
    typed = [stored_filter(context, each, f"filters.{number}") for number, each in enumerate(asked)]
    statement = sql(
        "SELECT events.uuid, [{conditions}] FROM {events} WHERE team_id = {project:Int64}",
        conditions=joined(
            ", ", (sql("toBool(ifNull({c}, false))", c=on_event(project.pk, each)) for each in typed)
        ),
        events=events_with_merges(project.pk),
        project=project.pk,
    )
    return dict(clickhouse.rows(statement))
