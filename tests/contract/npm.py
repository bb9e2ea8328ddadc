"""Packages from npm, for the tests in a folder."""

import shutil
import subprocess
import threading
from pathlib import Path

import pytest

_OPTIONS = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel=error"]
_ONE_AT_A_TIME = threading.Lock()


def installed(folder: Path) -> Path:
    """What the package.json of a folder names, installed once. Skips the test where there is no npm."""
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    done, wanted = folder / "node_modules" / ".package-lock.json", folder / "package.json"
    with _ONE_AT_A_TIME:
        if not done.exists() or done.stat().st_mtime < wanted.stat().st_mtime:
            subprocess.run(["npm", "install", *_OPTIONS], cwd=folder, check=True, timeout=300)
    return folder / "node_modules"
