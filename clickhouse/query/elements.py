"""CSS selectors as autocapture uses them: which element was clicked, and what it was in.

The part of CSS that the elements of an event can answer (persons/writing/elements.py says what they are).
The rest is an error, never ignored: a selector that is half understood would find what nobody asked for.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict

Operator = Literal["exists", "=", "^=", "$=", "*=", "~="]

# A path has a bit per element in 64 (clickhouse/sql/elements.py); selectors as browsers copy them have fewer.
MOST_PARTS = 64

# The chain's names of attributes that do not simply become attr__name.
ATTRIBUTE_NAMES = {
    "attr_id": ("attr_id",),
    "href": ("href", "attr__href"),
    "id": ("attr_id", "attr__id"),
    "nth-child": ("nth-child",),
    "nth-of-type": ("nth-of-type",),
    "text": ("text",),
}

_SPACE = r"[ \t\n\r\f]"
_ESCAPE = rf"\\(?:[0-9a-fA-F]{{1,6}}{_SPACE}?|[^0-9a-fA-F\n\r\f])"
_WORD = r"[^ \t\n\r\f]+"
# Possessive: digits after a backslash could be divided in a great many ways.
_NAME = rf"(?:[-_a-zA-Z0-9]|[^\x00-\x7f]|{_ESCAPE})++"
_TOKEN = re.compile(
    rf"""
      (?P<comma> {_SPACE}*,{_SPACE}* )
    | (?P<child> {_SPACE}*>{_SPACE}* )
    | (?P<descendant> {_SPACE}+ )
    | (?P<any> \* )
    | (?P<tag> {_NAME} )
    | \.(?P<class> {_NAME} )
    | \#(?P<id> {_NAME} )
    | (?P<attribute>
        \[{_SPACE}* (?P<name>{_NAME}) {_SPACE}*
        (?: (?P<operator>[~^$*]?=) {_SPACE}*
            (?: "(?P<double>(?:[^"\\\n]|\\[\s\S])*)"
              | '(?P<single>(?:[^'\\\n]|\\[\s\S])*)'
              | (?P<bare>{_NAME}) )
            {_SPACE}* )?
        \] )
    | (?P<position> :(?P<of>nth-child|nth-of-type)\({_SPACE}*0*(?P<number>[1-9][0-9]{{0,8}}){_SPACE}*\) )
    """,
    re.VERBOSE,
)
_ESCAPED = re.compile(rf"\\(?:(?P<code>[0-9a-fA-F]{{1,6}}){_SPACE}?|(?P<character>[\s\S]))")

ALLOWED = (
    'tag names, *, .class, #id, [attribute], [attribute="value"], also with ^=, $=, *= or ~=, '
    ":nth-child(1), :nth-of-type(1), a space or > between elements, and commas between selectors; "
    r"other characters in names come after a backslash (.md\:flex)"
)


class SelectorError(ValueError):
    """A selector that cannot be used. The text says why, and what is allowed."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AttributeTest(_Value):
    """What an attribute must be: there, or in some relation to `value`. One of `names` is enough.

    Only = has a use for an empty value.
    """

    names: tuple[str, ...]
    operator: Operator = "exists"
    value: str = ""


class ElementTest(_Value):
    """What one element must be. Without a tag name it may be any; all classes and attributes are needed."""

    tag_name: str | None = None
    classes: tuple[str, ...] = ()
    attributes: tuple[AttributeTest, ...] = ()


class Ancestor(_Value):
    """An element around another: its parent, or any further out as well."""

    element: ElementTest
    is_parent: bool


class Path(_Value):
    """An element and those it must be in, from the inside outward."""

    element: ElementTest
    ancestors: tuple[Ancestor, ...] = ()


class Selector(_Value):
    """Selects what one of `paths` selects."""

    paths: tuple[Path, ...]


