"""Programs of others that our tests run, each kind in a place of its own, installed once."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_READERS = ("airbyte-source-posthog>=1.1.28,<2", "dlt>=1.31,<2")


def readers() -> Path:
    """The folder with the programs of a Python that has the readers and nothing of ours: they want other
    versions of what we want, too. It lies beside other caches of the machine, for the next run."""
    wanted = hashlib.sha256(repr((_READERS, sys.version)).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"persons-api-readers-{wanted}"
    with alone(folder.with_suffix(".lock")):
        if not (folder / "complete").exists():
            make = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)]
            subprocess.run(make, check=True, timeout=60)
            pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
            options = ["-qq", "--disable-pip-version-check", "--no-compile"]
            subprocess.run([*pip, "install", *options, *_READERS], check=True, timeout=300)
            (folder / "complete").touch()
    return folder / "bin"


def node_modules(folder: Path) -> Path:
    """What the package.json of a folder names. Skips the test where there is no npm."""
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    installed, wanted = folder / "node_modules" / ".package-lock.json", folder / "package.json"
    with alone(Path(tempfile.gettempdir()) / "persons-api-npm.lock"):
        if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
            options = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel=error"]
            subprocess.run(["npm", "install", *options], cwd=folder, check=True, timeout=300)
    return folder / "node_modules"


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Tests run in several processes: one installs, the others wait."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
