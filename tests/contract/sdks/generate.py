"""Clients made from a description by the generators that people use, each in a folder of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.contract.installed import node_modules

HERE = Path(__file__).parent
_TOOLS = Path(sys.executable).parent
_PATIENCE_SECONDS = 240.0


@dataclass(frozen=True)
class Made:
    """`run`: the command that asks everything, up to where, with which key and of which project."""

    folder: Path
    run: Sequence[str]
    printed: str

    def ask(self, *arguments: str) -> str:
        """The last line that the user of the client prints."""
        return done([*self.run, *arguments], self.folder).splitlines()[-1]


def done(command: Sequence[str], folder: Path) -> str:
    """What a command prints; it has to succeed."""
    # Tools that were installed with pip expect their neighbours in the PATH.
    environment = {**os.environ, "PATH": f"{_TOOLS}{os.pathsep}{os.environ['PATH']}"}
    ended = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, f"{' '.join(command)}\n{ended.stdout}"
    return ended.stdout


def openapi_generator(description: Path, folder: Path) -> Made:
    folder = _with_users(folder, "openapi_generator")
    properties = "packageName=persons_sdk"
    only = "apiDocs=false,modelDocs=false,apiTests=false,modelTests=false"
    made = ["openapi-generator-cli", "generate", "-g", "python", "-i", str(description), "-o", "."]
    printed = done([*made, "--additional-properties", properties, "--global-property", only], folder)
    return Made(folder, _python(), printed)


def openapi_python_client(description: Path, folder: Path) -> Made:
    folder = _with_users(folder, "openapi_python_client")
    made = ["openapi-python-client", "generate", "--path", str(description), "--meta", "none"]
    options = ["--config", "config.yaml", "--fail-on-warning"]
    return Made(folder, _python(), done([*made, *options], folder))


def openapi_fetch(description: Path, folder: Path) -> Made:
    folder = _with_users(folder, "openapi_fetch")
    _npm(folder)
    printed = done(["node_modules/.bin/openapi-typescript", str(description), "-o", "schema.ts"], folder)
    return Made(folder, _compiled(folder), printed)


def hey_api(description: Path, folder: Path) -> Made:
    folder = _with_users(folder, "hey_api")
    _npm(folder)
    printed = done(["node_modules/.bin/openapi-ts", "-i", str(description), "-o", "sdk"], folder)
    return Made(folder, _compiled(folder), printed)


GENERATORS = (openapi_generator, openapi_python_client, openapi_fetch, hey_api)


def _with_users(folder: Path, name: str) -> Path:
    shutil.copytree(HERE / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def _python() -> Sequence[str]:
    return [sys.executable, "user.py"]


def _npm(folder: Path) -> None:
    (folder / "node_modules").symlink_to(node_modules(HERE))
    for name in ("package.json", "tsconfig.json"):
        shutil.copy(HERE / name, folder)


def _compiled(folder: Path) -> Sequence[str]:
    done(["node_modules/.bin/tsc"], folder)
    return ["node", "built/user.js"]
