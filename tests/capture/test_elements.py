"""What autocapture saw becomes a chain: the same chain, whichever way an SDK sends it."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from persons.models import Project
from persons.writing.elements import LONGEST_HREF, LONGEST_TEXT, elements_chain
from tests.clickhouse.reference_elements import Element, read_chain

LINK = {
    "tag_name": "a",
    "$el_text": 'Say "hello"',
    "attr__class": "primary btn",
    "attr__href": "/x",
    "attr__id": "go",
    "attr__data-kind": "call",
    "nth_child": 1,
    "nth_of_type": 2,
}
LINK_CHAIN = (
    'a.btn.primary:attr__class="primary btn"attr__data-kind="call"attr__href="/x"attr__id="go"attr_id="go"'
    'href="/x"nth-child="1"nth-of-type="2"text="Say \\"hello\\""'
)


def chain(*elements: Any) -> str:
    return elements_chain({"$elements": list(elements)})


def test_a_list_of_elements_becomes_the_chain_that_posthog_makes() -> None:
    box = {"tag_name": "div", "nth_child": 3, "nth_of_type": 1}
    assert chain(LINK, box) == LINK_CHAIN + ';div:nth-child="3"nth-of-type="1"'


def test_a_chain_goes_before_a_list_and_stays_as_it_is() -> None:
    assert elements_chain({"$elements_chain": 'b:text="\\"', "$elements": [LINK]}) == 'b:text="\\"'
    assert elements_chain({"$elements_chain": 7, "$elements": [LINK]}) == LINK_CHAIN
    assert elements_chain({"$elements_chain": ""}) == ""
    assert elements_chain({}) == ""


def test_names_of_other_sdks_mean_the_same() -> None:
    element = {
        "tag_name": "a",
        "text": "Go",
        "href": "/x",
        "attr_id": "go",
        "attr_class": ["primary", "btn"],
        "nth_child": "1",
    }
    assert chain(element) == (
        'a.btn.primary:attr__class="primary btn"attr_id="go"href="/x"nth-child="1"nth-of-type="0"text="Go"'
    )


def test_long_texts_and_links_are_shortened_as_posthog_does() -> None:
    (element,) = read_chain(chain({"$el_text": "é" * 500, "attr__href": "/" * 3000}))
    assert element.attributes["text"] == "é" * LONGEST_TEXT
    assert element.attributes["href"] == "/" * LONGEST_HREF
    assert element.attributes["attr__href"] == "/" * 3000


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ("a", ""),
        ({}, ""),
        ([], ""),
        ([None, 1, "a", []], ""),
        ([{}], ':nth-child="0"nth-of-type="0"'),
        ([{"tag_name": 1, "nth_child": None, "$el_text": {}}], ':nth-child="0"nth-of-type="0"'),
        ([{"tag_name": 'a"b'}], ':nth-child="0"nth-of-type="0"'),
        ([{"tag_name": "a;b"}], ':nth-child="0"nth-of-type="0"'),
        ([{"tag_name": "a", "attr__x;y": "1", 'attr__"': "1"}], 'a:nth-child="0"nth-of-type="0"'),
        (
            [{"tag_name": "a", "attr__disabled": True, "attr__x": 1.5, "attr__y": None, "attr__z": [1]}],
            'a:attr__disabled="true"attr__x="1.5"nth-child="0"nth-of-type="0"',
        ),
        (
            [{"tag_name": "a", "attr__class": ["b;c", 7, "d"]}],
            'a.d:attr__class="b;c d"nth-child="0"nth-of-type="0"',
        ),
    ],
)
def test_nonsense_is_left_out(elements: Any, expected: str) -> None:
    assert elements_chain({"$elements": elements}) == expected


def joined(*pieces: str, at_least: int = 0, at_most: int = 6) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces), min_size=at_least, max_size=at_most).map("".join)


# What a careless reader takes for the end of a value, an attribute or an element.
values = joined(*'ab"\\;:.= \n', '"text="', '";a:', "é") | st.text(max_size=9)
names = joined(*"ab:.-@", "attr__", "text", at_least=1).map("attr__{}".format)
classes = st.lists(joined(*'ab"\\;:.=é', ":attr__", at_least=1), max_size=3)
tag_names = st.sampled_from(["a", "div", "fb:like", "x-y", "text", "attr__x"])


@st.composite
def elements_and_readings(draw: st.DrawFn) -> tuple[dict[str, Any], Element]:
    tag_name, has_classes = draw(tag_names), draw(classes)
    named = draw(st.fixed_dictionaries({}, optional={"$el_text": values, "href": values, "attr_id": values}))
    others = draw(st.dictionaries(names, values, max_size=3))
    others.pop("attr__class", None)
    element = {"tag_name": tag_name, "attr__class": " ".join(has_classes), "nth_child": 2, **named, **others}
    own = {"text": named.get("$el_text"), "href": named.get("href"), "attr_id": named.get("attr_id")}
    attributes = {name: value for name, value in own.items() if value} | others
    attributes |= {"attr__class": " ".join(has_classes), "nth-child": "2", "nth-of-type": "0"}
    return element, Element(tag_name, frozenset(has_classes), attributes)


@given(st.lists(elements_and_readings(), max_size=4))
def test_what_was_written_is_read_back_exactly(drawn: list[tuple[dict[str, Any], Element]]) -> None:
    assert read_chain(chain(*(element for element, _ in drawn))) == [reading for _, reading in drawn]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
known = st.sampled_from([*LINK, "attr_class", "href", "attr_id", "text", "attr__", "attr__a b"])


@given(st.lists(st.dictionaries(known, json_values, max_size=5) | json_values, max_size=4) | json_values)
def test_no_list_of_elements_is_too_strange(elements: Any) -> None:
    read = read_chain(elements_chain({"$elements": elements}))
    assert len(read) == (
        sum(isinstance(each, dict) for each in elements) if isinstance(elements, list) else 0
    )


def test_events_are_stored_with_their_chain_and_their_list(
    clickhouse: ClickHouse, capture: Callable[..., Any], project: Project
) -> None:
    capture({"event": "$autocapture", "distinct_id": "a", "properties": {"$elements": [LINK]}})
    statement = sql(
        "SELECT elements_chain, JSONExtractString(properties, '$elements', 1, 'tag_name')"
        " FROM events WHERE team_id = {project:Int64}",
        project=project.id,
    )
    assert clickhouse.rows(statement) == [(LINK_CHAIN, "a")]
