"""Ids by which nobody is merged (ingestion.md 4.7), and how values become ids."""

import pytest

from persons.identity import Event, mentioned_ids, merge_ids
from persons.identity.merges import is_refused_id
from tests.identity.helpers import Store, alias, identify, uuid_of

IN_ANY_CASE = [
    *("anonymous", "guest", "distinctid", "distinct_id", "id"),
    *("not_authenticated", "email", "undefined", "true", "false"),
]
AS_WRITTEN = ["[object Object]", "NaN", "None", "none", "null", "0", "", " ", "\t\n"]


@pytest.mark.parametrize("bare", IN_ANY_CASE + AS_WRITTEN)
def test_a_refused_id_is_refused_bare_and_in_quotes(bare: str) -> None:
    assert all(is_refused_id(written) for written in (bare, f"'{bare}'", f'"{bare}"'))


@pytest.mark.parametrize("bare", IN_ANY_CASE)
def test_some_ids_are_refused_in_any_case(bare: str) -> None:
    assert is_refused_id(bare.upper())
    assert is_refused_id(f"'{bare.title()}'")


@pytest.mark.parametrize(
    "distinct_id",
    ["nan", "NULL", "NONE", "[object object]", "00", "anonymous1", " id", "'id\"", "''id''", "'", "u1", "ïd"],
)
def test_other_ids_are_taken(distinct_id: str) -> None:
    assert not is_refused_id(distinct_id)


@pytest.mark.parametrize("event", [identify("u", "guest"), identify("Guest", "a"), alias("u", "'null'")])
def test_a_merge_by_a_refused_id_leaves_the_event_and_a_note(event: Event) -> None:
    store = Store()
    store.take(event)
    assert [stored.person_id for stored in store.events] == [uuid_of(event.distinct_id)]
    assert store.mappings.keys() == {event.distinct_id}
    assert not store.person(event.distinct_id).is_identified
    assert [note.stored for note in store.notes] == [True]
    assert "nothing was merged" in store.reasons[0]
    assert mentioned_ids([event]) == {event.distinct_id}
    assert merge_ids([event]) == set()


@pytest.mark.parametrize("name", ["$create_alias", "$merge_dangerously"])
def test_an_alias_that_is_missing_is_noted(name: str) -> None:
    store = Store()
    store.take(alias("u", None, name))
    assert store.reasons == ["alias is missing: nothing was merged"]
    assert not store.person("u").is_identified


def test_an_id_of_more_than_400_characters_is_not_merged() -> None:
    store = Store()
    store.take(alias("u", "x" * 401), alias("u", "y" * 400))
    assert store.reasons == ["alias is longer than 400 characters: nothing was merged"]
    assert store.mappings.keys() == {"u", "y" * 400}


@pytest.mark.parametrize(
    ("value", "text"), [(12, "12"), (1.5, "1.5"), ([1, "a"], '[1,"a"]'), ({"a": None}, '{"a":null}')]
)
def test_other_json_than_text_becomes_text(value: object, text: str) -> None:
    event = alias("u", value)
    store = Store()
    store.take(event)
    assert merge_ids([event]) == {"u", text}
    assert store.person(text) == store.person("u")


@pytest.mark.parametrize("value", [True, False, 0, "", []])
def test_json_that_is_no_id_is_refused_or_taken_by_its_text(value: object) -> None:
    store = Store()
    store.take(alias("u", value))
    assert bool(store.reasons) == (value != [])
