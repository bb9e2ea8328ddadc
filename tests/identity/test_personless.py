"""Events that are to leave persons alone (ingestion.md 4.4)."""

import pytest

from persons.identity import Mapping
from tests.identity.helpers import Store, make_event, personless, setting, uuid_of

FLAG = "$process_person_profile"


def test_a_personless_event_makes_no_person() -> None:
    store = Store()
    event = make_event("p", properties={FLAG: False, "$set": {"x": 1}, "$lib": "web", "$os": "Linux"})
    store.take(event)
    assert store.persons == {}
    assert store.mappings == {"p": Mapping("p", None, 0)}
    assert [(stored.event, stored.person_id) for stored in store.events] == [(event, uuid_of("p"))]
    assert store.take(personless("p")).mappings == {}


def test_a_personless_event_of_a_known_person_belongs_to_it_and_changes_nothing() -> None:
    store = Store()
    store.take(setting("u"))
    outcome = store.take(make_event("u", minutes=600, properties={FLAG: False, "$set": {"x": 1}}))
    assert [stored.person_id for stored in outcome.events] == [uuid_of("u")]
    assert (outcome.persons, outcome.seen, outcome.mappings) == ({}, {}, {})


@pytest.mark.parametrize("name", ["$identify", "$create_alias", "$merge_dangerously", "$set", "$unset"])
@pytest.mark.parametrize("known", [True, False])
def test_an_event_about_a_person_contradicts_the_flag_and_is_left_out(name: str, known: bool) -> None:
    store = Store()
    if known:
        store.take(setting("u"))
    properties = {FLAG: False, "alias": "a", "$anon_distinct_id": "a"}
    outcome = store.take(make_event("u", name, index=3, properties=properties))
    assert (outcome.events, outcome.persons, outcome.mappings) == ([], {}, {})
    assert [(note.index, note.stored) for note in outcome.notes] == [(3, False)]
    assert name in outcome.notes[0].reason


def test_groupidentify_contradicts_the_flag_too() -> None:
    store = Store()
    assert not store.take(personless("u", "$groupidentify")).events


@pytest.mark.parametrize("flag", [True, "false", 0, None, [], "no"])
def test_only_the_boolean_false_makes_an_event_personless(flag: object) -> None:
    store = Store()
    store.take(make_event("u", "$set", properties={FLAG: flag, "$set": {"x": 1}}))
    assert store.person("u").properties == {"x": 1}
