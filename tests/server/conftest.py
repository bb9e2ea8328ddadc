"""Data folders and servers for tests that need a process."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.server.process import Server, manage, serving

Serve = Callable[..., Server]


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder that was used before; made once, because making one takes seconds."""
    folder = tmp_path_factory.mktemp("installation") / "data"
    made = manage("create_project", "First", data_dir=folder)
    assert made.returncode == 0, made.stderr
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def folder(installation: Path, tmp_path: Path) -> Iterator[Path]:
    """A data folder of one's own that was used before."""
    yield from _copied(installation, tmp_path / "data")


@pytest.fixture
def new_folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder that is still to be made."""
    yield tmp_path / "new"
    shutil.rmtree(tmp_path / "new")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers; none of their processes outlives the test."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(serving(*args, **options))


@pytest.fixture(scope="module")
def server(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server for tests that only need one."""
    for copy in _copied(installation, tmp_path_factory.mktemp("server") / "data"):
        with serving(copy) as started:
            yield started.ready()


def _copied(installation: Path, copy: Path) -> Iterator[Path]:
    # Not shutil: PostgreSQL's files may belong to another user.
    subprocess.run(["cp", "-pR", str(installation), str(copy)], check=True)
    yield copy
    shutil.rmtree(copy)
