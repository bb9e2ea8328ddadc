r"""What autocapture saw: conditions on the column elements_chain, '' when there is none.

    a.btn.primary:attr__class="btn primary"href="/x"nth-child="1"nth-of-type="2"text="Sign up";div:

persons/writing/elements.py describes the format. SDKs write it too, with attributes in any order and with
class names as they come (`md:flex`, `mt-0.5`). So:

- A quoted value ends at the first `"` before which there is an even number of backslashes.
- What comes before an element's first value is its tag name, its classes and that value's name. The name
  begins after the first `:` that `attr__` follows (`use:attr__xlink:href="#icon"`), else after the last `:`.
- The classes are the words of attr__class if there is one, else what the dots before the name separate.
- A value without its last `"` is none, nor is one without a name.

Every pattern starts where its element starts and passes over values as a whole: a text may look like an
attribute, and is none.
"""

import re
from collections.abc import Iterator

from clickhouse.query.elements import AttributeTest, ElementTest, Path, Selector
from clickhouse.sql.conditions import all_of, any_of
from clickhouse.sql.fragment import Fragment, joined, sql

# (?s:.) is any character, line breaks included.
_VALUE = r'(?:[^"\\]|\\(?s:.))*'
_ELEMENT = rf'(?:[^;"]|"{_VALUE}(?:"|\\?$))+'
_FIRST_NAME = r':(?:attr__[^"]*|[^":]*)="|:?$|"'
_TAG_NAME = rf'^([^".]*?)(?:\.|{_FIRST_NAME})'
_HEAD = rf'^([^"]*?)(?:{_FIRST_NAME})'
_WORD = r"[^ \t\n\r\f]+"


def _not_starting_with(prefix: str) -> str:
    """A pattern for text without `:` and `"` that does not start so. RE2 cannot look ahead."""
    longer = ""
    for character in reversed(prefix):
        other = rf'[^":{character}][^":]*'
        longer = f"(?:{other}|{character}{longer})?" if longer else f"(?:{other})?"
    return longer


_BEFORE_FIRST_NAME = rf'[^":]*(?::{_not_starting_with("attr__")})*:'


def _attribute(name: str, value: str = f"({_VALUE})") -> str:
    """A pattern for an element with this attribute; `value` is a pattern too."""
    return rf'^(?:{_BEFORE_FIRST_NAME}|(?:[^"]*"{_VALUE}")+?){re.escape(name)}="{value}"'


# Below, `element` is a name of lambdas: one of these.
_ELEMENTS = sql("extractAll(elements_chain, {element_pattern:String})", element_pattern=_ELEMENT)


def _has(name: str) -> Fragment:
    return sql("match(element, {attribute:String})", attribute=_attribute(name))


def _value(name: str) -> Fragment:
    """The value of an attribute, '' without. Backslashes before a `"` and at the end are halved."""
    return sql(
        r"""
arrayStringConcat(
    arrayMap(
        piece -> concat(
            trim(TRAILING '\\' FROM piece),
            repeat('\\', intDiv(length(piece) - length(trim(TRAILING '\\' FROM piece)), 2))
        ),
        splitByChar('"', extract(element, {attribute:String}))
    ),
    '"'
)
""".strip(),
        attribute=_attribute(name),
    )


TAG_NAMES = sql(
    "arrayMap(element -> extract(element, {tag_name_pattern:String}), {elements})",
    tag_name_pattern=_TAG_NAME,
    elements=_ELEMENTS,
)

TEXTS = sql(
    "arrayMap(element -> {text}, arrayFilter(element -> {has_text}, {elements}))",
    text=_value("text"),
    has_text=_has("text"),
    elements=_ELEMENTS,
)

_HREFS = sql(
    """
arrayMap(
    element -> if({has_href}, {href}, {attr_href}),
    arrayFilter(element -> {has_href} OR {has_attr_href}, {elements})
)
""".strip(),
    has_href=_has("href"),
    href=_value("href"),
    has_attr_href=_has("attr__href"),
    attr_href=_value("attr__href"),
    elements=_ELEMENTS,
)

# Of the innermost element that has one.
HREF = sql("if(notEmpty({hrefs}), {hrefs}[1], NULL)", hrefs=_HREFS)


