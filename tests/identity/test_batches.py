"""What holds for any batch: properties checked on many small random ones."""

import copy
import itertools
import json
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from persons.identity import NO_UPDATE_EVENTS, Event, is_personless, process, same_json
from tests.identity.helpers import PROJECT, Store, make_event, uuid_of

# Without a deadline: a busy machine is no failure.
SOME = settings(deadline=None)
MANY = settings(deadline=None, max_examples=500)

IDS = ["a", "b", "c", "d", "e", "anonymous", "0"]
NAMES = ["seen", "$identify", "$create_alias", "$merge_dangerously", "$set", "$exception", "$groupidentify"]

# No number that jsonb writes in more bytes than orjson: by these the size limit depends on the store.
leaves: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, 1, 1.0, -0.0, "", "x", "a longer text", [], {}]
)
values = leaves | st.lists(leaves, max_size=2) | st.dictionaries(st.sampled_from("xy"), leaves, max_size=2)
keys = st.sampled_from(["k", "l", "$browser", "$initial_browser", "1"])
objects = st.dictionaries(keys, values, max_size=3)
updates = st.fixed_dictionaries(
    {},
    optional={
        "$set": objects | leaves,
        "$set_once": objects | leaves,
        "$unset": st.lists(keys | leaves, max_size=3) | objects | leaves,
        "$lib": st.sampled_from(["web", "posthog-python"]),
        "$browser": st.sampled_from([None, "Firefox", "Safari"]),
        "$process_person_profile": st.sampled_from([False, False, True, "false"]),
    },
)


@st.composite
def batches(draw: st.DrawFn, ids: list[str] = IDS, names: list[str] = NAMES) -> list[Event]:
    events = []
    for index in range(draw(st.integers(0, 12))):
        name = draw(st.sampled_from(names))
        properties: dict[str, Any] = draw(updates)
        other = draw(st.sampled_from([*ids, ids[0], 1, True, None]))
        if name == "$identify":
            properties["$anon_distinct_id"] = other
        elif name in ("$create_alias", "$merge_dangerously"):
            properties["alias"] = other
        distinct_id = draw(st.sampled_from(ids))
        minutes = draw(st.integers(-200, 200))
        events.append(make_event(distinct_id, name, index=index, minutes=minutes, properties=properties))
    return events


def small_limit() -> Any:
    """A size limit that a few small properties exceed."""
    return patch("persons.identity.people.SIZE_LIMIT", 60)


def contents(store: Store) -> dict[str, Any]:
    """All that a store holds, comparable: 1, 1.0 and true differ, the order of keys does not. The version at
    which an event found its id counts how often the id has changed hands between batches."""
    persons = {
        uuid: (replace(person, properties={}), json.dumps(person.properties, sort_keys=True))
        for uuid, person in store.persons.items()
    }
    events = [replace(stored, version=0) for stored in store.events]
    return {**vars(store), "persons": persons, "events": events}


@MANY
@given(batches(), st.sets(st.integers(0, 12)))
def test_cutting_a_batch_anywhere_gives_the_same(events: list[Event], cuts: set[int]) -> None:
    with small_limit():
        whole, cut = Store(), Store()
        whole.take(*events)
        borders = [0, *sorted(cuts), len(events)]
        for start, end in itertools.pairwise(borders):
            cut.take(*events[start:end])
    assert contents(cut) == contents(whole)


@SOME
@given(batches(names=["seen", "$set", "$identify", "$exception"], ids=["a", "b"]))
def test_a_replay_of_stored_events_gives_the_live_properties(events: list[Event]) -> None:
    for event in events:
        event.properties.pop("$anon_distinct_id", None)
    store = Store()
    with small_limit():
        store.take(*events)
    for uuid, person in store.persons.items():
        replayed = replay([stored.event for stored in store.events if stored.person_id == uuid])
        assert same_json(replayed, person.properties)


def replay(events: list[Event]) -> dict[str, Any]:
    """The plain rule for stored events: $set, $set_once, $unset. Nothing else."""
    properties: dict[str, Any] = {}
    for event in events:
        if event.event in NO_UPDATE_EVENTS or is_personless(event):
            continue
        properties |= event.properties.get("$set", {})
        properties = event.properties.get("$set_once", {}) | properties
        for key in event.properties.get("$unset", []):
            properties.pop(key, None)
    return properties


@SOME
@given(batches(), batches())
def test_what_goes_in_is_not_changed(first: list[Event], second: list[Event]) -> None:
    store = Store()
    store.take(*first)
    known = store.load(second)
    before = copy.deepcopy((known, second))
    process(PROJECT, second, known)
    assert (known, second) == before


@SOME
@given(batches(), batches())
def test_what_comes_out_does_not_change_with_the_next_batch(first: list[Event], second: list[Event]) -> None:
    store = Store()
    outcome = store.take(*first)
    before = copy.deepcopy(outcome)
    known = store.load(second)
    known.persons.update({uuid: outcome.persons.get(uuid, known.persons[uuid]) for uuid in known.persons})
    process(PROJECT, second, known)
    assert outcome == before


@SOME
@given(st.lists(batches(), max_size=3))
def test_everybody_has_ids_and_every_id_somebody_that_lives(all_batches: list[list[Event]]) -> None:
    store = Store()
    for events in all_batches:
        before = copy.deepcopy(store)
        outcome = store.take(*events)
        owners = {mapping.person for mapping in store.mappings.values()} - {None}
        assert owners == store.persons.keys()
        assert not store.persons.keys() & store.tombstones.keys()
        for uuid in outcome.persons.keys() & before.persons.keys():
            assert store.persons[uuid].version > before.persons[uuid].version
        for uuid in outcome.deleted.keys() & before.persons.keys():
            assert outcome.deleted[uuid].version >= before.persons[uuid].version + 100
        for key in outcome.mappings.keys() & before.mappings.keys():
            assert store.mappings[key].version > before.mappings[key].version
        assert not outcome.seen.keys() & (outcome.persons.keys() | outcome.deleted.keys())


@SOME
@given(st.lists(batches(), max_size=3))
def test_the_override_or_else_the_event_itself_names_the_person_of_every_event(
    all_batches: list[list[Event]],
) -> None:
    store = Store()
    for events in all_batches:
        store.take(*events)
    for stored in store.events:
        distinct_id = stored.event.distinct_id
        override = store.overrides.get(distinct_id)
        found = stored.person_id if override is None else override.person
        assert found == (store.mappings[distinct_id].person or uuid_of(distinct_id))
    assert all(store.mappings[key] == override for key, override in store.overrides.items())
