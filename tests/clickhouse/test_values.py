"""The values of a property: the engine and the plain reference agree, whatever persons have."""

import itertools
import os
import uuid
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickhouse.client import ClickHouse
from clickhouse.query.values import ValuesQuery
from clickhouse.values import property_values, values_statement
from tests.clickhouse import reference_values as reference
from tests.clickhouse.generated_filters import KEYS, TEXTS

EXAMPLES = int(os.environ.get("VALUES_EXAMPLES", "25"))
NOW = datetime(2024, 3, 15, tzinfo=UTC)
PROJECT_IDS = itertools.count(2_000_000)
QUESTIONS_PER_EXAMPLE = 6

# Few, so that persons share them, and of several kinds that look alike.
COMMON: list[Any] = [
    "pro", "Pro", "", "5", "true", "null", "[1]", "=[1]", '"pro"', '{"a":1}', "É", "é",
    5, 5.0, 5.5, 0, -3, 2**53 + 1, True, False, None, {}, {"a": 1}, {"b": 1, "a": {"y": 1, "x": [2.0]}},
]  # fmt: skip
scalars = st.sampled_from(COMMON) | st.sampled_from(TEXTS)
elements = scalars | st.none() | st.lists(scalars, max_size=2)
documents = st.dictionaries(st.sampled_from(KEYS[:2]), scalars | st.lists(elements, max_size=4), min_size=1)


class Person(NamedTuple):
    """What a person's properties were one after the other; the last are those of now."""

    versions: list[dict[str, Any]]
    deleted: bool


persons = st.builds(
    Person, st.lists(documents, min_size=1, max_size=2), st.sampled_from([False] * 4 + [True])
)
questions = st.fixed_dictionaries(
    {
        "key": st.sampled_from(KEYS[:3]),
        "search": st.none() | st.sampled_from(["pro", "O", "5", "%", "_", "\\", "é", "[", '"', "x" * 300]),
        "limit": st.sampled_from([1, 2, 20]),
        "offset": st.sampled_from([0, 0, 1, 3]),
    }
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    people=st.lists(persons, max_size=8),
    asked=st.lists(questions, min_size=QUESTIONS_PER_EXAMPLE, max_size=QUESTIONS_PER_EXAMPLE),
)
def test_the_engine_and_the_reference_agree(
    clickhouse: ClickHouse, people: list[Person], asked: list[dict[str, Any]]
) -> None:
    project_id = next(PROJECT_IDS)
    store(clickhouse, project_id, people)
    living = [each.versions[-1] for each in people if not each.deleted]
    for question in asked:
        query = ValuesQuery(project_id=project_id, **question)
        wanted = reference.values(living, **question)
        assert property_values(clickhouse, query) == wanted, question
        for shared in (True, False):
            assert clickhouse.rows(values_statement(query, shared=shared)) == wanted, question


@pytest.mark.parametrize(
    "hostile", ["'", '"', "`", "\\", "{x:String}", "'; DROP TABLE person; --", "\n", "😀"]
)
def test_no_key_and_no_search_reaches_the_text_of_a_statement(hostile: str) -> None:
    def text(key: str, search: str) -> str:
        return values_statement(ValuesQuery(project_id=7, key=key, search=search), shared=True).text

    assert text(hostile, hostile) == text("plan", "pro")


def store(clickhouse: ClickHouse, project_id: int, people: list[Person]) -> None:
    """Writes each person's versions as the outbox would, one insert for each, so that they lie in parts of
    their own."""
    ids = [uuid.uuid4() for _ in people]
    for version in range(3):
        rows = []
        for identifier, person in zip(ids, people, strict=True):
            row = {"team_id": project_id, "id": identifier, "created_at": NOW, "version": version}
            if version < len(person.versions):
                rows.append({**row, "properties": person.versions[version], "is_deleted": 0})
            elif version == 2 and person.deleted:
                rows.append({**row, "properties": {}, "is_deleted": 1})
        if rows:
            lines = b"\n".join(orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in rows)
            clickhouse.insert_json("person", lines, token=str(uuid.uuid4()))
