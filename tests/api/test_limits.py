"""What one question may cost: it ends in time and within its memory, says so, and leaves no trace.

The events are made inside ClickHouse: sending as many would take minutes.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from clickhouse.client import ClickHouse, connect
from clickhouse.errors import ClickHouseError, QueryTimeout, QueryTooLarge
from clickhouse.sql.fragment import Fragment, sql
from persons.api.errors import handle
from persons.models import Project
from persons.stores import clickhouse as store_of_questions
from tests.api_client import Api, error_of
from tests.clickhouse_server import served

FUNNEL = "/api/projects/@current/persons/funnel/"
EVENTS = """
INSERT INTO events (team_id, event, timestamp, uuid, distinct_id, person_id, properties, created_at, arrival)
SELECT
    {project:Int64}, 'a', toDateTime64('2024-03-01 00:00:00', 6, 'UTC') + toIntervalSecond(number),
    generateUUIDv4(), toString(person), {person}, '{}', now64(6), number
FROM (SELECT number, number % {persons:UInt64} AS person FROM numbers({persons:UInt64} * {each:UInt64}))
"""
PERSONS = """
INSERT INTO person (team_id, id, created_at, properties, is_deleted, version)
SELECT {project:Int64}, {person}, now64(6), '{}', 0, 1
FROM (SELECT number AS person FROM numbers({persons:UInt64}))
"""
PERSON = Fragment("toUUID(concat('00000000-0000-4000-8000-', leftPad(toString(person), 12, '0')))")
ENDLESS = "SELECT sum(cityHash64(number)) FROM numbers_mt(1000000000000)"
HUGE = "SELECT length(groupArray(number)) FROM numbers(1000000000)"

Fill = Callable[[int, int], None]


@pytest.fixture(scope="module")
def http_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("served")) as server:
        yield server.url


@pytest.fixture(params=["embedded", "over HTTP"])
def either(request: pytest.FixtureRequest, http_url: str, settings: Any) -> str:
    """ClickHouse as questions reach it: embedded, or by URL."""
    settings.CLICKHOUSE_URL = http_url if request.param == "over HTTP" else settings.CLICKHOUSE_URL
    return str(settings.CLICKHOUSE_URL)


@pytest.fixture
def fill(clickhouse: ClickHouse, project: Project) -> Fill:
    """Give the project so many persons with so many events each."""

    def insert(persons: int, each: int) -> None:
        size = {"project": project.pk, "person": PERSON, "persons": persons, "each": each}
        for statement in (EVENTS, PERSONS):
            clickhouse.command(sql(statement, **size))

    return insert


def ask(api: Api, *events: str | None) -> Any:
    """How many persons did all of these events in this order; None is any event."""
    steps = [{"id": event, "order": place} for place, event in enumerate(events)]
    return api.post(
        FUNNEL,
        {
            "events": steps,
            "funnel_step": len(steps),
            "date_from": "2024-03-01",
            "date_to": "2024-04-01",
            "include_total": True,
        },
    )


def limit(settings: Any, **limits: float) -> None:
    settings.QUERY_LIMITS = {**settings.QUERY_LIMITS, **limits}


def test_a_question_that_takes_too_long_is_cut_off(
    api: Api, project: Project, fill: Fill, settings: Any
) -> None:
    steps = ("a", None) * 5
    fill(5_000, 400)
    assert ask(api, *steps).json()["total_count"] == 5_000
    limit(settings, seconds=0.1)
    answer = ask(api, *steps)
    assert error_of(answer) == (503, "query_timeout", None)
    error = answer.json()
    assert (error["type"], "Retry-After" in answer.headers) == ("server_error", False)
    for advice in ("longer than the 0.1 seconds", "shorter range", "fewer steps", "QUERY_TIMEOUT_SECONDS"):
        assert advice in error["detail"]


def test_a_question_that_needs_too_much_memory_is_refused(
    api: Api, project: Project, fill: Fill, settings: Any
) -> None:
    fill(1, 1_000_000)
    assert ask(api, "a", "b").json()["total_count"] == 0
    limit(settings, memory=20_000_000)
    answer = ask(api, "a", "b")
    assert error_of(answer) == (413, "query_too_large", None)
    error = answer.json()
    assert (error["type"], "Retry-After" in answer.headers) == ("validation_error", False)
    for advice in ("more memory", "shorter range", "fewer steps", "QUERY_MAX_MEMORY"):
        assert advice in error["detail"]


def test_a_question_that_reads_too_many_rows_is_refused(
    api: Api, project: Project, fill: Fill, settings: Any
) -> None:
    fill(10, 1_000)
    limit(settings, rows=20_000)
    assert ask(api, "a", "b").json()["total_count"] == 0
    limit(settings, rows=5_000)
    answer = ask(api, "a", "b")
    assert error_of(answer) == (413, "query_too_large", None)
    assert "QUERY_MAX_ROWS" in answer.json()["detail"]


def test_a_question_uses_no_more_threads_than_it_may(either: str, settings: Any) -> None:
    asked = Fragment("SELECT getSetting('max_threads')")
    assert store_of_questions().rows(asked) != [(1,)]
    limit(settings, threads=1)
    assert store_of_questions().rows(asked) == [(1,)]


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE made (a Int8) ENGINE = MergeTree ORDER BY a", "SET readonly = 0"],
)
def test_a_question_can_change_nothing(either: str, statement: str) -> None:
    with pytest.raises(ClickHouseError, match="readonly"):
        store_of_questions().command(Fragment(statement))
    assert store_of_questions().rows(Fragment("EXISTS TABLE made")) == [(0,)]


def test_questions_may_have_a_user_of_their_own(http_url: str, settings: Any) -> None:
    settings.CLICKHOUSE_QUERY_URL = http_url.replace("http://", "http://reader:secret@")
    assert store_of_questions().rows(Fragment("SELECT 1")) == [(1,)]
    settings.CLICKHOUSE_QUERY_URL = "http://127.0.0.1:9/persons"
    with pytest.raises(ClickHouseError):
        store_of_questions().rows(Fragment("SELECT 1"))


def test_groups_that_do_not_fit_into_memory_use_files(clickhouse: ClickHouse, settings: Any) -> None:
    limit(settings, memory=200_000_000)
    groups = "SELECT cityHash64(number) AS hash, groupArray(number) FROM numbers(10000000) GROUP BY hash"
    assert store_of_questions().rows(Fragment(f"SELECT count() FROM ({groups})")) == [(10_000_000,)]


@pytest.mark.parametrize(
    ("statement", "status", "code"),
    [
        (ENDLESS, 503, "query_timeout"),
        ("SELECT sleepEachRow(2) FROM numbers(2)", 503, "query_timeout"),
        (HUGE, 413, "query_too_large"),
        ("SELECT number FROM numbers(10) SETTINGS max_rows_to_read = 1", 413, "query_too_large"),
        ("SELECT number FROM numbers(10) SETTINGS max_bytes_to_read = 1", 413, "query_too_large"),
        ("SELECT number FROM numbers(10) SETTINGS max_result_rows = 1", 413, "query_too_large"),
        # Others have used up what all may have together.
        (f"{HUGE} SETTINGS max_memory_usage = 0, max_memory_usage_for_user = 9000000", 503, "unavailable"),
        ("SELECT match('a', '(')", 400, "invalid_input"),
        ("SELECT nothing", 500, "error"),
    ],
)
def test_the_errors_of_clickhouse_are_told_apart(
    either: str, settings: Any, statement: str, status: int, code: str
) -> None:
    limit(settings, seconds=0.5, memory=100_000_000)
    with pytest.raises(ClickHouseError) as caught:
        store_of_questions().rows(Fragment(statement))
    answer = handle(caught.value, {})
    assert answer is not None
    assert (answer.status_code, answer.data["code"], answer.data["attr"]) == (status, code, None)
    assert ("Retry-After" in answer.headers) == (code == "unavailable")
    assert store_of_questions().rows(Fragment("SELECT 1")) == [(1,)]


def test_while_some_questions_take_too_long_others_are_answered(either: str, settings: Any) -> None:
    limit(settings, seconds=1.0)
    store = store_of_questions()

    def seconds(statement: str) -> float:
        started = time.monotonic()
        with pytest.raises(QueryTimeout):
            store.rows(Fragment(statement))
        return time.monotonic() - started

    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(seconds, ENDLESS) for _ in range(4)]
        answered = 0
        while not all(each.done() for each in running):
            assert store.ping()
            answered += 1
        assert answered > 4
        assert all(1 <= each.result() < 10 for each in running)
        assert len(list(threads.map(lambda _: store.ping(), range(20)))) == 20


def test_the_memory_of_refused_questions_comes_back(clickhouse: ClickHouse, settings: Any) -> None:
    limit(settings, memory=400_000_000)

    def in_use() -> int:
        metric = "SELECT value FROM system.metrics WHERE metric = 'MemoryTracking'"
        return int(clickhouse.rows(Fragment(metric))[0][0])

    before = in_use()
    for _ in range(5):
        with pytest.raises(QueryTooLarge):
            store_of_questions().rows(Fragment(HUGE))
    assert in_use() - before < 200_000_000


def test_only_questions_are_limited(either: str, settings: Any) -> None:
    """What the outbox sends takes as long as it takes."""
    limit(settings, seconds=0.1)
    slow = Fragment("SELECT sleepEachRow(0.1) FROM numbers(5) SETTINGS max_block_size = 1")
    with pytest.raises(QueryTimeout):
        store_of_questions().rows(slow)
    assert len(connect(either).rows(slow)) == 5
