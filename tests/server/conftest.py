import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.process import Server, cleaned_up, free_port


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that does not exist yet, which also PostgreSQL's own user may reach."""
    with tempfile.TemporaryDirectory(prefix="persons-server-") as parent:
        os.chmod(parent, 0o755)
        with cleaned_up(Path(parent)):
            yield Path(parent) / "data"


@pytest.fixture
def server(folder: Path) -> Server:
    """A server that is not started yet."""
    return Server(folder, free_port())
