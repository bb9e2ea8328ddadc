"""The texts of cells."""

import re
from typing import Any

import orjson

# What a spreadsheet takes for a formula, full-width signs included (OWASP, "CSV Injection"). Also when
# apostrophes stand before it: so nobody mistakes one that was there for ours.
_FORMULA = re.compile(r"'*(?:[\t\r]|[\s\x00-\x1f]*[=+\-@\uff1d\uff0b\uff0d\uff20])")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def cell(value: Any) -> str:
    """Texts as they are, nothing for None, everything else as JSON has it; never a formula."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _harmless(value)
    text = orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()
    # Moments and uuids, whose texts need no escapes.
    return text[1:-1] if text.startswith('"') else text


def _harmless(text: str) -> str:
    """A text that is no formula: an apostrophe goes before one. A number with its sign is none."""
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text
