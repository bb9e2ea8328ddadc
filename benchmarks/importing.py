"""How many exported events a second manage.py import_posthog takes, from JSON lines and from Parquet.

    [EVENTS=1000000] [PERSONS=20000] python -m benchmarks.importing

Runs the real command on a fresh folder, so starting both stores and settling what the events say of
properties count. Events have about 300 bytes of properties, one in ten an update of its person. Memory is
that of the command at its highest, with the embedded ClickHouse engine and without PostgreSQL; processor
seconds are those of both.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.capture import ROOT, new_project

EVENTS = int(os.environ.get("EVENTS", "1000000"))
PERSONS = int(os.environ.get("PERSONS", "20000"))
_START = datetime(2024, 1, 1, tzinfo=UTC)
_SCHEMA = pa.schema(
    [
        ("uuid", pa.string()),
        ("event", pa.string()),
        ("properties", pa.string()),
        ("distinct_id", pa.string()),
        ("person_id", pa.string()),
        ("elements_chain", pa.string()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("created_at", pa.timestamp("us", tz="UTC")),
    ]
)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        persons, lines, table = (Path(folder) / name for name in ("persons.json", "e.jsonl", "e.parquet"))
        _write_persons(persons)
        _write_lines(lines)
        _write_table(table)
        _measure("persons", PERSONS, ["--persons", str(persons)])
        _measure("events, JSON lines", EVENTS, ["--events", str(lines)])
        _measure("events, Parquet", EVENTS, ["--events", str(table)])
        _measure(
            "persons and events, JSON lines", EVENTS, ["--persons", str(persons), "--events", str(lines)]
        )


def _measure(name: str, rows: int, options: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = new_project(folder)["project_id"]
        where = ["--project", str(project), "--data-dir", folder]
        started, peak, used = time.monotonic(), 0, 0.0
        command = [sys.executable, "manage.py", "import_posthog", *where, *options]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                peak = max(peak, _memory(process.pid))
                used = max(used, _processor_seconds(process.pid, folder))
                time.sleep(0.1)
        if process.returncode:
            raise SystemExit(process.returncode)
        seconds = time.monotonic() - started
    sys.stdout.write(
        f"{name:32} {rows / seconds:>10,.0f} rows/s, {seconds:,.1f} s, {used:,.1f} processor seconds, "
        f"{peak / 2**20:,.0f} MiB\n"
    )
    sys.stdout.flush()


def _memory(process: int) -> int:
    try:
        return psutil.Process(process).memory_info().rss
    except psutil.Error:
        return 0


def _processor_seconds(process: int, folder: str) -> float:
    """Of the command, and of the PostgreSQL that it has started in the folder."""
    total = 0.0
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            if each.pid == process:
                total += sum(each.cpu_times()[:2])
            elif f"{folder}/postgres" in " ".join(each.cmdline()):
                total += sum(sum(one.cpu_times()[:4]) for one in [each, *each.children()])
    return total


def _person(number: int) -> str:
    return str(uuid.UUID(int=number + 1, version=4))


def _write_persons(file: Path) -> None:
    results = [
        {
            "id": number,
            "uuid": _person(number),
            "distinct_ids": [f"user-{number}"],
            "created_at": _START.isoformat(),
            "is_identified": True,
            "properties": {"email": f"user-{number}@example.com", "plan": "free"},
        }
        for number in range(PERSONS)
    ]
    file.write_text(json.dumps({"next": None, "results": results}))


def _events(write_properties: Callable[[Any], Any]) -> Iterator[dict[str, Any]]:
    rng = random.Random(42)
    for number in range(EVENTS):
        person = rng.randrange(PERSONS)
        timestamp = _START + timedelta(seconds=30 * number)
        properties: dict[str, Any] = {
            "$lib": "posthog-python",
            "$lib_version": "7.9.0",
            "url": f"https://shop.example/products/{rng.randrange(500)}",
            "plan": rng.choice(["free", "starter", "business"]),
            "amount": rng.randrange(10_000) / 100,
            "note": "x" * 120,
        }
        if rng.random() < 0.1:
            properties["$set"] = {"visits": rng.randrange(1_000), "plan": properties["plan"]}
        yield {
            "uuid": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "event": rng.choice(["$pageview", "search", "add to cart", "purchase"]),
            "properties": write_properties(properties),
            "distinct_id": f"user-{person}",
            "person_id": _person(person),
            "elements_chain": "",
            "timestamp": timestamp,
            "created_at": timestamp,
        }


def _write_lines(file: Path) -> None:
    with file.open("w") as out:
        for event in _events(lambda properties: properties):
            out.write(json.dumps(event, default=str) + "\n")


def _write_table(file: Path) -> None:
    events = _events(json.dumps)
    with pq.ParquetWriter(file, _SCHEMA, compression="zstd") as out:
        for _ in range(0, EVENTS, 50_000):
            rows = [event for _, event in zip(range(50_000), events, strict=False)]
            out.write_table(pa.Table.from_pylist(rows, _SCHEMA))


if __name__ == "__main__":
    main()
