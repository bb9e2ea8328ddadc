"""manage.py import_posthog: each thing once, whatever happens, and nothing in silence."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from persons.importing import run
from persons.importing.run import BadRows
from persons.models import ActivityLog, Person
from persons.outbox.flush import drain
from tests.api.world import World
from tests.capture.test_stores_agree import assert_stores_agree
from tests.history.test_replay_is_what_was import replayed
from tests.importing.exported import Importer, Rows, everybody, exported_events, ids_of

UUIDS = [f"00000000-0000-4000-8000-{number:012}" for number in range(200)]


def event(number: int, distinct_id: str, name: str = "e", day: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "uuid": UUIDS[number],
        "event": name,
        "distinct_id": distinct_id,
        "timestamp": f"2024-03-{day:02}T10:00:00+00:00",
        "properties": {},
        **fields,
    }


def sets(number: int, distinct_id: str, day: int, **properties: Any) -> dict[str, Any]:
    return event(number, distinct_id, "$set", day, properties={"$set": properties})


def person(number: int, *distinct_ids: str, **fields: Any) -> dict[str, Any]:
    return {
        "uuid": UUIDS[100 + number],
        "distinct_ids": list(distinct_ids),
        "properties": {},
        "created_at": "2024-02-01T00:00:00Z",
        **fields,
    }


def one_person(importer: Importer, distinct_id: str) -> Person:
    return Person.objects.get(project=importer.project, mappings__distinct_id=distinct_id)


def test_what_was_imported_before_is_not_imported_again_whatever_the_file_is_called(
    importer: Importer,
) -> None:
    events, people = [event(1, "a"), sets(2, "a", 2, plan="pro")], [person(1, "a", properties={"plan": "x"})]
    first = importer.run(persons=[importer.file("p", people)], events=[importer.file("e", events)])
    assert (first.persons["made"], first.events["taken"]) == (1, 2)
    before = everybody(importer.project)
    again = importer.run(persons=[importer.file("p2", people)], events=[importer.file("e2", events)])
    assert (again.files_done_before, +again.persons, +again.events) == (2, {}, {})
    more = importer.run(
        persons=[importer.file("p3", [*people, person(2, "b")])],
        events=[importer.file("e3", [*events, event(3, "b")])],
    )
    assert +more.persons == {"already there": 1, "made": 1}
    assert +more.events == {"already there": 2, "taken": 1}
    assert before.items() <= everybody(importer.project).items()
    assert len(exported_events(importer.store, importer.project)) == 3


def test_two_rows_without_a_uuid_that_say_the_same_are_one_event(importer: Importer) -> None:
    row = {key: value for key, value in event(0, "a").items() if key != "uuid"}
    summary = importer.run(events=[importer.file("e", [row, row, {**row, "event": "other"}])])
    assert summary.events["taken"] == 2


def test_one_that_was_cut_off_goes_on_behind_what_it_has_taken(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_EVENTS_AT_ONCE", 10)
    file = importer.file("e", [sets(number, f"u{number}", 1, n=number) for number in range(35)])
    watched = importer.seen.advanced

    def cut_off(step: str, done: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importer.seen, "advanced", cut_off)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            importer.run(events=[file])
    monkeypatch.setattr(importer.seen, "advanced", watched)
    summary = importer.run(events=[file])
    assert +summary.events == {"taken": 15}
    assert [each.properties for each in Person.objects.order_by("pk")] == [{"n": n} for n in range(35)]
    assert len(exported_events(importer.store, importer.project)) == 35


def test_old_updates_do_not_overrule_what_the_service_knows_already(importer: Importer, world: World) -> None:
    world.did("a", "e", day=5, sets={"plan": "pro"})
    importer.project = world.project
    importer.run(
        events=[importer.file("e", [sets(1, "a", 9, last=True), sets(2, "a", 1, plan="free", old=1)])]
    )
    assert one_person(importer, "a").properties == {"plan": "pro", "old": 1, "last": True}
    assert_stores_agree(importer.store, world.project)


def test_of_who_is_who_the_list_is_right(importer: Importer) -> None:
    """PostHog has split what events had merged; and of two persons who are one there, ours were two."""
    merge = event(3, "b", "$identify", 3, properties={"$anon_distinct_id": "a"})
    importer.run(events=[importer.file("e", [event(1, "a"), event(2, "b", day=2), merge, event(4, "c")])])
    assert ids_of(one_person(importer, "a")) == ["a", "b"]
    lists: Rows = [person(1, "a", properties={"x": 1}), person(2, "b", "c")]
    importer.run(persons=[importer.file("p", lists)])
    assert [ids_of(one_person(importer, each)) for each in "abc"] == [["a"], ["b", "c"], ["b", "c"]]
    assert one_person(importer, "a").properties == {"x": 1}
    assert str(one_person(importer, "c").uuid) == UUIDS[102]
    importer.run(events=[importer.file("e2", [{**merge, "uuid": UUIDS[9]}])])
    assert ids_of(one_person(importer, "a")) == ["a"]
    assert_stores_agree(importer.store, importer.project)


def identifies(number: int, distinct_id: str, other: str, day: int, **fields: Any) -> dict[str, Any]:
    properties = {"$anon_distinct_id": other}
    return event(number, distinct_id, "$identify", day, properties=properties, **fields)


@pytest.mark.parametrize("at_once", [1, 100])
@pytest.mark.parametrize("order", [[1, 2, 3], [2, 3, 1]])
def test_a_list_parts_whom_events_in_disorder_have_merged(
    importer: Importer, monkeypatch: pytest.MonkeyPatch, at_once: int, order: list[int]
) -> None:
    """PostHog refused to merge `a`, who was identified; here that event comes before the one that says so."""
    monkeypatch.setattr(run, "_EVENTS_AT_ONCE", at_once)
    monkeypatch.setattr(run, "_PERSONS_AT_ONCE", at_once)
    merge = identifies(1, "b", "a", 2, person_id=UUIDS[102])
    importer.run(events=[importer.file("e", [merge, event(2, "a", person_id=UUIDS[101])])])
    assert ids_of(one_person(importer, "a")) == ["a", "b"]
    names = {1: "a", 2: "b", 3: "c"}
    importer.run(persons=[importer.file("p", [person(number, names[number]) for number in order])])
    assert {str(uuid): ids for uuid, (ids, *_) in everybody(importer.project).items()} == {
        UUIDS[100 + number]: [name] for number, name in names.items()
    }
    assert_stores_agree(importer.store, importer.project)


@pytest.mark.parametrize("order", [[1, 2], [2, 1]])
@pytest.mark.parametrize("at_once", [1, 100])
def test_one_whom_events_merged_away_comes_back_under_another_uuid(
    importer: Importer, monkeypatch: pytest.MonkeyPatch, at_once: int, order: list[int]
) -> None:
    monkeypatch.setattr(run, "_PERSONS_AT_ONCE", at_once)
    rows = [event(number, name, person_id=UUIDS[100 + number]) for number, name in ((1, "a"), (2, "b"))]
    merge = identifies(3, "b", "a", 3, person_id=UUIDS[102])
    importer.run(events=[importer.file("e", [*rows, merge])])
    names = {1: "a", 2: "b"}
    people = [person(number, names[number], properties={"n": number}) for number in order]
    for _ in range(2):
        importer.run(persons=[importer.file("p", people)])
        uuids = {name: str(one_person(importer, name).uuid) for name in "ab"}
        assert uuids["b"] == UUIDS[102]
        assert uuids["a"] not in UUIDS
        assert [one_person(importer, name).properties for name in "ab"] == [{"n": 1}, {"n": 2}]
        people = [*people, person(3, "c")]
    assert_stores_agree(importer.store, importer.project)


def test_one_who_is_not_listed_yet_keeps_what_its_own_events_say(importer: Importer) -> None:
    merge = identifies(1, "b", "a", 2, person_id=UUIDS[102])
    updates = [sets(2, "a", 3, of_a=1), sets(3, "b", 3, of_b=1)]
    importer.run(events=[importer.file("e", [merge, *updates])])
    importer.run(persons=[importer.file("p", [person(1, "a", properties={"x": 1})])])
    assert [one_person(importer, name).properties for name in "ab"] == [{"x": 1}, {"of_b": 1}]
    for each, (properties,) in replayed(importer.store, importer.project, [datetime(2100, 1, 1, tzinfo=UTC)]):
        assert each.properties == properties


def test_what_a_list_says_is_all_there_is_whatever_events_come_after_it(importer: Importer) -> None:
    listed = [person(1, "a", properties={"plan": "pro"})]
    importer.run(persons=[importer.file("p", listed)])
    importer.run(events=[importer.file("e", [sets(1, "a", 1, plan="free", old=1)])])
    moments = [datetime(2024, 3, 2, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)]
    ((found, (then, now)),) = replayed(importer.store, importer.project, moments)
    assert (then, now) == ({"plan": "free", "old": 1}, {"plan": "pro"})
    assert found.properties == now


def test_a_newer_list_replaces_an_older_one_and_not_the_other_way_round(importer: Importer) -> None:
    def row(distinct_id: str, version: int, **fields: Any) -> dict[str, Any]:
        return {
            "person_id": UUIDS[100],
            "distinct_id": distinct_id,
            "person_version": version,
            "person_distinct_id_version": 0,
            "properties": f'{{"v": {version}}}',
            "created_at": "2024-02-01 00:00:00.000000",
            **fields,
        }

    importer.run(persons=[importer.file("1", [row("a", 5), row("b", 3)]), importer.file("2", [row("a", 4)])])
    assert (ids_of(one_person(importer, "b")), one_person(importer, "a").properties) == (["a", "b"], {"v": 5})
    gone = row("c", 9, person_id=UUIDS[101], is_deleted=True)
    summary = importer.run(persons=[importer.file("3", [row("a", 6), gone])])
    assert +summary.persons == {"updated": 1, "deleted there": 1}
    assert one_person(importer, "a").properties == {"v": 6}


def test_what_is_on_hold_stays_hidden_until_its_reset(importer: Importer, world: World) -> None:
    importer.project = world.project
    world.did("a", "e")
    world.delete("a")
    summary = importer.run(
        persons=[importer.file("p", [person(1, "a", properties={"x": 1}), person(2, "other")])],
        events=[importer.file("e", [sets(1, "a", 2, y=1)])],
    )
    assert (summary.persons["on hold"], summary.events["on hold"]) == (1, 1)
    assert world.person("a") is None
    assert world.person("other") is not None
    world.reset("a")
    assert world.person("a")["properties"] == {"y": 1}
    assert_stores_agree(importer.store, world.project)


def test_the_uuid_of_a_deleted_person_is_not_given_again(importer: Importer, world: World) -> None:
    importer.project = world.project
    importer.run(persons=[importer.file("p", [person(1, "a")])])
    world.delete("a")
    importer.run(events=[importer.file("e", [event(1, "new", person_id=UUIDS[101])])])
    importer.run(persons=[importer.file("p2", [person(1, "b")])])
    assert UUIDS[101] not in {world.uuid("new"), world.uuid("b")}


def test_a_bad_row_stops_the_import_before_its_batch(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_EVENTS_AT_ONCE", 2)
    rows = b"\n".join([line(event(n, "a")) for n in range(3)] + [b'{"event": 1}', line(event(5, "a"))])
    file = importer.file("e.jsonl", rows)
    with pytest.raises(BadRows, match=r"e\.jsonl:4: `event` is missing"):
        importer.run(events=[file])
    drain(importer.store)
    assert len(exported_events(importer.store, importer.project)) == 2
    summary = importer.run(events=[file], skip_bad=True)
    assert +summary.events == {"taken": 2, "skipped": 1}
    assert [text.rpartition("/")[2] for text in importer.seen.bad_rows] == [
        "e.jsonl:4: `event` is missing: the event's name, a text"
    ]


def test_a_refused_merge_is_in_the_log_once(importer: Importer) -> None:
    rows = [
        event(1, "a", "$identify", properties={"$anon_distinct_id": "a0"}),
        event(2, "b", "$identify", 2, properties={"$anon_distinct_id": "b0"}),
        event(3, "a", "$identify", 3, properties={"$anon_distinct_id": "b"}),
    ]
    importer.run(events=[importer.file("e", rows)])
    importer.run(events=[importer.file("e2", [*rows, event(4, "a")])])
    assert ActivityLog.objects.filter(activity=ActivityLog.Activity.MERGE_REFUSED).count() == 1


def line(row: dict[str, Any]) -> bytes:
    return orjson.dumps(row)
