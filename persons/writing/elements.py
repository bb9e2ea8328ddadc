r"""What was clicked, as one text: PostHog's elements chain.

    a.btn.primary:attr__class="btn primary"href="/x"nth-child="1"nth-of-type="2"text="Sign up";div:...

The innermost element comes first, and its parent follows after a `;`. An element is its tag name, its classes
and, after a `:`, its attributes. SDKs of today send the chain; older ones send `$elements`, from which this
makes the chain that a newer SDK would have sent.

In values `"` is written `\"`. PostHog leaves backslashes alone, so that its `\"` may also be a backslash that
ends a value. Here backslashes right before a `"`, or at the end, are written twice, as on the command line of
Windows. So every value can be read back, and whoever takes a backslash and what follows it for a pair, as
PostHog does, finds the same elements and attributes.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

# posthog-js cuts them too: the same click has the same chain whichever way it was sent.
LONGEST_TEXT, LONGEST_HREF = 400, 2048

_SPACE = re.compile(r"[ \t\n\f\r]+")
# The part before the attributes has no quotes and no escapes: what would end it early is left out.
_TAG_NAME = re.compile(r"""(?:(?!:attr__)[^\s.;"])+""")
_CLASS = re.compile(r"""(?:(?!:attr__)[^\s;"])+""")
_ATTRIBUTE = re.compile(r"""attr__[^\s;"=]+""")


def elements_chain(properties: Mapping[str, Any]) -> str:
    """The chain of an event: `$elements_chain`, else what `$elements` says, else ''. Nonsense is left out."""
    chain = properties.get("$elements_chain")
    if isinstance(chain, str) and chain:
        return chain
    elements = properties.get("$elements")
    if not isinstance(elements, list):
        return ""
    return ";".join(_element(element) for element in elements if isinstance(element, dict))


def _element(element: dict[str, Any]) -> str:
    tag_name = element.get("tag_name")
    if not isinstance(tag_name, str) or not _TAG_NAME.fullmatch(tag_name):
        tag_name = ""
    classes = _classes(element)
    head = ".".join([tag_name, *sorted(name for name in classes if _CLASS.fullmatch(name))])
    written = {
        name: value
        for name, value in ((name, _text(value)) for name, value in element.items())
        if value is not None and _ATTRIBUTE.fullmatch(name)
    }
    if classes:
        # The head cannot tell the class mt-0.5 from two classes; this can.
        written["attr__class"] = " ".join(classes)
    attributes = _attributes(element) | written
    return f"{head}:" + "".join(f'{name}="{_escaped(attributes[name])}"' for name in sorted(attributes))


def _attributes(element: dict[str, Any]) -> dict[str, str]:
    """The attributes that have names of their own. Positions are always there, 0 when they are not known."""
    found = {
        "text": _first(element, "$el_text", "text")[:LONGEST_TEXT],
        "href": _first(element, "href", "attr__href")[:LONGEST_HREF],
        "attr_id": _first(element, "attr_id", "attr__id"),
        "nth-child": _first(element, "nth_child") or "0",
        "nth-of-type": _first(element, "nth_of_type") or "0",
    }
    return {name: value for name, value in found.items() if value}


def _classes(element: dict[str, Any]) -> list[str]:
    """The classes in the order in which they were written, be they a text or a list."""
    for name in ("attr__class", "attr_class"):
        value = element.get(name)
        names = value if isinstance(value, list) else [value]
        classes = [each for name in names if isinstance(name, str) for each in _SPACE.split(name) if each]
        if classes:
            return classes
    return []


def _first(element: dict[str, Any], *names: str) -> str:
    return next((text for name in names if (text := _text(element.get(name)))), "")


def _text(value: object) -> str | None:
    """A value as JavaScript shows it; None for what is not one."""
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | int | float) else None


def _escaped(value: str) -> str:
    pieces = value.split('"')
    return '\\"'.join(piece + "\\" * (len(piece) - len(piece.rstrip("\\"))) for piece in pieces)
