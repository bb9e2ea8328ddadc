"""Writes what the examples answer now into the pages: `python -m tests.docs.fill`; then read the diff.

What a page leaves out with "..." stays out.
"""

import json
import tempfile
from pathlib import Path

from tests.docs.answers import refitted, written
from tests.docs.conftest import secrets
from tests.docs.pages import Example, examples
from tests.docs.running import World, run
from tests.docs.world import demo


def fill() -> None:
    with tempfile.TemporaryDirectory(prefix="persons-docs-") as name, demo(Path(name) / "data") as server:
        (Path(name) / "work").mkdir()
        world = World(server.url, *secrets(server.settled().secrets()))
        asked = [example for example in examples() if "sh" in example.forms]
        codes = [example.forms["sh"] for example in asked]
        found = run("sh", codes, world, Path(), Path(name) / "work")
    for example, answer in reversed(list(zip(asked, found, strict=True))):
        _write(example, answer)


def _write(example: Example, answer: str) -> None:
    if example.kind == "json":
        try:
            printed = json.loads(example.answer)
        except ValueError:
            printed = None
        answer = written(refitted(printed, json.loads(answer)))
    text = example.page.read_text()
    start, end = example.span
    example.page.write_text(f"{text[:start]}{answer.strip()}\n{text[end:]}")


if __name__ == "__main__":
    fill()
