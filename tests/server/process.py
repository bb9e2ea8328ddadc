"""A real server as a process of its own, and the ways in which such a process ends."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import psutil

from tests import stores

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 180.0
_OURS = (
    "PERSONS_DATA_DIR",
    "DATABASE_URL",
    "CLICKHOUSE_URL",
    "CLICKHOUSE_CLUSTER",
    "CLICKHOUSE",
    "DJANGO_SETTINGS_MODULE",
)


class Project(NamedTuple):
    """What create_project prints, in its order."""

    project_id: int
    project_token: str
    personal_api_key: str


class Server:
    """`manage.py serve` in a process group of its own, as a shell would start it."""

    def __init__(self, data_dir: Path, *options: str, port: int | None = None) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - as long as we are
        where = ["--data-dir", str(data_dir), "--port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", *where, *(options or ["--no-demo"])],
            cwd=ROOT,
            env=environment() | stores.environment_of(data_dir),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
        )

    @property
    def output(self) -> str:
        # Not read(): the process writes where our file stands.
        return os.pread(self._output.fileno(), 1_000_000, 0).decode()

    def wait_until(self, condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for something that only a running server can bring about."""
        give_up_at = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < give_up_at, self.output
            time.sleep(0.02)

    def ready(self) -> "Server":
        """Wait until it answers."""
        self.wait_until(lambda: self.pending() is not None)
        return self

    def settled(self) -> "Server":
        """Wait until questions see everything that was taken."""
        self.wait_until(lambda: self.pending() == 0)
        return self

    def pending(self) -> int | None:
        """How many rows are still on their way to ClickHouse; None when the server does not say so."""
        try:
            with urllib.request.urlopen(f"{self.url}/_health", timeout=5) as answer:
                return int(json.load(answer)["outbox"]["pending"])
        except OSError:
            return None

    def banner(self) -> str:
        self.wait_until(lambda: "Stop with Ctrl-C." in self.output)
        return self.output

    def secrets(self) -> str:
        """The banner with the secrets of a first start, which is in a file: no terminal shows our output."""
        self.banner()
        return (self.data_dir / "first-start.txt").read_text()

    def create_project(self, name: str = "Test") -> Project:
        made = manage("create_project", name, "--json", data_dir=self.data_dir)
        assert made.returncode == 0, made.stderr
        return Project(**json.loads(made.stdout))

    def terminate(self) -> int:
        """End it as a service manager does; returns the exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE_SECONDS)

    def interrupt(self) -> int:
        """Press Ctrl-C: the terminal tells the whole process group. Returns the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """Kill the process that was started, as a user or the kernel would, and nothing else."""
        self.process.kill()
        self.process.wait()

    def kill_worker(self) -> int:
        """Kill the process that answers requests; returns the exit code of the server."""
        for worker in self.workers():
            worker.kill()
        return self.process.wait(PATIENCE_SECONDS)

    def kill_everything(self) -> None:
        """As when a container or the machine is switched off: no process of it is left."""
        postgres = postmaster(self.data_dir)
        family = [psutil.Process(self.process.pid), *([postgres] if postgres else [])]
        family += [child for member in family for child in member.children(recursive=True)]
        # Frozen first, or one would see another one's end and say something about it.
        for act in (psutil.Process.suspend, psutil.Process.kill):
            for member in family:
                with suppress(psutil.NoSuchProcess):
                    act(member)
        self.process.wait()
        stores.end(self.data_dir)
        psutil.wait_procs(family, PATIENCE_SECONDS)

    def workers(self) -> list[psutil.Process]:
        return [
            child
            for child in psutil.Process(self.process.pid).children()
            if any("spawn_main" in argument for argument in child.cmdline())
        ]

    def clean_up(self) -> None:
        """Leave no process behind, whatever happened."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        stores.end(self.data_dir)
        # Otherwise it belongs to another server, or to none.
        with suppress(OSError):
            if (self.data_dir / "owner").read_text() == str(self.process.pid):
                stop_postgres(self.data_dir)


class Api:
    """HTTP to a project of a server."""

    def __init__(self, url: str, project: Project) -> None:
        self.url = url
        self.project = project
        self._persons = f"{url}/api/projects/{project.project_id}/persons/"

    def get(self, path: str, **query: Any) -> Any:
        """What the API answers below the project's persons; lists and objects of a query become JSON."""
        flat = {name: value if isinstance(value, str) else json.dumps(value) for name, value in query.items()}
        request = urllib.request.Request(
            f"{self._persons}{path}?{urlencode(flat)}",
            headers={"Authorization": f"Bearer {self.project.personal_api_key}"},
        )
        return answer_of(request)

    def persons_who_did(self, event: str, times: int = 1) -> int:
        """How many persons have an event at least so many times."""
        steps = [{"id": event}] * max(times, 2)
        asked = {"events": steps, "funnel_step": times, "date_from": "2025-01-01", "include_total": True}
        return int(self.get("funnel/", **asked)["total_count"])

    def send(self, events: list[dict[str, Any]]) -> Any:
        """Send a batch of events. Raises OSError unless it was taken."""
        body = {"api_key": self.project.project_token, "historical_migration": True, "batch": events}
        request = urllib.request.Request(
            f"{self.url}/batch/", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        return answer_of(request)


def answer_of(request: urllib.request.Request) -> Any:
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        error.add_note(error.read().decode())
        raise


@contextmanager
def serving(data_dir: Path, *options: str, port: int | None = None) -> Iterator[Server]:
    """A server, and no process of it afterwards."""
    server = Server(data_dir, *options, port=port)
    try:
        yield server
    finally:
        server.clean_up()


def manage(*arguments: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    """Run a management command to its end."""
    told = stores.environment_of(data_dir)
    return _python("manage.py", *arguments, "--data-dir", str(data_dir), **told)


def _python(*arguments: str, **told: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment() | told,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def environment() -> dict[str, str]:
    """Ours, without what would make the process serve something else."""
    return {name: value for name, value in os.environ.items() if name not in _OURS}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def postmaster(data_dir: Path) -> psutil.Process | None:
    """The PostgreSQL server that runs in the folder."""
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int((data_dir / "postgres/postmaster.pid").read_text().split()[0]))
        if str(data_dir / "postgres") in process.cmdline():
            return process
    return None


def stop_postgres(data_dir: Path) -> None:
    """Stop a PostgreSQL server whose parent was killed, in a folder that nobody needs any more."""
    if process := postmaster(data_dir):
        process.send_signal(signal.SIGQUIT)  # what `pg_ctl stop --mode=immediate` sends
        psutil.wait_procs([process], 10)


def has_ended(process: psutil.Process) -> bool:
    """Whether it is gone, but for what its parent has not looked at yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def stored_events(data_dir: Path, project_id: int) -> dict[str, int]:
    """How many times each event uuid is stored. No server may run; the embedded engine gets a process of its
    own, because it opens one folder in a lifetime."""
    script = """
import json, sys
from clickhouse.client import connect
from clickhouse.sql.fragment import sql
statement = "SELECT toString(uuid), count() FROM events WHERE team_id = {project:Int64} GROUP BY uuid"
json.dump(dict(connect(sys.argv[1]).rows(sql(statement, project=int(sys.argv[2])))), sys.stdout)
"""
    url = stores.environment_of(data_dir).get("CLICKHOUSE_URL", f"chdb://{data_dir / 'clickhouse'}")
    counted = _python("-c", script, url, str(project_id))
    assert counted.returncode == 0, counted.stderr
    found: dict[str, int] = json.loads(counted.stdout)
    return found


def requests_in(banner: str) -> list[str]:
    """The shell commands that a banner offers to paste."""
    return re.findall(r"^  (curl .*)$", banner, re.MULTILINE)
