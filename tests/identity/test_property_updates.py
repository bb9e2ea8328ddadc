"""What events do to a person's properties and version (ingestion.md 4.1 to 4.3)."""

from dataclasses import replace
from typing import Any

import pytest

from persons.identity import NO_UPDATE_EVENTS, same_json
from tests.identity.helpers import Store, at, make_event, setting, uuid_of


def update(set_: Any = None, once: Any = None, unset: Any = None) -> dict[str, Any]:
    parts = {"$set": set_, "$set_once": once, "$unset": unset}
    return {key: value for key, value in parts.items() if value is not None}


@pytest.mark.parametrize(
    ("before", "asked", "after"),
    [
        ({"a": 1}, update({"a": 2, "b": 3}), {"a": 2, "b": 3}),
        ({"a": 1}, update(once={"a": 2, "b": 3}), {"a": 1, "b": 3}),
        ({"a": None}, update(once={"a": 2}), {"a": None}),
        ({}, update({"a": 1}, {"a": 2}), {"a": 1}),
        ({"a": 1, "b": 2}, update(unset=["a"]), {"b": 2}),
        ({"a": 1, "b": 2}, update(unset={"a": "", "b": 0}), {}),
        ({"a": 1}, update({"a": 2, "b": 1}, {"c": 1}, ["a", "b", "c", "a"]), {}),
        ({"a": 1}, update({"a": 1}, unset=["a"]), {}),
        ({"12": 1, "true": 2}, update(unset=[12, True]), {}),
        ({"a": {"deep": 1}}, update({"a": {"other": 1}}), {"a": {"other": 1}}),
        ({"a": 1}, update({"a": True}), {"a": True}),
        ({"a": [0, {}]}, update({"a": [False, {}]}), {"a": [False, {}]}),
        ({"a": ""}, update({"a": None}), {"a": None}),
    ],
)
def test_set_then_set_once_then_unset(
    before: dict[str, Any], asked: dict[str, Any], after: dict[str, Any]
) -> None:
    store = Store()
    store.take(setting("u", **before))
    store.take(make_event("u", properties=asked))
    assert same_json(store.person("u").properties, after)
    assert store.person("u").version == int(not same_json(before, after))


@pytest.mark.parametrize(
    "asked",
    [
        update({}),
        update({"a": 1}),
        update({"a": 1.0}),
        update({"b": {"y": [2], "x": True}}),
        update(once={"a": 5}),
        update(unset=["c"]),
        update({"c": 1}, unset=["c"]),
        {"a": 2},
    ],
)
def test_a_change_of_nothing_writes_nothing(asked: dict[str, Any]) -> None:
    store = Store()
    store.take(setting("u", a=1, b={"x": True, "y": [2]}))
    outcome = store.take(make_event("u", properties=asked))
    assert (outcome.persons, outcome.seen, outcome.mappings, outcome.notes) == ({}, {}, {}, [])
    assert len(outcome.events) == 1


def test_a_large_number_sent_again_is_no_change_although_the_store_writes_it_otherwise() -> None:
    store = Store()
    store.take(setting("u", n=1e16))
    assert isinstance(store.person("u").properties["n"], int)
    assert store.take(setting("u", n=1e16)).persons == {}


def test_each_changing_event_raises_the_version_by_one() -> None:
    store = Store()
    store.take(setting("u"))
    store.take(setting("u", x=1), setting("u", x=1), setting("u", x=2), setting("u", x=3))
    assert store.person("u").version == 3


def test_last_seen_moves_by_an_hour_or_more_and_is_no_change() -> None:
    store = Store()
    store.take(make_event("u"))
    assert store.take(make_event("u", minutes=59)).seen == {}
    outcome = store.take(
        make_event("u", minutes=60), make_event("u", minutes=119), make_event("u", minutes=-90)
    )
    assert (outcome.persons, outcome.seen) == ({}, {uuid_of("u"): at(60)})
    outcome = store.take(setting("u", minutes=180, x=1))
    assert outcome.seen == {}, "a changed person carries it"
    assert outcome.persons[uuid_of("u")].last_seen_at == at(180)


def test_a_person_never_seen_is_seen_with_its_first_event() -> None:
    store = Store()
    store.take(make_event("u"))
    store.persons[uuid_of("u")] = replace(store.person("u"), last_seen_at=None)
    assert store.take(make_event("u", minutes=-600)).seen == {uuid_of("u"): at(-600)}


@pytest.mark.parametrize("name", sorted(NO_UPDATE_EVENTS))
def test_some_events_make_a_person_but_never_update_it(name: str) -> None:
    store = Store()
    properties = {"$set": {"x": 1}, "$unset": "y", "$lib": "web", "$browser": "Firefox"}
    store.take(make_event("u", name, properties=properties))
    assert store.person("u").properties == {}
    assert store.events[0].event.properties == properties
    assert store.notes == []


@pytest.mark.parametrize("value", ["x", 1, True, [{}], None])
@pytest.mark.parametrize("key", ["$set", "$set_once", "$unset"])
def test_a_part_of_a_wrong_type_is_left_out_with_a_note(key: str, value: Any) -> None:
    store = Store()
    rest = {"$set": {"a": 1}, "$set_once": {"b": 2}, "$unset": ["c"]}
    store.take(make_event("u", properties={**rest, key: value, "other": 0}))
    if key == "$unset" and isinstance(value, list):
        assert store.events[0].event.properties["$unset"] == ["{}"]
        return
    assert store.events[0].event.properties == {
        **{part: asked for part, asked in rest.items() if part != key},
        "other": 0,
    }
    assert len(store.reasons) == 1
    assert store.reasons[0].startswith(f"{key} is n")


def test_the_stored_unset_is_a_list_of_texts() -> None:
    store = Store()
    store.take(make_event("u", properties={"$unset": {"a": 1, "b": None}}))
    store.take(make_event("u", properties={"$unset": ["a", 1, None]}))
    assert [stored.event.properties["$unset"] for stored in store.events] == [["a", "b"], ["a", "1", "null"]]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (10**16, 1e16, True),
        (0.0, -0.0, True),
        (1, True, False),
        (0, False, False),
        (0, None, False),
        ("1", 1, False),
        (2**53, 2**53 + 1, False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"b": 1}, False),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
        ([], {}, False),
        ({}, [], False),
        (None, None, True),
    ],
)
def test_values_are_compared_as_json(one: Any, other: Any, same: bool) -> None:
    assert same_json(one, other) == same_json(other, one) == same_json([one], [other]) == same
