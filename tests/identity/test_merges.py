"""Who becomes whom (ingestion.md 4.5, 4.6)."""

import copy
from uuid import UUID

import pytest

from persons.identity import Event, Mapping, mentioned_ids, merge_ids, process
from tests.identity.helpers import (
    PROJECT,
    Store,
    alias,
    at,
    identify,
    make_event,
    personless,
    setting,
    uuid_of,
)


def test_an_id_seen_first_makes_a_person_with_the_uuid_posthog_gives_it() -> None:
    store = Store()
    store.take(make_event("u", minutes=5, properties={"$set": {"plan": "free"}, "$set_once": {"first": 1}}))
    person = store.person("u")
    # Version 5 over "7:u", reckoned with another program (perl, Digest::SHA).
    assert (PROJECT, person.uuid) == (7, UUID("1ed8f764-f891-5c00-bb84-8ada73931a36"))
    assert (person.created_at, person.last_seen_at, person.version) == (at(5), at(5), 0)
    assert person.properties == {"plan": "free", "first": 1}
    assert not person.is_identified
    assert store.mappings == {"u": Mapping("u", person.uuid, 0)}
    assert store.overrides == {}


@pytest.mark.parametrize("event", [identify("u", "a", **{"$set": {"x": 1}}), alias("u", "a")])
def test_neither_id_known_makes_one_person_of_both(event: Event) -> None:
    store = Store()
    store.take(event)
    person = store.person("u")
    assert store.person("a") == person
    assert (person.uuid, person.version, person.is_identified) == (uuid_of("u"), 0, True)
    assert person.properties == event.properties.get("$set", {})
    assert [mapping.version for mapping in store.mappings.values()] == [0, 0]
    assert store.overrides == {}


@pytest.mark.parametrize("known_id", ["u", "a"])
def test_the_one_known_person_gets_the_other_id(known_id: str) -> None:
    store = Store()
    store.take(setting(known_id, x=1))
    store.take(identify("u", "a"))
    person = store.person("u")
    assert store.person("a") == person
    assert (person.uuid, person.version, person.is_identified) == (uuid_of(known_id), 1, True)
    assert {mapping.version for mapping in store.mappings.values()} == {0}
    assert store.overrides == {}


def test_gaining_an_id_does_not_change_an_identified_person() -> None:
    store = Store()
    store.take(identify("u", "a"))
    outcome = store.take(identify("u", "b"))
    assert outcome.persons == {}
    assert outcome.mappings == {"b": Mapping("b", uuid_of("u"), 0)}


def test_a_merge_of_two_ids_of_one_person_marks_it_identified_and_nothing_else() -> None:
    store = Store()
    store.take(setting("u"))
    store.mappings["a"] = Mapping("a", uuid_of("u"), 0)
    outcome = store.take(identify("u", "a"))
    person = store.person("u")
    assert (person.is_identified, person.version) == (True, 1)
    assert (outcome.mappings, outcome.overrides, outcome.deleted) == ({}, {}, {})
    assert store.take(identify("u", "a")).persons == {}


@pytest.mark.parametrize(
    ("distinct_id", "event"),
    [
        ("u", identify("u", "u")),
        ("u", alias("u", "u")),
        ("u", alias("u", "u", "$merge_dangerously")),
        ("5", identify("5", 5)),
        # Not a merge, so the id is not refused for one.
        ("guest", identify("guest", "guest")),
    ],
)
def test_an_event_that_names_the_same_id_twice_only_sets_properties(distinct_id: str, event: Event) -> None:
    event.properties["$set"], event.properties["$set_once"] = {"plan": "pro"}, {"first": 1}
    store = Store()
    store.take(event)
    person = store.person(distinct_id)
    assert (person.is_identified, person.properties) == (False, {"plan": "pro", "first": 1})
    assert store.mappings == {distinct_id: Mapping(distinct_id, person.uuid, 0)}
    assert (store.notes, store.take(event).persons) == ([], {})
    store.take(identify(distinct_id, "a") if distinct_id == "u" else alias("v", distinct_id), event)
    assert store.person(distinct_id).is_identified == (distinct_id != "guest")


