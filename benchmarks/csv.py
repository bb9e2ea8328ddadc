"""How many rows a second there are in a CSV answer, and what memory the server needs for it.

    PERSONS=1000000 python -m benchmarks.csv

Starts the real server on a fresh folder and sends one event of each person, with eight properties. Then reads
the list of persons, and a funnel that all of them are in, over HTTP. The first byte comes when the file is
complete. Reader, server and PostgreSQL share the machine's cores; memory is that of the serving processes
without PostgreSQL.
"""

import json
import os
import random
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from benchmarks.capture import URL, memory, new_project, send_all, serving
from benchmarks.measure import write

PERSONS, BATCH = int(os.environ.get("PERSONS", "100000")), 1_000
# Once a minute PostgreSQL looks how many rows it has; until then it plans for few.
_STATISTICS_SECONDS = 90
_FUNNEL = "persons/funnel.csv?events=signed+up&events=paid&funnel_step=1&date_from=2024-01-01"


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder, serving(folder) as server:
        project = new_project(folder)
        seconds, _ = send_all(_bodies(project["project_token"]))
        write(f"{PERSONS:,} persons, sent in {seconds:.0f} s\n")
        time.sleep(_STATISTICS_SECONDS)
        for name, path in (("list", "persons.csv"), ("funnel", _FUNNEL)):
            before = memory(server)
            with watched(server) as peak:
                first, seconds, rows, size = _read(project, path)
            assert rows == PERSONS
            write(
                f"{name:8}{rows / seconds:>8,.0f} rows/s   first byte after {first:.1f} s, last after "
                f"{seconds:.1f} s   {size / 2**20:,.0f} MiB   memory of the server "
                f"{before / 2**20:,.0f} MiB before, {max(peak) / 2**20:,.0f} at its highest, "
                f"{memory(server) / 2**20:,.0f} after\n"
            )


def _bodies(token: str) -> Iterator[bytes]:
    rng = random.Random(42)
    for first in range(0, PERSONS, BATCH):
        batch = [_event(rng, number) for number in range(first, min(first + BATCH, PERSONS))]
        yield json.dumps({"api_key": token, "historical_migration": True, "batch": batch}).encode()


def _event(rng: random.Random, number: int) -> dict[str, Any]:
    properties = {
        "email": f"user-{number}@example.com",
        "name": f"Person {number}",
        "plan": rng.choice(["free", "starter", "business"]),
        "visits": rng.randrange(1_000),
        "spent": rng.randrange(10_000) / 100,
        "is_admin": rng.random() < 0.1,
        "city": rng.choice(["Berlin", "São Paulo", "Tokyo"]),
        "tags": ["a", "b"],
    }
    return {
        "event": "signed up",
        "distinct_id": f"user-{number}",
        "timestamp": "2024-03-01T10:00:00Z",
        "uuid": str(uuid.uuid4()),
        "properties": {"$set": properties},
    }


def _read(project: dict[str, Any], path: str) -> tuple[float, float, int, int]:
    """Seconds to the first and to the last byte, rows, bytes."""
    request = urllib.request.Request(
        f"{URL}/api/projects/{project['project_id']}/{path}",
        headers={"Authorization": f"Bearer {project['personal_api_key']}"},
    )
    started = time.monotonic()
    lines = size = 0
    with urllib.request.urlopen(request, timeout=3600) as answer:
        first = time.monotonic() - started
        while chunk := answer.read(2**20):
            lines += chunk.count(b"\n")
            size += len(chunk)
        assert size == int(answer.headers["Content-Length"])
    return first, time.monotonic() - started, lines - 1, size


@contextmanager
def watched(server: psutil.Process) -> Iterator[list[int]]:
    """The memory that the server holds meanwhile, looked at often."""
    seen, done = [memory(server)], threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            seen.append(memory(server))

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield seen
    done.set()
    watcher.join()


if __name__ == "__main__":
    main()
