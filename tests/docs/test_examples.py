"""Every worked example of the documentation, in every language, answers what its page prints."""

from pathlib import Path

import pytest

from tests.docs.answers import is_printed
from tests.docs.conftest import Installation
from tests.docs.pages import DOCS, LANGUAGES, examples
from tests.docs.running import run
from tests.server.process import serving

# What a page may show with curl alone, because nobody would write a program for it.
_REFUSALS = ('"type": "', '"attr": ')


@pytest.mark.embedded
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_pages_print_is_what_a_reader_gets(
    language: str, installation: Installation, copy: Path, node_modules: Path, tmp_path: Path
) -> None:
    asked = [example for example in examples() if language in example.forms]
    assert len(asked) > 40
    (work := tmp_path / "work").mkdir()
    with serving(copy, "--no-demo") as server:
        world = installation.at(server.ready().url)
        answers = run(language, [example.forms[language] for example in asked], world, node_modules, work)
    differing = [
        f"{example} in {language} answers\n{answer}"
        for example, answer in zip(asked, answers, strict=True)
        if not is_printed(example.kind, example.answer, answer)
    ]
    assert not differing, "\n".join(differing)


def test_every_example_that_is_no_refusal_is_there_in_every_language() -> None:
    lacking = [
        str(example)
        for example in examples()
        if example.page.parent.name == "endpoints"
        and set(LANGUAGES) != set(example.forms)
        and not all(part in example.answer for part in _REFUSALS)
    ]
    assert not lacking


def test_every_endpoint_page_has_an_example() -> None:
    assert {example.page for example in examples()} >= set((DOCS / "endpoints").glob("*.md"))
