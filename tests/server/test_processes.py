"""Server mode: several processes share both stores, and one may die at any time."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import psutil
import pytest
from django.core.management.base import CommandError

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from persons.management.server_mode import refuse_embedded
from persons_api import embedded
from tests import stores
from tests.clickhouse_server import ClickHouseServer, served
from tests.server.process import ROOT, Api, Project, environment, free_port

pytestmark = pytest.mark.skipif(bool(stores.SERVER_URL), reason="starts servers of its own")
SECONDS = 60.0


class Installation:
    """Both stores as servers, and commands that know of them."""

    def __init__(self, folder: Path, clickhouse: ClickHouseServer) -> None:
        self.clickhouse = clickhouse
        database = f"postgresql://postgres@/postgres?host={embedded.postgres_host(folder)}"
        self._environment = environment() | {
            "DATABASE_URL": database,
            "CLICKHOUSE_URL": clickhouse.url,
            "SECRET_KEY": "secret",
            "RATE_LIMIT_ENABLED": "0",
        }

    def run(self, *arguments: str, **changed: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self._environment | changed,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def start(self, *arguments: str) -> "Running":
        """Start a command that runs until it is stopped."""
        return Running(arguments, self._environment)

    def project(self) -> Project:
        made = self.run("create_project", "Shared", "--json")
        assert made.returncode == 0, made.stderr
        return Project(**json.loads(made.stdout))

    def times_stored(self, project: Project) -> dict[str, int]:
        """How many times each event is stored, by its name."""
        statement = "SELECT event, count() FROM events WHERE team_id = {project:Int64} GROUP BY event"
        return dict(ClickHouse(self.clickhouse.url).rows(sql(statement, project=project.project_id)))

    def has(self, project: Project, event: str) -> bool:
        return event in self.times_stored(project)


class Running:
    """A process of server mode."""

    def __init__(self, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self.output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=self.output,
        )

    def says(self, text: str) -> bool:
        return text in os.pread(self.output.fileno(), 1_000_000, 0).decode()

    def kill(self) -> None:
        """As a power cut would: with its children."""
        family = [psutil.Process(self.process.pid)]
        family += family[0].children(recursive=True)
        for member in family:
            member.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("several") / "data"
    embedded.prepare(folder)
    with embedded.postgres(folder), served(folder / "clickhouse") as clickhouse:
        made = Installation(folder, clickhouse)
        both = [made.start("setup"), made.start("setup")]
        assert [each.process.wait(SECONDS) for each in both] == [0, 0]
        yield made


@contextmanager
def running(installation: Installation, *commands: tuple[str, ...]) -> Iterator[list[Running]]:
    """These commands, and whatever is added to the list; none outlives the test."""
    processes: list[Running] = []
    with ExitStack() as stack:
        for command in commands:
            processes.append(installation.start(*command))
        stack.callback(_kill, processes)
        yield processes


def _kill(processes: list[Running]) -> None:
    for each in processes:
        if each.process.poll() is None:
            each.kill()


def wait_until(condition: Callable[[], Any], seconds: float = SECONDS) -> float:
    """Returns how many seconds it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds
        time.sleep(0.05)
    return time.monotonic() - started


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_livez", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _sees_both(api: Api) -> bool:
    return [api.persons_who_did(f"first {number}") for number in (0, 1)] == [2, 2]


def event(name: str, distinct_id: str) -> dict[str, Any]:
    return {"event": name, "distinct_id": distinct_id, "timestamp": "2025-03-01T12:00:00Z"}


def test_two_webs_and_two_workers_share_the_stores_and_a_worker_that_dies_is_replaced(
    installation: Installation,
) -> None:
    project, ports = installation.project(), (free_port(), free_port())
    webs = [("web", "--port", str(port), "--workers", "1") for port in ports]
    with running(installation, *webs, ("worker",), ("worker",)) as processes:
        apis = [Api(f"http://127.0.0.1:{port}", project) for port in ports]
        wait_until(lambda: all(answers(api.url) for api in apis))
        for number, api in enumerate(apis):
            api.send([event(f"first {number}", "ann"), event(f"first {number}", "bob")])
        for api in apis:
            wait_until(partial(_sees_both, api))

        processes.append(installation.start("worker"))
        wait_until(lambda: processes[-1].says("Working"))
        # Whichever of the first two has the lock: one after the other dies, and another takes its place.
        for number, worker in enumerate(processes[2:4]):
            worker.kill()
            apis[number].send([event(f"after death {number}", "ann")])
            assert wait_until(partial(installation.has, project, f"after death {number}")) < 5
        assert set(installation.times_stored(project).values()) == {1, 2}

        web, other = processes[0], apis[1]
        web.kill()
        other.send([event("without the other", "cy")])
        wait_until(lambda: other.persons_who_did("without the other") == 1)
        assert [processes[1].stop(), processes[-1].stop()] == [0, 0]


def counted(url: str, path: str, metric: str) -> float:
    with urllib.request.urlopen(f"{url}{path}", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric))


def test_any_process_says_what_all_have_done(installation: Installation) -> None:
    project, port, metrics = installation.project(), free_port(), free_port()
    web = ("web", "--port", str(port), "--workers", "2")
    with running(installation, web, ("worker", "--metrics-port", str(metrics))):
        api = Api(f"http://127.0.0.1:{port}", project)
        wait_until(lambda: answers(api.url))
        for number in range(20):
            api.send([event("counted", f"somebody {number}")])
        batches = 'persons_requests_total{endpoint="/batch/"'
        assert {counted(api.url, "/_metrics", batches) for _ in range(20)} == {20}
        worker = f"http://127.0.0.1:{metrics}"
        wait_until(lambda: counted(worker, "/metrics", "persons_flush_rows_sum") == 60)


def test_setup_can_be_repeated_and_a_plan_says_that_nothing_is_missing(installation: Installation) -> None:
    again = installation.run("setup")
    assert again.returncode == 0, again.stderr
    assert "Both stores are ready." in again.stdout
    planned = installation.run("clickhouse_migrate", "--plan")
    assert planned.stdout == "-- ClickHouse has the schema of this release.\n"


@pytest.mark.parametrize("command", [("setup",), ("create_project", "Late"), ("create_key", "Late")])
def test_a_postgresql_that_is_not_there_is_one_line(
    installation: Installation, command: tuple[str, ...]
) -> None:
    refused = installation.run(*command, DATABASE_URL="postgresql://persons:hidden@127.0.0.1:1/persons")
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith("CommandError: PostgreSQL cannot be reached: ")
    assert "hidden" not in line


@pytest.mark.parametrize("missing", ["DATABASE_URL", "CLICKHOUSE_URL", "SECRET_KEY"])
def test_without_servers_server_mode_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, settings: Any, missing: str
) -> None:
    settings.EMBEDDED_POSTGRES = missing == "DATABASE_URL"
    settings.CLICKHOUSE_URL = (
        "chdb:///data" if missing == "CLICKHOUSE_URL" else "http://clickhouse:8123/persons"
    )
    monkeypatch.setenv("SECRET_KEY", "" if missing == "SECRET_KEY" else "secret")
    with pytest.raises(CommandError, match=f"^Server mode needs {missing}. Without"):
        refuse_embedded()
