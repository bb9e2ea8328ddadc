"""Person properties take at most 640,000 bytes of JSON (ingestion.md 4.8)."""

import orjson
import pytest

from persons.identity.properties import SIZE_LIMIT
from tests.identity.helpers import Store, identify, make_event, setting, uuid_of


def text(size: int) -> str:
    """A text with which {"big": text} takes `size` bytes."""
    return "x" * (size - len('{"big":""}'))


@pytest.mark.parametrize(("size", "fits"), [(640_000, True), (640_001, False)])
def test_the_limit_is_640_000_bytes_after_the_update(size: int, fits: bool) -> None:
    store = Store()
    store.take(setting("u", small=1))
    big = {"$set": {"big": text(size)}, "$set_once": {"x": 1}, "$unset": ["small", "x"], "kept": 1}
    outcome = store.take(make_event("u", properties=big))
    if fits:
        assert len(orjson.dumps(store.person("u").properties)) == SIZE_LIMIT
        assert (store.person("u").version, store.notes) == (1, [])
        return
    assert (store.person("u").properties, store.person("u").version) == ({"small": 1}, 0)
    assert outcome.persons == {}
    refused = {key: big[key] for key in ("$set", "$set_once", "$unset")}
    assert outcome.events[0].event.properties == {"kept": 1, "$refused_person_update": refused}
    assert [note.stored for note in store.notes] == [True]


def test_bytes_count_not_characters() -> None:
    store = Store()
    store.take(make_event("u"), setting("u", big="é" * 320_000))
    assert store.person("u").properties == {}


def test_many_small_updates_reach_the_limit_exactly() -> None:
    store = Store()
    store.take(make_event("u"))
    store.take(*(make_event("u", "$set", properties={"$set": {f"k{n}": "x" * 100_000}}) for n in range(7)))
    assert store.person("u").properties.keys() == {f"k{n}" for n in range(6)}
    replaced = setting("u", k0="y" * 100_000)
    store.take(*[replaced, setting("u", k0="x" * 100_000)] * 5)
    assert (len(store.notes), store.person("u").version) == (1, 6 + 10)


def test_a_person_made_by_too_large_an_update_is_made_empty() -> None:
    store = Store()
    store.take(setting("u", big=text(SIZE_LIMIT + 1)))
    assert (store.person("u").properties, store.person("u").version) == ({}, 0)
    assert store.events[0].event.properties.keys() == {"$refused_person_update"}


def test_persons_merge_however_large_but_the_events_own_update_is_refused() -> None:
    store = Store()
    store.take(setting("a", one="x" * 400_000), setting("u", two="y" * 400_000))
    store.take(identify("u", "a", **{"$set": {"three": 3}}))
    assert store.person("a").properties.keys() == {"one", "two"}
    assert (store.person("a").uuid, store.person("a").version) == (uuid_of("u"), 1)
    assert len(store.notes) == 1
    store.take(make_event("u", properties={"$unset": ["one"]}), setting("u", three=3))
    assert store.person("u").properties.keys() == {"two", "three"}


def test_a_person_that_outgrew_the_limit_by_a_merge_in_the_same_batch_takes_no_update() -> None:
    store = Store()
    a, u = setting("a", one="x" * 400_000), setting("u", two="y" * 200_000)
    store.take(make_event("u"), a, u, identify("u", "a"), setting("u", three="z" * 50_000))
    assert store.person("u").properties.keys() == {"one", "two"}