def parse_selector(text: str) -> Selector:
    """The selector that CSS text stands for. Names and values are compared as they are, case included.

    Raises SelectorError for CSS that is not supported, for what is not CSS, and for what matches nothing.
    """
    paths = [[_Step()]]
    for token in _tokens(text):
        if token.lastgroup == "comma":
            paths.append([_Step()])
        elif token.lastgroup in ("child", "descendant"):
            paths[-1].append(_Step(inside=token.lastgroup))
        else:
            paths[-1][-1].tokens.append(token)
    selector = Selector(paths=tuple(_path(text, steps) for steps in paths))
    if sum(len(step.tokens) for steps in paths for step in steps) > MOST_PARTS:
        raise SelectorError(
            f"A selector can have at most {MOST_PARTS} tag names, classes, attributes and so on."
        )
    return selector


@dataclass
class _Step:
    """The tokens of one element, and how it is inside the element that was named before."""

    inside: str | None = None
    tokens: list[re.Match[str]] = field(default_factory=list)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    text = text.lstrip(" \t\n\r\f")
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise _not_understood(text, position)
        position = token.end()
        # A space at the end is only known to be one here: it may also belong to a backslash.
        if token.lastgroup != "descendant" or position < len(text):
            yield token


def _path(text: str, steps: list[_Step]) -> Path:
    elements = [_element(text, step) for step in steps]
    inward = zip(elements, steps[1:], strict=False)
    ancestors = [Ancestor(element=element, is_parent=step.inside == "child") for element, step in inward]
    return Path(element=elements[-1], ancestors=tuple(reversed(ancestors)))


def _element(text: str, step: _Step) -> ElementTest:
    if not step.tokens:
        raise _not_understood(text, len(text))
    tag_name, classes, attributes = None, [], []
    for number, token in enumerate(step.tokens):
        kind = token.lastgroup
        if kind in ("any", "tag"):
            if number > 0:
                raise _not_understood(token.string, token.start())
            tag_name = _unescaped(token["tag"]) if kind == "tag" else None
        elif kind == "class":
            classes.append(_unescaped(token["class"]))
        else:
            attributes.append(_attribute(token))
    return ElementTest(tag_name=tag_name, classes=tuple(classes), attributes=tuple(attributes))


def _attribute(token: re.Match[str]) -> AttributeTest:
    if token.lastgroup == "id":
        return AttributeTest(names=ATTRIBUTE_NAMES["id"], operator="=", value=_unescaped(token["id"]))
    if token.lastgroup == "position":
        return AttributeTest(names=ATTRIBUTE_NAMES[token["of"]], operator="=", value=token["number"])
    name = _unescaped(token["name"])
    names = (name,) if name.startswith("attr__") else ATTRIBUTE_NAMES.get(name, (f"attr__{name}",))
    if token["operator"] is None:
        return AttributeTest(names=names)
    operator = cast("Operator", token["operator"])
    value = _unescaped(next(filter(None, (token["double"], token["single"], token["bare"])), ""))
    # CSS has these match nothing.
    if (operator in ("^=", "$=", "*=") and not value) or (
        operator == "~=" and not re.fullmatch(_WORD, value)
    ):
        wanted = "one word" if operator == "~=" else "a value that is not empty"
        raise SelectorError(f"{token[0]!r} matches nothing: {operator} needs {wanted}.")
    return AttributeTest(names=names, operator=operator, value=value)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(_character, text)


def _character(escaped: re.Match[str]) -> str:
    if escaped["code"] is None:
        return "" if escaped["character"] == "\n" else escaped["character"]
    code = int(escaped["code"], 16)
    # What Unicode does not have is U+FFFD (CSS Syntax 4.3.7).
    return "\ufffd" if code == 0 or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF else chr(code)


def _not_understood(text: str, position: int) -> SelectorError:
    where = f"not understood from {text[position:][:20]!r}" if position < len(text) else "it is not complete"
    return SelectorError(f"The selector cannot be {text[:50]!r}: {where}. Allowed: {ALLOWED}.")
