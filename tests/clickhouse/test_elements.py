"""The elements of autocapture: what a chain says, and what CSS selectors find in it."""

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickhouse.client import ClickHouse
from clickhouse.query.elements import (
    ATTRIBUTE_NAMES,
    MOST_PARTS,
    Ancestor,
    AttributeTest,
    ElementTest,
    Path,
    Selector,
    SelectorError,
    parse_selector,
)
from clickhouse.sql.elements import HREF, TAG_NAMES, TEXTS, selected_by
from clickhouse.sql.fragment import Fragment, joined, sql
from persons.writing.elements import elements_chain
from tests.clickhouse.reference_elements import DoubledAttribute, Element, href, read_chain, selects, texts

EXAMPLES = int(os.environ.get("ELEMENTS_EXAMPLES", "60"))

# A link in a list in a box, as posthog-js writes it.
CHAIN = (
    'a.btn.md:flex.mt-0.5:attr__class="btn mt-0.5 md:flex"attr__data-kind="call to action"attr__href="/x"'
    'attr__id="go"attr_id="go"href="/x"nth-child="2"nth-of-type="1"text="Say \\"hello\\"; or: .not"'
    ';svg:attr__xlink:href="#icon"nth-child="1"nth-of-type="1"'
    ';li:nth-child="3"nth-of-type="3"'
    ';ul.menu.wide:attr__href="/menu"nth-child="1"nth-of-type="1"text=""'
    ';div:attr__id="root"nth-child="1"nth-of-type="2"'
)


def asked(store: ClickHouse, chains: Sequence[str], *questions: Fragment) -> list[tuple[Any, ...]]:
    """The answers for each chain, in order."""
    statement = sql(
        "SELECT {questions} FROM (SELECT arrayJoin({chains:Array(String)}) AS elements_chain)",
        questions=joined(", ", questions),
        chains=list(chains),
    )
    return store.rows(statement)


def finds(store: ClickHouse, selector: str, chain: str = CHAIN) -> bool:
    return bool(asked(store, [chain], selected_by(parse_selector(selector)))[0][0])


def test_a_chain_tells_its_texts_tag_names_and_link(clickhouse: ClickHouse) -> None:
    assert asked(clickhouse, [CHAIN, ""], TEXTS, TAG_NAMES, HREF) == [
        (['Say "hello"; or: .not', ""], ["a", "svg", "li", "ul", "div"], "/x"),
        ([], [], None),
    ]


def test_the_link_is_that_of_the_innermost_element_that_has_one(clickhouse: ClickHouse) -> None:
    chains = [
        'use:attr__xlink:href="#icon"nth-child="1";a:attr__href="/inner";a:href="/outer"',
        'a:attr__href="/as it is"href="/shortened"',
        'a:text=" href=\\"/x\\""',
    ]
    assert [row[0] for row in asked(clickhouse, chains, HREF)] == ["/inner", "/shortened", None]


def test_a_chain_that_is_cut_short_counts_as_far_as_it_goes(clickhouse: ClickHouse) -> None:
    chains = [
        'a:text="b";div:text="c;d',
        'a:text="b";div:text="c;d\\',
        'a:text="b";div:te',
        'a:text="b";div:',
    ]
    assert [row[0] for row in asked(clickhouse, chains, TEXTS)] == [["b"]] * 4
    assert [row[0] for row in asked(clickhouse, chains, TAG_NAMES)] == [
        ["a", "div"],
        ["a", "div"],
        ["a", "div:te"],
        ["a", "div"],
    ]


@pytest.mark.parametrize(
    "selector",
    [
        "a",
        "*",
        "a.btn",
        r".btn.md\:flex.mt-0\.5",
        ".wide.menu",
        "#go",
        "[id=go]",
        "[data-kind]",
        '[data-kind="call to action"]',
        "[attr__data-kind='call to action']",
        '[data-kind^="call"]',
        '[data-kind$="action"]',
        '[data-kind*=" to "]',
        "[data-kind~=to]",
        '[href="/x"]',
        r'[text="Say \"hello\"; or: .not"]',
        'ul[text=""]',
        "[class='btn mt-0.5 md:flex']",
        r'[xlink\:href="#icon"]',
        "a:nth-child(2):nth-of-type( 1 )",
        "[data-kind]:nth-child(2)[id='go'][href]",
        "div a",
        "div > ul a",
        "ul>li>svg>a",
        "div ul > li a",
        "button, a",
        " a , button ",
    ],
)
def test_a_selector_finds_what_css_says(clickhouse: ClickHouse, selector: str) -> None:
    assert finds(clickhouse, selector)


