"""What autocapture saw, read back from the chain of elements (persons/writing/elements.py writes it)."""

import re
from typing import Any

_VALUE = r'(?:[^"\\]|\\.)*+'
_ELEMENT = re.compile(rf'(?:[^;"]|"{_VALUE}(?:"|\\?\Z))++', re.DOTALL)
_QUOTED = re.compile(rf'([^"]*)"({_VALUE})"', re.DOTALL)
_ESCAPES = re.compile(r'\\+(?="|\Z)')
_SPACES = re.compile(r"[ \t\n\f\r]+")
# What PostHog shows beside `attributes`.
_OWN = ("text", "href", "attr_id")
_NUMBERS = {"nth_child": "nth-child", "nth_of_type": "nth-of-type"}


def elements_of(chain: str) -> list[dict[str, Any]]:
    """The elements of a chain, the innermost first; none of an empty one."""
    return [_element(match[0], order) for order, match in enumerate(_ELEMENT.finditer(chain))]


def _element(text: str, order: int) -> dict[str, Any]:
    head, attributes = _read(text)
    tag_name, *dotted = head.split(".")
    classes = _SPACES.split(attributes.pop("attr__class")) if "attr__class" in attributes else dotted
    own = {name: attributes.pop(name, None) for name in _OWN}
    numbers = {name: _whole(attributes.pop(written, None)) for name, written in _NUMBERS.items()}
    return {
        **own,
        **numbers,
        "tag_name": tag_name or None,
        "attr_class": [name for name in classes if name],
        "attributes": attributes,
        "order": order,
    }


def _read(text: str) -> tuple[str, dict[str, str]]:
    """Tag name and classes, and the attributes. What has no name or no end is left out."""
    head, name = _split_head(text.partition('"')[0])
    attributes: dict[str, str] = {}
    for number, match in enumerate(_QUOTED.finditer(text)):
        before, value = match.groups()
        if number:
            name = before[:-1] if before.endswith("=") else None
        if name is not None:
            # Of the backslashes before a quotation mark half escape the others.
            attributes[name] = _ESCAPES.sub(lambda run: "\\" * (len(run[0]) // 2), value)
    return head, attributes


def _split_head(before: str) -> tuple[str, str | None]:
    """The same, and the name of the first attribute, of what comes before the first value."""
    colon = before.find(":attr__") if ":attr__" in before else before.rfind(":")
    if colon < 0 or not before.endswith("="):
        return before.removesuffix(":"), None
    return before[:colon], before[colon + 1 : -1]


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None
