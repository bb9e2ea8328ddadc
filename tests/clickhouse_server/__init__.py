"""The embedded engine behind ClickHouse's HTTP interface, in a process of its own.

No ClickHouse server comes from a package index; the engine does. So this is what stands between our driver
and a server: the protocol, as the manual has it ("HTTP interface"), as far as the driver uses it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ClickHouseServer:
    """A running server. It ends with the process that started it."""

    def __init__(self, folder: Path, config: Path | None = None) -> None:
        arguments = [sys.executable, "-m", __name__, str(folder), *([str(config)] if config else [])]
        self._process = subprocess.Popen(
            arguments,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}/persons"

    @property
    def pid(self) -> int:
        return self._process.pid

    def pause(self) -> None:
        """Let it hear everything and answer nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it after what it is doing."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


@contextmanager
def served(folder: Path, config: Path | None = None) -> Iterator[ClickHouseServer]:
    """The engine of the folder as a server, configured by a file of ClickHouse's if there is one."""
    server = ClickHouseServer(folder, config)
    try:
        yield server
    finally:
        server.kill()