@pytest.mark.parametrize(
    "selector",
    [
        "button",
        "A",
        ".not",
        ".mt-0",
        r".\35",
        "#x",
        "ul#root",
        "[data-kin]",
        '[data-kind="call"]',
        '[href="#icon"]',
        "[text=hello]",
        "ul[class]",
        "a:nth-child(1)",
        "a > li",
        "a div",
        "ul > a",
        "li > ul a",
        "button, li.btn",
    ],
)
def test_a_selector_finds_nothing_else(clickhouse: ClickHouse, selector: str) -> None:
    assert not finds(clickhouse, selector)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a:hover",
        "a::before",
        "a + b",
        "a ~ b",
        "a:nth-child(2n+1)",
        "a:nth-child(0)",
        ":not(.a)",
        ".md:flex",
        "> a",
        "a >",
        "a > > b",
        "a,",
        ",a",
        "a,,b",
        ".",
        "#",
        "a*",
        "[a]b",
        "[]",
        "[a",
        '[a="b]',
        '[a="b" i]',
        "[a|=b]",
        "[a!=b]",
        "[a=b c]",
        '[a^=""]',
        "[a~='b c']",
        "a{}",
        "a\\",
    ],
)
def test_what_is_not_supported_is_an_error_that_says_what_is(text: str) -> None:
    with pytest.raises(SelectorError, match=r"Allowed: tag names|matches nothing"):
        parse_selector(text)


def test_a_selector_may_be_so_long_and_no_longer(clickhouse: ClickHouse) -> None:
    chain = ";".join(["a"] * MOST_PARTS)
    for combinator in (" ", " > ", ", "):
        assert finds(clickhouse, combinator.join(["a"] * MOST_PARTS), chain)
    assert not finds(clickhouse, " > ".join(["a"] * MOST_PARTS), chain.removesuffix(";a"))
    assert not finds(clickhouse, "".join(f'[x^="{number}"]' for number in range(MOST_PARTS)), chain)
    with pytest.raises(SelectorError, match="at most 64"):
        parse_selector(".a" * (MOST_PARTS + 1))


# Few names and values, so that elements and selectors meet; among them what a careless reader falls for.
TAGS = ["a", "a", "div", "b", "fb:like", "text"]
CLASSES = ["a", "b", "md:flex", "mt-0.5", "mt-0", "5", "\\", "é", "text=x"]
NAMES = ["id", "href", "text", "class", "x", "xlink:href", "@click", "b:text", "nth-child", "attr_id"]
VALUES = [
    "a",
    "b",
    "a b",
    "1",
    "",
    " ",
    "\\",
    'a"',
    'a\\"b',
    "a\\\\",
    "a\nb",
    "é",
    "'",
    "a;b",
    ":attr__x=",
    ".a",
]
VALUES += ['text="a"', '"text="a', '";a:text="a', '"attr__x="a"']
values = st.sampled_from(VALUES) | st.text('ab\\" ;:.=\n', max_size=6) | st.text(max_size=6)


@st.composite
def written_chains(draw: st.DrawFn) -> str:
    """Chains as capture makes them."""
    keys = st.sampled_from(["$el_text", "href", "attr_id", "nth_child", *(f"attr__{name}" for name in NAMES)])
    element = st.fixed_dictionaries(
        {"tag_name": st.sampled_from(TAGS), "attr_class": st.lists(st.sampled_from(CLASSES), max_size=3)}
    )
    elements = draw(
        st.lists(
            st.tuples(element, st.dictionaries(keys, values, min_size=1, max_size=4)), min_size=1, max_size=5
        )
    )
    return elements_chain({"$elements": [head | attributes for head, attributes in elements]})


# Chains as nobody should make them, and as SDKs make them: in any order, without attr__class, cut short.
PIECES = [
    *'a.:;"\\= \né',
    "b",
    "mt-0.5",
    ";a",
    "attr__",
    "text=",
    "href=",
    ':attr__class="',
    '"text="',
    '\\"',
]
PIECES += ['text="a"', ':text="a"', 'attr__x="a"', ':attr__x="a b"', ':attr__xlink:href="a"', ':href="a\\\\"']
PIECES += ['nth-child="1"', 'attr__id="a"', ";div.a.b", ";div:", ";text:"]
any_chains = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


def is_defined(chain: str) -> bool:
    try:
        read_chain(chain)
    except DoubledAttribute:
        return False
    return True


def css_name(name: str) -> str:
    return re.sub(r"[^-_a-zA-Z0-9\u0080-\U0010ffff\n\r\f]", r"\\\g<0>", name).translate(LINE_BREAKS)


