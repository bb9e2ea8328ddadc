"""The worked examples of the documentation: a request in several languages, and what it prints."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LANGUAGES = ("sh", "python", "ts")
_PART = re.compile(r"^(?:#+ [^\n]*|```(\w+)\n(.*?)^```)$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """Blocks of code that do the same, and the block that follows them under the same heading."""

    page: Path
    forms: dict[str, str]
    answer: str
    # `json`: compared as JSON. `text`: to the letter.
    kind: str
    # Where the answer stands in the page.
    span: tuple[int, int]

    def __str__(self) -> str:
        line = self.page.read_text()[: self.span[0]].count("\n") + 1
        return f"{self.page.relative_to(ROOT)}:{line}"


def pages() -> list[Path]:
    """All pages in the order of the menu, which is the order in which the examples are run."""
    return [DOCS / name for name in _names(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])]


def examples() -> list[Example]:
    """Those of the pages that describe the API."""
    described = [page for page in pages() if page.parent.name == "endpoints" or page.name == "api.md"]
    return [example for page in described for example in _examples_of(page)]


def _names(menu: Any) -> Iterator[str]:
    if isinstance(menu, str):
        yield menu
    for entry in menu.values() if isinstance(menu, dict) else menu if isinstance(menu, list) else ():
        yield from _names(entry)


def _examples_of(page: Path) -> Iterator[Example]:
    forms: dict[str, str] = {}
    for part in _PART.finditer(page.read_text()):
        language, text = part.groups()
        if language in LANGUAGES:
            forms[language] = text
        elif forms and language in {"json", "text"}:
            yield Example(page, forms, text, language, part.span(2))
            forms = {}
        elif not language:
            forms = {}