def test_an_id_without_a_person_gets_one_when_it_is_named_twice() -> None:
    store = Store()
    store.take(personless("u"), identify("u", "u"))
    assert [(person.version, person.is_identified) for person in store.persons.values()] == [(0, False)]
    assert store.mappings == {"u": Mapping("u", uuid_of("u"), 1)}


def test_being_identified_and_changed_by_one_event_is_one_version() -> None:
    store = Store()
    store.take(setting("u"))
    store.take(identify("u", "a", **{"$set": {"x": 1}}))
    assert store.person("u").version == 1


@pytest.mark.parametrize("anonymous_id", [None, "missing"])
def test_identify_without_an_anonymous_id_only_sets(anonymous_id: str | None) -> None:
    event = identify("u", None, **{"$set": {"x": 1}})
    if anonymous_id == "missing":
        del event.properties["$anon_distinct_id"]
    store = Store()
    store.take(event)
    assert (store.person("u").is_identified, store.person("u").properties) == (False, {"x": 1})
    assert store.notes == []


def test_two_persons_become_the_one_of_the_events_id() -> None:
    store = Store()
    store.take(setting("a", 0, kept="a", mine="a"), setting("a", 1, step=1), setting("a", 2, step=2))
    store.take(setting("u", 90, kept="u", step=3))
    store.take(identify("u", "a", **{"$set": {"new": 1}, "$set_once": {"mine": "late"}, "$unset": ["step"]}))
    person = store.person("u")
    assert person.properties == {"kept": "u", "mine": "a", "new": 1}
    assert (person.uuid, person.created_at, person.last_seen_at) == (uuid_of("u"), at(0), at(90))
    assert (person.is_identified, person.version) == (True, 3)
    assert store.mappings["a"] == store.overrides["a"] == Mapping("a", uuid_of("u"), 1)
    assert store.mappings["u"] == Mapping("u", uuid_of("u"), 0)
    assert store.overrides.keys() == {"a"}
    tombstone = store.tombstones[uuid_of("a")]
    assert (tombstone.version, tombstone.created_at) == (102, at(0))
    assert store.events[-1].person_id == uuid_of("u")


@pytest.mark.parametrize("together", [True, False])
def test_the_survivors_values_win_also_when_it_has_fewer(together: bool) -> None:
    store = Store()
    events = [setting("a"), setting("a", x="a", y="a"), setting("u", x="u"), identify("u", "a")]
    for batch in [events] if together else [[event] for event in events]:
        known = store.load(batch)
        before = copy.deepcopy(known)
        store.keep(process(PROJECT, batch, known))
        assert known == before
    assert store.person("u").properties == {"x": "u", "y": "a"}


def test_a_merge_moves_all_ids_and_each_move_raises_the_mappings_version() -> None:
    store = Store()
    store.take(setting("a"), alias("a", "a2", "$merge_dangerously"), setting("b"), setting("c"))
    store.take(
        alias("b", "a", "$merge_dangerously"),
        alias("c", "b", "$merge_dangerously"),
        make_event("a2"),
    )
    assert store.events[-1].person_id == uuid_of("c")
    assert {key: (mapping.person, mapping.version) for key, mapping in store.mappings.items()} == {
        "a": (uuid_of("c"), 2),
        "a2": (uuid_of("c"), 2),
        "b": (uuid_of("c"), 1),
        "c": (uuid_of("c"), 0),
    }
    assert store.overrides == {key: store.mappings[key] for key in ("a", "a2", "b")}
    assert store.tombstones.keys() == {uuid_of("a"), uuid_of("b")}
    assert store.persons.keys() == {uuid_of("c")}


