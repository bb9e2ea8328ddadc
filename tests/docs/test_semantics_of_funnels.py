"""The examples of docs/semantics/funnels.md, asked of the engine and of the reference."""

import re
from pathlib import Path
from typing import Any

import pytest

from clickhouse.client import ClickHouse
from clickhouse.query.funnel import Exclusion
from tests.clickhouse.generated_funnels import named
from tests.clickhouse.stored_funnels import check, seconds, window

PAGE = Path("docs/semantics/funnels.md").read_text()
EXAMPLES = [
    [cell.strip() for cell in row.strip("|").split("|")]
    for row in re.findall(r"^\|.*\|$", PAGE, re.MULTILINE)
    if not re.match(r"\| (steps \||--)|\|--", row)
]


def settings_of(text: str) -> dict[str, Any]:
    settings: dict[str, Any] = {**window(10)}
    for word in filter(None, (part.strip() for part in text.split(","))):
        if word in ("strict", "unordered"):
            settings["order"] = word
        elif length := re.fullmatch(r"window (\d+)", word):
            settings |= window(int(length[1]))
        else:
            exclusion = re.fullmatch(r"(\w) (\d)-(\d)", word)
            assert exclusion, word
            first, last = int(exclusion[2]) - 1, int(exclusion[3]) - 1
            settings["exclusions"] = (Exclusion(entity=named(exclusion[1]), from_step=first, to_step=last),)
    return settings


@pytest.mark.parametrize(("steps", "events", "settings", "result"), EXAMPLES)
def test_a_funnel_does_what_its_page_says(
    clickhouse: ClickHouse, steps: str, events: str, settings: str, result: str
) -> None:
    listed = [None if step == "*" else step for step in steps.split()]
    expected = None if result == "out" else int(result)
    check(clickhouse, seconds(events), listed, expected, **settings_of(settings))
