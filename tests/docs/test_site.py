"""The site that `make docs` makes: every link leads somewhere, and nothing comes from another host."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, examples


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The pages by their names. A dead link or anchor is a failure."""
    folder: Path = tmp_path_factory.mktemp("site")
    # Not --quiet: that would swallow the warnings that --strict counts.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert built.returncode == 0, built.stderr
    return {str(page.relative_to(folder)): page.read_text() for page in folder.rglob("*.html")}


def test_a_page_takes_nothing_from_other_hosts(site: dict[str, str]) -> None:
    taken = re.compile(r'<(?:script|img|iframe|link)\b[^>]*?(?:src|href)="?((?:https?:)?//[^">\s]*)')
    assert {name: found for name, text in site.items() if (found := taken.findall(text))} == {}


def test_the_languages_of_an_example_are_tabs(site: dict[str, str]) -> None:
    in_languages = sum(len(example.forms) > 1 for example in examples())
    assert sum(text.count(">TypeScript</label>") for text in site.values()) == in_languages
    assert "<details>" not in "".join(site.values())