@pytest.mark.parametrize("together", [True, False])
def test_what_each_id_left_is_told_with_the_event_that_did_it(together: bool) -> None:
    store = Store()
    events = [
        make_event("a"),
        alias("a", "a2"),
        make_event("b", index=1),
        alias("b", "a", "$merge_dangerously"),
        make_event("c", index=2),
        alias("c", "b", "$merge_dangerously"),
    ]
    batches = [events] if together else [[each] for each in events]
    moves = [move for batch in batches for move in store.take(*batch).moves]
    a, b, c = map(uuid_of, "abc")
    first = {("a", b, a), ("a2", b, a), ("b", c, b)}
    again = set() if together else {("a", c, b), ("a2", c, b)}
    assert {(move.distinct_id, move.survivor, move.loser) for move in moves} == first | again
    if together:
        assert {move.distinct_id: events[move.place].distinct_id for move in moves} == {
            "a": "b",
            "a2": "b",
            "b": "c",
        }


def test_a_person_made_and_merged_in_one_batch_leaves_a_tombstone_and_an_override() -> None:
    store = Store()
    store.take(make_event("a"), make_event("u"), identify("u", "a"), make_event("a"))
    assert [stored.person_id for stored in store.events] == [uuid_of(key) for key in ("a", "u", "u", "u")]
    assert store.tombstones[uuid_of("a")].version == 100
    assert store.overrides == {"a": Mapping("a", uuid_of("u"), 1)}


@pytest.mark.parametrize("name", ["$identify", "$create_alias"])
def test_a_person_that_is_already_identified_is_not_merged_away(name: str) -> None:
    store = Store()
    store.take(identify("other", "a"), setting("u", x=1))
    before = store.person("other")
    key = "$anon_distinct_id" if name == "$identify" else "alias"
    refused = make_event("u", name, index=4, properties={key: "a", "$set": {"x": 2}})
    store.take(refused)
    assert store.person("other") == store.person("a") == before
    person = store.person("u")
    assert (person.uuid, person.version, person.properties) == (uuid_of("u"), 1, {"x": 2})
    assert person.is_identified, "as PostHog does"
    assert store.events[-1].person_id == uuid_of("u")
    (note,) = store.notes
    assert (note.index, note.uuid, note.stored) == (4, refused.uuid, True)
    assert note.reason == 'the person of "a" is already identified: nothing was merged'
    (refusal,) = store.refused_merges
    assert (refusal.event, refusal.distinct_id, refusal.other_distinct_id) == (name, "u", "a")
    assert (refusal.person, refusal.other_person) == (uuid_of("u"), uuid_of("other"))


def test_merge_dangerously_merges_an_identified_person() -> None:
    store = Store()
    store.take(identify("other", "a"), setting("u"), alias("u", "a", "$merge_dangerously"))
    assert store.person("a") == store.person("other") == store.person("u")
    assert store.notes == []


def test_the_identified_person_may_be_the_survivor() -> None:
    store = Store()
    store.take(identify("u", "a"), setting("b"), identify("u", "b"))
    assert {mapping.person for mapping in store.mappings.values()} == {uuid_of("u")}


def test_personless_ids_get_a_person_with_a_higher_version_and_an_override_where_the_uuid_differs() -> None:
    store = Store()
    store.take(personless("u"), personless("a"), personless("b"), personless("c"))
    store.take(identify("u", "a"), identify("u", "b"), make_event("c"))
    assert store.mappings == {
        "u": Mapping("u", uuid_of("u"), 1),
        "a": Mapping("a", uuid_of("u"), 1),
        "b": Mapping("b", uuid_of("u"), 1),
        "c": Mapping("c", uuid_of("c"), 1),
    }
    assert store.overrides == {key: store.mappings[key] for key in ("a", "b")}


def test_only_ids_of_real_merges_ask_for_whole_persons() -> None:
    events = [make_event("x"), identify("u", "a"), identify("s", "s"), identify("t"), personless("p", "$set")]
    events.append(identify("v", "w", **{"$process_person_profile": False}))
    assert merge_ids(events) == {"u", "a"}
    assert mentioned_ids(events) == {"x", "u", "a", "s", "t"}
