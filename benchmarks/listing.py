"""How long pages of the list of persons take, near and deep, and what memory the whole list needs as a file.

    PERSONS=1000000 python -m benchmarks.listing

Starts the real server on a fresh folder and puts persons, and one with 150,000 distinct ids, straight into
PostgreSQL. Times are over HTTP, the best of five. Memory is that of the serving processes without PostgreSQL.
"""

import json
import os
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
import psycopg

from benchmarks.capture import URL, memory, new_project, serving
from benchmarks.csv import watched
from benchmarks.measure import best, write
from persons_api import embedded

PERSONS, DISTINCT_IDS = int(os.environ.get("PERSONS", "100000")), 150_000
_PERSONS = """
INSERT INTO persons_person
    (project_id, uuid, created_at, properties, is_identified, version, last_seen_at, updated_at)
SELECT %(project)s, gen_random_uuid(), '2024-01-01'::timestamptz + number * interval '10 seconds',
       jsonb_build_object(
           'email', 'user-' || number || '@example.com', 'name', 'Person ' || number,
           'visits', number %% 1000,
           'plan', (ARRAY['free', 'starter', 'business'])[1 + number %% 3], 'is_admin', number %% 10 = 0,
           'city', (ARRAY['Berlin', 'São Paulo', 'Tokyo'])[1 + number %% 3], 'tags', '["a", "b"]'::jsonb
       ),
       true, 1, '2024-06-01'::timestamptz + (number * 7919 %% %(persons)s) * interval '1 second',
       '2024-09-01'::timestamptz + (number * 104729 %% %(persons)s) * interval '1 second'
FROM generate_series(1, %(persons)s::bigint) AS number
"""
_IDS = """
INSERT INTO persons_persondistinctid (project_id, distinct_id, person_id, version)
SELECT project_id, 'user-' || id, id, 0 FROM persons_person WHERE project_id = %(project)s
"""
_VERY_MANY = """
INSERT INTO persons_persondistinctid (project_id, distinct_id, person_id, version)
SELECT %(project)s, gen_random_uuid()::text, (SELECT max(id) FROM persons_person), 0
FROM generate_series(1, %(distinct_ids)s)
"""
_TOMBSTONES = """
INSERT INTO persons_persontombstone (project_id, uuid, key, created_at, deleted_at)
SELECT %(project)s, gen_random_uuid(), 1000000000 + number, '2024-01-01'::timestamptz,
       '2024-09-01'::timestamptz + number * interval '10 seconds'
FROM generate_series(1, %(persons)s::bigint / 10) AS number
"""


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder, serving(folder) as server:
        os.chmod(folder, 0o755)
        project = new_project(folder)
        key = _fill(folder, int(project["project_id"]))
        _pages(project)
        _very_many(project, key)
        _files(project, server)


def _fill(folder: str, project: int) -> int:
    """Returns the key of the person with very many distinct ids."""
    host = embedded.postgres_host(Path(folder))
    values = {"project": project, "persons": PERSONS, "distinct_ids": DISTINCT_IDS}
    with psycopg.connect(host=host, dbname="postgres", user="postgres", autocommit=True) as own:
        for statement in (_PERSONS, _IDS, _VERY_MANY, _TOMBSTONES):
            own.execute(statement, values)
        own.execute("VACUUM ANALYZE")
        ((key,),) = own.execute("SELECT max(id) FROM persons_person").fetchall()
    return int(key)


def _pages(project: dict[str, Any]) -> None:
    write(f"{PERSONS:,} persons, pages of 100\n")
    deep = PERSONS * 9 // 10
    for name, query in (
        ("newest first", {}),
        ("by updated_at", {"order_by": "updated_at"}),
        ("by last_seen_at, latest first", {"order_by": "-last_seen_at"}),
    ):
        far = _get(project, "persons/", {**query, "offset": deep})["next_cursor"]
        _time(project, f"{name}: the first page", "persons/", query)
        _time(project, f"{name}: deep, by offset", "persons/", {**query, "offset": deep})
        _time(project, f"{name}: deep, by cursor", "persons/", {**query, "cursor": far})
    changed = {"include_deleted": "true", "updated_after": "2024-09-01T02:00:00Z"}
    _time(project, "changed since, with the deleted", "persons/", changed)
    far = _get(project, "persons/", {**changed, "limit": 10_000})["next_cursor"]
    _time(project, "changed since, with the deleted, deeper", "persons/", {**changed, "cursor": far})
    _time(project, "seen since, of whom few were", "persons/", {"last_seen_after": _late()})


def _late() -> str:
    """When all but a few persons had been seen last."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1717200000 + PERSONS - 50))


def _very_many(project: dict[str, Any], key: int) -> None:
    write(f"\na person with {DISTINCT_IDS:,} distinct ids\n")
    _time(project, "in the list", "persons/", {"distinct_id": f"user-{key}"})
    _time(project, "alone, with 10,000 of them", f"persons/{key}/", {})
    _time(project, "a page of 1,000 of them", f"persons/{key}/distinct_ids/", {})


def _files(project: dict[str, Any], server: psutil.Process) -> None:
    write("\n")
    for path in ("persons.ndjson/", "persons.csv/", "persons.ndjson/?fields=uuid,updated_at"):
        before = memory(server)
        with watched(server) as peak:
            started = time.monotonic()
            with urllib.request.urlopen(_request(project, path), timeout=3600) as answer:
                lines = 0
                while chunk := answer.read(2**20):
                    lines += chunk.count(b"\n")
            seconds = time.monotonic() - started
        assert lines >= PERSONS
        write(
            f"{path:40}{PERSONS / seconds:>8,.0f} rows/s   memory of the server {before / 2**20:,.0f} MiB "
            f"before, {max(peak) / 2**20:,.0f} at its highest, {memory(server) / 2**20:,.0f} after\n"
        )


def _request(project: dict[str, Any], path: str) -> urllib.request.Request:
    key = project["personal_api_key"]
    address = f"{URL}/api/projects/{project['project_id']}/{path}"
    return urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"})


def _get(project: dict[str, Any], path: str, query: dict[str, Any]) -> dict[str, Any]:
    with urllib.request.urlopen(_request(project, f"{path}?{urlencode(query)}"), timeout=600) as answer:
        page: dict[str, Any] = json.load(answer)
    return page


def _time(project: dict[str, Any], name: str, path: str, query: dict[str, Any]) -> None:
    write(f"{name:45}{best(lambda: _get(project, path, query)) * 1000:>8,.0f} ms\n")


if __name__ == "__main__":
    main()
