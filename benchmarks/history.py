"""What it costs to say what persons were like: one person, one with a long history, a thousand at once.

    EVENTS=20000000 python -m benchmarks.history

In process, through every layer from the request to the JSON, on a PostgreSQL with all persons. Each
person has about six updates, one for each $identify of the store's events. The floor is the same person
retrieved as it is now, which asks PostgreSQL alone.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import django
import orjson
import psutil
from tqdm import tqdm

from benchmarks.data import _DISTINCT_ID, _PERSON_ID, PROJECT, Size, filled_store, size_asked_for
from benchmarks.measure import best, write
from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import Fragment, sql

ASKED, LONG = 1_000, 100_000
_PERSONS_PER_INSERT = 20_000
AT = "2024-03-15T12:00:00Z"
BUSY = "somebody with a long history"

_UPDATES = """
INSERT INTO person_property_history
    (team_id, distinct_id, timestamp, arrival, kind, event_uuid, event, detail)
SELECT
    team_id, distinct_id, timestamp, arrival, 'update', uuid, event,
    concat(
        '[{"plan":"', ['free', 'starter', 'business'][1 + arrival % 3], '","visits":', toString(arrival % 50),
        ',"email":"somebody-', toString(arrival % 1000), '@example.com"},',
        '{"first_seen_by":', toString(arrival % 10), '},', if(arrival % 20 = 0, '["visits"]', 'null'), ']'
    )
FROM events
WHERE team_id = {project:Int64} AND event = '$identify'
"""

# One person in twenty was merged half way through the store's time.
_MERGES = """
INSERT INTO person_property_history
    (team_id, distinct_id, timestamp, arrival, kind, detail, event)
SELECT {project:Int64}, distinct_ids[2], toDateTime64('2024-02-15', 6, 'UTC'), {arrival:UInt64}, 'merge',
       toJSONString([toString(person_ids[1]), toString(person_ids[2]), distinct_ids[1]]), '$identify'
FROM
(
    {persons}
)
WHERE person % 20 = 0
"""

_LONG = """
INSERT INTO person_property_history
    (team_id, distinct_id, timestamp, arrival, kind, event_uuid, event, detail)
SELECT
    {project:Int64}, {distinct_id:String}, toDateTime64('2024-01-01', 6, 'UTC') + number, number, 'update',
    generateUUIDv4(number), '$set',
    concat(
        '[{"plan":"free","visits":', toString(number), ',"page ', toString(number % 50), '":1.5},',
        '{"first_seen_by":', toString(number), '},', if(number % 10 = 0, '["page 3"]', 'null'), ']'
    )
FROM numbers({rows:UInt64})
"""

_PERSONS = f"""
SELECT person, groupArray({_DISTINCT_ID}) AS distinct_ids, groupArray({_PERSON_ID}) AS person_ids
FROM
(
    SELECT number AS person, arrayJoin(if(person % 20 = 0, [0, 1], [0])) AS device
    FROM numbers({{first:UInt64}}, {{persons:UInt64}})
    ORDER BY person, device
)
GROUP BY person
"""


def main() -> None:
    """Print one line per question."""
    size = size_asked_for()
    store = filled_store(size)
    _fill(store, size)
    with tempfile.TemporaryDirectory() as folder, _service(folder, size) as ask:
        ids = _load_persons(store, size)
        write(f"\n{size.events:,} events, {size.persons:,} persons: properties at a time\n")
        for _ in range(2):  # the first time warms up
            now = [_seconds(lambda: ask("", {"distinct_id": name})) for name in ids]  # noqa: B023
            past = [_seconds(lambda: ask("properties_at_time/", _at(name))) for name in ids]  # noqa: B023
        _percentiles("one person as it is now", now)
        _percentiles("one person at a time", past)
        before = psutil.Process().memory_info().rss
        _line(f"a person with {LONG:,} updates", best(lambda: ask("properties_at_time/", _at(BUSY))))
        body = {"distinct_ids": ids, "timestamp": AT, "include_set_once": True}
        _line(f"{ASKED:,} persons at once", best(lambda: ask("properties_at_time/", body=body)))
        grown = psutil.Process().memory_info().rss - before
        write(f"{'memory gained by these two':52}{grown / 2**20:6.0f} MiB\n")
    store.close()


def _at(distinct_id: str) -> dict[str, str]:
    return {"distinct_id": distinct_id, "timestamp": AT, "include_set_once": "true"}


def _percentiles(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    median, p99 = statistics.median(ordered), ordered[int(len(ordered) * 0.99)]
    write(f"{name:52}{median * 1000:6.1f} ms median{p99 * 1000:8.1f} ms p99\n")


def _line(name: str, seconds: float) -> None:
    write(f"{name:52}{seconds * 1000:6.0f} ms\n")


def _seconds(run: Callable[[], Any]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def _fill(store: ClickHouse, size: Size) -> None:
    """The history of the store's persons, unless it is there."""
    if store.rows(Fragment("SELECT count() > 0 FROM person_property_history")) == [(1,)]:
        return
    store.command(Fragment("TRUNCATE TABLE person_property_history"))
    store.command(sql(_UPDATES, project=PROJECT))
    store.command(sql(_LONG, project=PROJECT, distinct_id=BUSY, rows=LONG))
    persons = sql(_PERSONS, first=0, persons=size.persons)
    store.command(sql(_MERGES, project=PROJECT, arrival=size.events // 2, persons=persons))


@contextmanager
def _service(folder: str, size: Size) -> Iterator[Callable[..., Any]]:
    """How to ask a service that has a PostgreSQL with all persons."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "persons_api.settings", "LOG_LEVEL": "ERROR"}
    os.environ |= {"PERSONS_DATA_DIR": folder, "CLICKHOUSE_URL": f"chdb://{size.folder}"}
    django.setup()
    from django.test import Client

    from persons.installation import new_project_with_key
    from persons.management.postgres import postgres_at_hand

    with postgres_at_hand():
        project, key = new_project_with_key("bench")
        assert project.pk == PROJECT
        client = Client()

        def ask(path: str, query: dict[str, str] | None = None, body: Any = None) -> Any:
            answer = client.generic(
                "GET" if body is None else "POST",
                f"/api/projects/{PROJECT}/persons/{path}",
                orjson.dumps(body) if body else b"",
                "application/json",
                query_params=query,
                headers={"Authorization": f"Bearer {key}"},
            )
            assert answer.status_code == 200, answer.content
            return orjson.loads(answer.content)

        yield ask


def _load_persons(store: ClickHouse, size: Size) -> list[str]:
    """Put everybody into PostgreSQL; returns some distinct ids."""
    from persons.identity import Mapping, Person
    from persons.writing import statements

    some = []
    busy = (UUID(int=1), [BUSY])
    for first in tqdm(range(0, size.persons, _PERSONS_PER_INSERT), desc="Persons", disable=None):
        count = min(_PERSONS_PER_INSERT, size.persons - first)
        found = store.rows(sql(_PERSONS, first=first, persons=count))
        people = [(uuids[0], ids) for _, ids, uuids in found] + ([busy] if first == 0 else [])
        created = datetime(2024, 1, 1, tzinfo=UTC)
        persons = [Person(uuid, created, {"plan": "free"}, True, 1, created) for uuid, _ in people]
        keys = statements.insert_persons(PROJECT, persons)
        mappings = [Mapping(name, uuid, 0) for uuid, ids in people for name in ids]
        statements.insert_ids(PROJECT, mappings, keys)
        some += [ids[-1] for _, ids, _ in found]
    random.Random(42).shuffle(some)
    return some[:ASKED]


if __name__ == "__main__":
    main()