def css_string(value: str) -> str:
    return '"' + re.sub(r'["\\]', r"\\\g<0>", value).translate(LINE_BREAKS) + '"'


LINE_BREAKS = {ord(character): f"\\{ord(character):x} " for character in "\n\r\f"}
Both = tuple[str, Any]  # CSS, and what it should be read as.


@st.composite
def attribute_tests(draw: st.DrawFn, name: str, value: str) -> Both:
    """An attribute like this one, more or less."""
    name = draw(st.sampled_from([name] * 50 + NAMES)).removeprefix("attr__")
    value = draw(st.sampled_from([value] * 50 + VALUES))
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(value))] * 2)))
    words = re.findall(r"[^ \t\n\r\f]+", value)
    operators = {"exists": "", "=": value, "^=": value[:end], "$=": value[start:], "*=": value[start:end]}
    operators["~="] = draw(st.sampled_from(words)) if words else ""
    operator = draw(
        st.sampled_from([each for each in operators if operators[each] or each in ("exists", "=")])
    )
    names = ATTRIBUTE_NAMES.get(name, (name if name.startswith("attr__") else f"attr__{name}",))
    test = {"names": names, "operator": operator, "value": operators[operator]}
    relation = "" if operator == "exists" else f"{operator}{css_string(operators[operator])}"
    return f"[{css_name(name)}{relation}]", AttributeTest.model_validate(test)


def some_of(what: Iterable[Any]) -> st.SearchStrategy[list[Any]]:
    each = sorted(what)
    least = st.integers(0, min(2, len(each)))
    return least.flatmap(lambda least: st.permutations(each).map(lambda mixed: mixed[:least]))


@st.composite
def element_tests(draw: st.DrawFn, like: Element) -> Both:
    tag_name = draw(st.sampled_from([None, like.tag_name or None]))
    classes = draw(some_of(filter(None, like.classes)))
    pairs = draw(some_of(pair for pair in like.attributes.items() if pair[0].removeprefix("attr__")))
    attributes = [draw(attribute_tests(*pair)) for pair in pairs]
    return (
        (css_name(tag_name) if tag_name else "*")
        + "".join(f".{css_name(name)}" for name in classes)
        + "".join(css for css, _ in attributes),
        ElementTest(
            tag_name=tag_name, classes=tuple(classes), attributes=tuple(test for _, test in attributes)
        ),
    )


@st.composite
def paths(draw: st.DrawFn, chains: list[str]) -> Both:
    """A path that may lead through one of the chains."""
    elements = read_chain(draw(st.sampled_from(chains))) or [Element("a")]
    first, last = sorted(draw(st.tuples(*[st.integers(0, len(elements) - 1)] * 2)))
    places = [place for place in range(first, last + 1) if place == first or draw(st.booleans())]
    css, element = draw(element_tests(elements[places[0]]))
    ancestors = []
    for place in places[1:]:
        outer, test = draw(element_tests(elements[place]))
        is_parent = draw(st.booleans())
        css = f"{outer}{' > ' if is_parent else ' '}{css}"
        ancestors.append(Ancestor(element=test, is_parent=is_parent))
    return css, Path(element=element, ancestors=tuple(ancestors))


def selectors(chains: list[str]) -> st.SearchStrategy[Both]:
    return st.lists(paths(chains), min_size=1, max_size=2).map(
        lambda each: (", ".join(css for css, _ in each), Selector(paths=tuple(path for _, path in each)))
    )


@st.composite
def questions(draw: st.DrawFn) -> tuple[list[str], list[Both]]:
    chains = draw(st.lists(written_chains() | any_chains.filter(is_defined), min_size=4, max_size=12))
    return chains, draw(st.lists(selectors(chains), min_size=4, max_size=8))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(questions())
def test_the_engine_reads_every_chain_as_the_reference_does(
    clickhouse: ClickHouse, drawn: tuple[list[str], list[Both]]
) -> None:
    chains, css_and_selectors = drawn
    wanted = []
    for css, expected in css_and_selectors:
        wanted.append(parse_selector(css))
        assert wanted[-1] == expected
    answers = asked(clickhouse, chains, TEXTS, TAG_NAMES, HREF, *map(selected_by, wanted))
    for chain, (its_texts, tag_names, its_href, *found) in zip(chains, answers, strict=True):
        elements = read_chain(chain)
        assert its_texts == texts(elements)
        assert tag_names == [element.tag_name for element in elements]
        assert its_href == href(elements)
        assert list(map(bool, found)) == [selects(selector, elements) for selector in wanted]
