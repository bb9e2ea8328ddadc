"""One installation with demo data, copied for each language: all meet the same persons and the same ids."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.contract.conftest import node_modules  # noqa: F401 - TypeScript comes with the SDKs
from tests.docs.running import World
from tests.docs.world import demo


class Installation(NamedTuple):
    folder: Path
    key: str
    token: str

    def at(self, url: str) -> World:
        return World(url, self.key, self.token)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The demo data, and nobody who serves them."""
    folder = tmp_path_factory.mktemp("demo") / "data"
    with demo(folder) as server:
        made = Installation(folder, *secrets(server.settled().secrets()))
        server.terminate()
    yield made
    shutil.rmtree(folder)


@pytest.fixture
def copy(installation: Installation, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "data"
    # Not shutil: PostgreSQL's files may belong to another user.
    subprocess.run(["cp", "-pR", str(installation.folder), str(folder)], check=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def secrets(banner: str) -> tuple[str, str]:
    """The personal API key and the project's token that a first start prints."""
    (key,), (token,) = (set(re.findall(rf"{kind}_\w{{20,}}", banner)) for kind in ("phx", "phc"))
    return key, token
