"""The elements chain read by character, and CSS selectors in plain words, to hold the SQL against."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from clickhouse.query.elements import AttributeTest, ElementTest, Path, Selector

SPACES = " \t\n\r\f"


@dataclass(frozen=True)
class Element:
    tag_name: str
    classes: frozenset[str] = frozenset()
    attributes: Mapping[str, str] = field(default_factory=dict)


class DoubledAttribute(ValueError):
    """An element has an attribute twice, which no page has: what that means is not defined."""


def read_chain(chain: str) -> list[Element]:
    """The elements of a chain, innermost first. Raises DoubledAttribute."""
    return [read_element(text) for text in split_outside_values(chain) if text]


def texts(elements: Sequence[Element]) -> list[str]:
    return [each.attributes["text"] for each in elements if "text" in each.attributes]


def href(elements: Sequence[Element]) -> str | None:
    for each in elements:
        for name in ("href", "attr__href"):
            if name in each.attributes:
                return each.attributes[name]
    return None


def selects(selector: Selector, elements: Sequence[Element]) -> bool:
    return any(finds(path, elements, at) for path in selector.paths for at in range(len(elements)))


def finds(path: Path, elements: Sequence[Element], at: int) -> bool:
    """Whether the element at this place is what the path wants, in what the path wants it to be in."""
    if not is_wanted(path.element, elements[at]):
        return False
    if not path.ancestors:
        return True
    nearest, *others = path.ancestors
    outer = Path(element=nearest.element, ancestors=tuple(others))
    around = range(at + 1, len(elements))
    return any(finds(outer, elements, place) for place in (around[:1] if nearest.is_parent else around))


def is_wanted(test: ElementTest, element: Element) -> bool:
    return (
        test.tag_name in (None, element.tag_name)
        and element.classes.issuperset(test.classes)
        and all(has_wanted(each, element) for each in test.attributes)
    )


def has_wanted(test: AttributeTest, element: Element) -> bool:
    relations: dict[str, Callable[[str], bool]] = {
        "exists": lambda value: True,
        "=": lambda value: value == test.value,
        "^=": lambda value: value.startswith(test.value),
        "$=": lambda value: value.endswith(test.value),
        "*=": lambda value: test.value in value,
        "~=": lambda value: test.value in words(value),
    }
    is_so = relations[test.operator]
    return any(is_so(element.attributes[name]) for name in test.names if name in element.attributes)


def split_outside_values(chain: str) -> Iterator[str]:
    """What stands between the semicolons that are not in quotes."""
    start, quoted, position = 0, False, 0
    while position < len(chain):
        character = chain[position]
        if quoted and character == "\\":
            position += 1  # whatever follows does not end the value
        elif character == '"':
            quoted = not quoted
        elif character == ";" and not quoted:
            yield chain[start:position]
            start = position + 1
        position += 1
    yield chain[start:]


def read_element(text: str) -> Element:
    before, *rest = text.split('"', maxsplit=1)
    head, name = split_head(before) if rest else (before.removesuffix(":"), None)
    attributes: dict[str, str] = {}
    while rest:
        value, closed, after = read_value(rest[0])
        if name in attributes:
            raise DoubledAttribute
        if name is not None and closed:
            attributes[name] = unescaped(value)
        before, *rest = after.split('"', maxsplit=1)
        name = before[:-1] if before.endswith("=") else None
    tag_name, *dotted = head.split(".")
    classes = words(attributes["attr__class"]) if "attr__class" in attributes else dotted
    return Element(tag_name, frozenset(classes), attributes)


def split_head(before: str) -> tuple[str, str | None]:
    """(tag name and classes, name of the first attribute), of what comes before the first value."""
    colon = before.find(":attr__") if ":attr__" in before else before.rfind(":")
    if colon < 0 or not before.endswith("="):
        return before, None
    return before[:colon], before[colon + 1 : -1]


def read_value(text: str) -> tuple[str, bool, str]:
    """(a value as it is written, whether it ends, what follows), of what comes after a quote."""
    length = 0
    while length < len(text) and text[length] != '"':
        length += 2 if text[length] == "\\" else 1
    return text[:length], length < len(text), text[length + 1 :]


def words(text: str) -> list[str]:
    return [word for word in re.split(f"[{SPACES}]", text) if word]


def unescaped(value: str) -> str:
    """Of n backslashes before a quote, or at the end, half escape the others (or the quote)."""
    result, run = "", 0
    for character in [*value, None]:
        if character == "\\":
            run += 1
            continue
        result += "\\" * (run // 2 if character in ('"', None) else run) + (character or "")
        run = 0
    return result
