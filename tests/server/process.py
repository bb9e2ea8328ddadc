"""A server as its users start it: a process of its own, on a folder of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60.0


@dataclass
class Server:
    """``python manage.py serve`` on a folder and a port; ``output`` is all it has printed."""

    folder: Path
    port: int
    arguments: tuple[str, ...] = ("--no-demo",)
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return self.folder.with_suffix(".log").read_text()

    def start(self) -> "Server":
        """Start it, and wait until it has said that it is ready."""
        said_before = self.output.count("is ready at") if self.folder.with_suffix(".log").exists() else 0
        with self.folder.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(
                [*manage("serve", *self.arguments), f"--port={self.port}", f"--data-dir={self.folder}"],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(lambda: self.output.count("is ready at") > said_before or self.process_ended())
        assert not self.process_ended(), self.output
        return self

    def process_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the process (Ctrl-C: to its group, as a terminal does); returns the exit code."""
        assert self.process
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        return self.process.wait(30)

    def create_project(self) -> dict[str, Any]:
        made = run("create_project", "Test", "--json", f"--data-dir={self.folder}")
        assert made.returncode == 0, made.stderr
        answer: dict[str, Any] = json.loads(made.stdout)
        return answer

    def request(self, path: str, body: Any = None, key: str = "") -> tuple[int, Any]:
        """Status and JSON. Raises OSError when there is no answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        request = urllib.request.Request(self.url + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def settle(self) -> None:
        """Wait until questions see everything that has been taken."""
        wait_until(lambda: self.request("/_health")[1]["outbox"]["pending"] == 0)

    def leftovers(self) -> list[str]:
        """What still runs on the folder: the command lines of the server, its worker and PostgreSQL."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if str(self.folder) in " ".join([*process.cmdline(), *process.environ().values()]):
                    found.append(" ".join(process.cmdline()))
        return found


def manage(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """A management command, run to its end."""
    return subprocess.run(
        manage(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=90, check=False
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Any, seconds: float = PATIENCE_SECONDS) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at, "it did not come about in time"
        time.sleep(0.05)


@contextmanager
def cleaned_up(folder: Path) -> Iterator[None]:
    """Ends whatever still runs on the folder, PostgreSQL left by a killed server included."""
    try:
        yield
    finally:
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if str(folder) in " ".join([*process.cmdline(), *process.environ().values()]):
                    process.kill()
