"""Examples run as their readers run them: one shell, one Python and one Node for all of them."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

# What the pages say; the test has another port.
WRITTEN_URL = "http://127.0.0.1:8000"
PATIENCE_SECONDS = 120
# Ends what an example prints.
_END = "\x1e"


class World(NamedTuple):
    """A server with the demo data, and the keys to it."""

    url: str
    key: str
    token: str


def run(language: str, codes: Sequence[str], world: World, tools: Path, folder: Path) -> list[str]:
    """What each of the codes prints. Tools is the folder of what came from npm, folder an empty one."""
    here = [code.replace(WRITTEN_URL, world.url) for code in codes]
    command = _PREPARE[language](here, tools, folder)
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PERSONS_KEY": world.key, "PERSONS_TOKEN": world.token},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    printed = done.stdout.replace(world.url, WRITTEN_URL).split(_END)[:-1]
    assert done.returncode == 0, f"{language}, example {len(printed)}:\n{codes[len(printed)]}\n{done.stderr}"
    return printed


def _shell(codes: Sequence[str], tools: Path, folder: Path) -> list[str]:
    lines = [f"( {code} ) || exit 1\nprintf '\\036'\n" for code in codes]
    (folder / "all.sh").write_text("".join(lines))
    return ["bash", "all.sh"]


def _python(codes: Sequence[str], tools: Path, folder: Path) -> list[str]:
    for number, code in enumerate(codes):
        (folder / f"example{number}.py").write_text(code)
    (folder / "every.py").write_text(
        f"for number in range({len(codes)}):\n"
        f"    exec(open(f'example{{number}}.py').read(), {{}})\n"
        f"    print(end={_END!r}, flush=True)\n"
    )
    return [sys.executable, "every.py"]


def _typescript(codes: Sequence[str], tools: Path, folder: Path) -> list[str]:
    """Compiled strictly: an example that does not compile is not one."""
    for number, code in enumerate(codes):
        (folder / f"example{number}.ts").write_text(f"{code}\nexport {{}};\n")
    (folder / "node.d.ts").write_text("declare const process: { env: Record<string, string> };\n")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "all.js").write_text(
        f"for (let number = 0; number < {len(codes)}; number++) {{\n"
        '  await import(`./example${number}.js`);\n  process.stdout.write("\\x1e");\n}\n'
    )
    options = "--strict --target es2022 --module esnext --moduleResolution bundler --lib es2023,dom"
    sources = [file.name for file in folder.glob("*.ts")]
    compiled = subprocess.run(
        ["node", str(tools / "typescript/bin/tsc"), *options.split(), *sources],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert compiled.returncode == 0, compiled.stdout
    return ["node", "all.js"]


_PREPARE: dict[str, Callable[[Sequence[str], Path, Path], list[str]]] = {
    "sh": _shell,
    "python": _python,
    "ts": _typescript,
}
