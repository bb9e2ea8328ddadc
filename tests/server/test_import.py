"""manage.py import_posthog as a user runs it: killed and started again, beside a server, with bad files."""

import json
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from persons_api import embedded
from tests import stores
from tests.server.conftest import Serve
from tests.server.process import ROOT, environment, manage, stored_events

# More than two batches.
EVENTS = 110_000


def test_an_import_that_is_killed_goes_on_and_has_each_event_once(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    with file.open("w") as out:
        for number in range(EVENTS):
            row = {
                "uuid": f"00000000-0000-4000-8000-{number:012}",
                "event": "e",
                "distinct_id": f"u{number % 500}",
                "timestamp": "2024-03-01T10:00:00Z",
                "properties": {"$set": {"n": number}},
            }
            out.write(json.dumps(row) + "\n")
    options = ["import_posthog", "--project", "1", "--events", str(file)]
    command = [sys.executable, "manage.py", *options, "--data-dir", str(folder)]
    told = environment() | stores.environment_of(folder)
    with subprocess.Popen(command, cwd=ROOT, env=told, stderr=subprocess.DEVNULL) as process:
        while not rows_done(folder):
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    finished = manage(*options, data_dir=folder)
    assert finished.returncode == 0, finished.stderr
    assert f"{EVENTS:,} taken" not in finished.stdout
    stored = stored_events(folder, 1)
    assert (len(stored), set(stored.values())) == (EVENTS, {1})


def test_mistakes_end_with_one_line_that_names_them(folder: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text('{"event": "e"}\n')
    cases = [
        ([], 2, "Say what to import"),
        (["--events", "nowhere*.jsonl"], 2, "nowhere*.jsonl: there is no such file"),
        (["--events", str(bad), "--dry-run"], 1, f"{bad}:1: timestamp 'None' is not a time"),
    ]
    for options, code, text in cases:
        done = manage("import_posthog", "--project", "1", *options, data_dir=folder)
        assert (done.returncode, text in done.stderr + done.stdout) == (code, True), done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.embedded
def test_beside_a_server_with_embedded_stores_it_says_who_has_them(
    folder: Path, tmp_path: Path, serve: Serve
) -> None:
    file = tmp_path / "events.jsonl"
    file.touch()
    serve(folder).ready()
    done = manage("import_posthog", "--project", "1", "--events", str(file), data_dir=folder)
    assert done.returncode == 2
    assert "belongs to a running server" in done.stderr


def rows_done(folder: Path) -> int:
    """How far the import is that runs in the folder."""
    try:
        with psycopg.connect(
            host=embedded.postgres_host(folder), user="postgres", dbname="postgres"
        ) as connection:
            row = connection.execute(
                "SELECT coalesce(sum(rows), 0)::int FROM persons_importedfile"
            ).fetchone()
    except psycopg.Error:
        return 0
    return row[0] if row else 0