def selected_by(selector: Selector) -> Fragment:
    """Whether the selector finds one of the elements."""
    return any_of(_is_there(path) for path in selector.paths)


def _is_there(path: Path) -> Fragment:
    """Whether an element is there that is what the path wants, inside the ancestors that it wants.

    From the inside outward, a bit says of each test of the path whether it and all before it are satisfied,
    the last one by the element at hand. An element can satisfy a test if the bit before was set by the
    element before; or by any before, where the path does not want a parent: there bits are kept.
    """
    tests = [path.element, *(ancestor.element for ancestor in path.ancestors)]
    kept = [not ancestor.is_parent for ancestor in path.ancestors] + [True]
    return sql(
        """
(
    position(elements_chain, {certain:String}) > 0
    AND bitTest(
        arrayFold(
            (satisfied, element) -> bitOr(
                bitAnd(bitOr(bitShiftLeft(satisfied, 1), 1), {element_satisfies}),
                bitAnd(satisfied, {kept:UInt64})
            ),
            {elements},
            toUInt64(0)
        ),
        {last:UInt8}
    )
)
""".strip(),
        certain=max((text for test in tests for text in _certain_texts(test)), key=len, default=""),
        element_satisfies=joined(
            " + ",
            (
                sql("if({satisfies}, {bit:UInt64}, 0)", satisfies=_satisfies(test), bit=1 << number)
                for number, test in enumerate(tests)
            ),
        ),
        kept=sum(1 << number for number, is_kept in enumerate(kept) if is_kept),
        elements=_ELEMENTS,
        last=len(tests) - 1,
    )


def _satisfies(test: ElementTest) -> Fragment:
    conditions = [_attribute_satisfies(each) for each in test.attributes]
    if test.tag_name is not None:
        conditions.append(
            sql(
                "(startsWith(element, {tag_name:String})"
                " AND extract(element, {tag_name_pattern:String}) = {tag_name:String})",
                tag_name=test.tag_name,
                tag_name_pattern=_TAG_NAME,
            )
        )
    if test.classes:
        conditions += [
            sql("position(element, {certain:String}) > 0", certain=_plain(name)) for name in test.classes
        ]
        conditions.append(
            sql(
                """
hasAll(
    if(
        {has_classes},
        extractAll({classes}, {word:String}),
        arrayPopFront(splitByChar('.', extract(element, {head_pattern:String})))
    ),
    {wanted_classes:Array(String)}
)
""".strip(),
                has_classes=_has("attr__class"),
                classes=_value("attr__class"),
                word=_WORD,
                head_pattern=_HEAD,
                wanted_classes=list(test.classes),
            )
        )
    return all_of(conditions)


def _attribute_satisfies(test: AttributeTest) -> Fragment:
    return any_of(_is(name, test) for name in test.names)


_RELATIONS = {
    "^=": "startsWith({value}, {wanted:String})",
    "$=": "endsWith({value}, {wanted:String})",
    "*=": "position({value}, {wanted:String}) > 0",
    "~=": "has(extractAll({value}, {word:String}), {wanted:String})",
}


def _is(name: str, test: AttributeTest) -> Fragment:
    if test.operator == "exists":
        return _has(name)
    if test.operator == "=":
        written = re.escape(_escaped(test.value))
        return sql("match(element, {attribute:String})", attribute=_attribute(name, written))
    return sql(_RELATIONS[test.operator], value=_value(name), wanted=test.value, word=_WORD)


def _certain_texts(test: ElementTest) -> Iterator[str]:
    """What is written in every chain with such an element: one look for it spares most chains the rest."""
    if test.tag_name is not None:
        yield test.tag_name
    yield from map(_plain, test.classes)
    for each in test.attributes:
        yield _plain(each.value)
        if len(each.names) == 1:
            yield f'{each.names[0]}="' + (f'{_escaped(each.value)}"' if each.operator == "=" else "")


def _plain(text: str) -> str:
    """The longest part that is written as it is, whatever backslashes are added at its end."""
    return max(text.split('"'), key=len)


def _escaped(value: str) -> str:
    """The only way of writing a value that reads as that value."""
    pieces = value.split('"')
    return '\\"'.join(piece + "\\" * (len(piece) - len(piece.rstrip("\\"))) for piece in pieces)
