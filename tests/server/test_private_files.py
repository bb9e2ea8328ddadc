"""What other users of the machine can read of an installation, and whether they can connect to its stores."""

import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from persons_api import embedded
from tests.server.conftest import Serve
from tests.server.process import Api, manage

EVENT = {"event": "seen", "distinct_id": "d", "timestamp": "2025-03-01T12:00:00Z"}
IS_ROOT = os.geteuid() == 0


@pytest.fixture
def deep_folder(folder: Path) -> Iterator[Path]:
    """A data folder with a path that is too long for a socket."""
    deep = folder.parent / ("a" * 60) / ("b" * 60)
    deep.parent.mkdir()
    folder.rename(deep)
    yield deep
    deep.rename(folder)


def open_to_others(folder: Path) -> list[str]:
    """What users other than the owner may read, write or pass, with its mode."""
    paths = [Path(each, name) for each, folders, files in os.walk(folder) for name in (*folders, *files)]
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in (folder, *paths) if not path.is_symlink()}
    # Root's PostgreSQL is a user of its own, which passes through the folder and reads nothing in it.
    passed = {folder: 0o010} if IS_ROOT else {}
    return [f"{path} {mode:o}" for path, mode in modes.items() if mode & 0o077 & ~passed.get(path, 0)]


def error_of_nobody(socket_folder: Path) -> str:
    """How PostgreSQL refuses the user `nobody`; empty when it does not."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        user = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        try:
            psycopg.connect(host=str(socket_folder), user="postgres", dbname="postgres").close()
        except psycopg.Error as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as answer:
        return answer.read()


def test_nothing_in_the_data_folder_is_open_to_others(new_folder: Path, serve: Serve) -> None:
    server = serve(new_folder).ready()
    Api(server.url, server.create_project()).send([EVENT])
    server.settled()
    assert list((new_folder / "clickhouse" / "store").iterdir())
    assert open_to_others(new_folder) == []


def test_a_start_closes_what_an_earlier_release_left_open(folder: Path) -> None:
    for path in (folder, *(folder / "clickhouse").rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert manage("create_project", "Second", data_dir=folder).returncode == 0
    assert open_to_others(folder) == []


def test_a_socket_outside_of_the_data_folder_has_a_private_folder_of_its_own(
    deep_folder: Path, serve: Serve
) -> None:
    server = serve(deep_folder).ready()
    sockets = Path(embedded.postgres_host(deep_folder))
    assert deep_folder not in sockets.parents
    assert open_to_others(sockets) == []
    assert {path.name for path in sockets.iterdir()} == {".s.PGSQL.5432", ".s.PGSQL.5432.lock"}
    server.kill()
    # Left over by the kill, PostgreSQL is taken over, with its socket.
    again = serve(deep_folder).ready()
    assert Path(embedded.postgres_host(deep_folder)) == sockets
    assert again.terminate() == 0
    assert not sockets.exists()


def test_a_socket_folder_that_was_left_behind_is_removed(deep_folder: Path, tmp_path: Path) -> None:
    left = tmp_path / "persons-socket-left"
    left.mkdir()
    note = ["99999999", str(deep_folder / "postgres"), "1700000000", "5432", str(left), "", "1 2", "ready"]
    (deep_folder / "postgres" / "postmaster.pid").write_text("\n".join(note) + "\n")
    assert manage("create_project", "Second", data_dir=deep_folder).returncode == 0
    assert not left.exists()


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
@pytest.mark.parametrize("is_deep", [False, True])
def test_another_user_cannot_connect_not_even_when_the_folders_are_open(folder: Path, is_deep: bool) -> None:
    base = Path(tempfile.mkdtemp(prefix="persons-tests-"))
    place = base / ("a" * 110 if is_deep else "data")
    folder.rename(place)
    try:
        with embedded.owned(place), embedded.postgres(place):
            sockets = Path(embedded.postgres_host(place))
            assert "connection to server on socket" in error_of_nobody(sockets)
            for path in (base, place, sockets):
                path.chmod(0o755)
            (sockets / ".s.PGSQL.5432").chmod(0o777)
            assert "Peer authentication failed" in error_of_nobody(sockets)
    finally:
        place.rename(folder)
        shutil.rmtree(base)
