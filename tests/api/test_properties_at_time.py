"""`persons/properties_at_time/`: what a person was like at a moment."""

import csv
import io
from datetime import datetime
from typing import Any

import pytest

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from persons.models import Person, PersonDistinctId, Project
from persons.models.history import Part, note_deletion, note_split
from persons.outbox.flush import drain
from tests.api.helpers import Capture, change, event, person
from tests.api.past import address
from tests.api_client import Api


def at(api: Api, project: Project, timestamp: str, distinct_id: str = "u", **query: Any) -> Any:
    query = {"distinct_id": distinct_id, "timestamp": timestamp, **query}
    answer = api.get(address(project), query)
    assert answer.status_code == 200, answer.content
    return answer.json()["properties"]


@pytest.mark.parametrize(
    ("timestamp", "expected", "with_set_once"),
    [
        ("2024-03-01T09:59:59.999999Z", {}, {}),
        ("2024-03-01T10:00:00Z", {"plan": "free", "email": "u@example.com"}, {}),
        ("2024-03-02T10:00:00.499999Z", {"plan": "free", "email": "u@example.com"}, {}),
        ("2024-03-02T10:00:00.5Z", {"plan": "pro", "email": "u@example.com"}, {"first": 1}),
        ("2024-03-03T10:00:00Z", {"plan": "pro"}, {"first": 1, "second": None}),
        ("2100-01-01T00:00:00Z", {"plan": "pro"}, {"first": 1, "second": None}),
        # The same moments, written otherwise.
        ("2024-03-02T10:00:00.5", {"plan": "pro", "email": "u@example.com"}, {"first": 1}),
        ("2024-03-02 12:00:00.5+02:00", {"plan": "pro", "email": "u@example.com"}, {"first": 1}),
        ("2024-03-02T12:00:00.5 02:00", {"plan": "pro", "email": "u@example.com"}, {"first": 1}),
        ("2024-03-02", {"plan": "free", "email": "u@example.com"}, {}),
    ],
)
@pytest.mark.usefixtures("plans")
def test_properties_are_those_of_the_moment_to_the_microsecond(
    api: Api, project: Project, timestamp: str, expected: dict[str, Any], with_set_once: dict[str, Any]
) -> None:
    assert at(api, project, timestamp) == expected
    assert at(api, project, timestamp, include_set_once="TRUE") == {**expected, **with_set_once}


@pytest.mark.usefixtures("plans")
def test_the_answer_is_the_person_with_the_name_of_then_and_what_was_asked(
    api: Api, project: Project
) -> None:
    stored = Person.objects.get(project=project)
    asked = {"timestamp": "2024-03-02T12:00:00+02:00"}
    by_id = api.get(address(project), {"distinct_id": "u", **asked}).json()
    metadata = by_id.pop("point_in_time_metadata")
    assert datetime.fromisoformat(by_id.pop("updated_at")) == stored.updated_at
    assert by_id == {
        "id": stored.pk,
        "uuid": str(stored.uuid),
        "type": "person",
        "name": "u@example.com",
        "distinct_ids": ["u"],
        "distinct_ids_count": 1,
        "distinct_ids_truncated": False,
        "properties": {"plan": "free", "email": "u@example.com"},
        "created_at": "2024-03-01T10:00:00Z",
        "is_identified": False,
        "last_seen_at": "2024-03-03T10:00:00Z",
    }
    assert metadata == {
        "queried_timestamp": "2024-03-02T10:00:00Z",
        "include_set_once": False,
        "distinct_id_used": "u",
        "person_id_used": None,
        "query_mode": "distinct_id",
        "distinct_ids_queried": ["u"],
        "distinct_ids_count": 1,
    }
    for person_id in (str(stored.pk), str(stored.uuid)):
        answer = api.get(address(project), {"person_id": person_id, **asked}).json()
        del answer["updated_at"]
        assert answer.pop("point_in_time_metadata") == {
            **metadata,
            "distinct_id_used": None,
            "person_id_used": person_id,
            "query_mode": "person_id",
        }
        assert answer == by_id


def test_of_one_instant_the_later_arrival_counts_last(api: Api, project: Project, capture: Capture) -> None:
    same = "2024-03-01T10:00:00Z"
    capture(change(same, set={"a": 1, "b": 1}), change(same, set={"a": 2}, set_once={"b": 2}))
    capture(change(same, unset=["b"]), change(same, set_once={"b": 3}))
    assert at(api, project, same, include_set_once="true") == {"a": 2, "b": 3}


def test_a_late_event_is_replayed_where_its_timestamp_puts_it(
    api: Api, project: Project, capture: Capture
) -> None:
    """The example of docs/api.md."""
    capture(change("2024-03-05T00:00:00Z", set={"plan": "pro"}))
    capture(change("2024-03-01T00:00:00Z", set={"plan": "free", "city": "Berlin"}))
    assert at(api, project, "2024-03-03T00:00:00Z") == {"plan": "free", "city": "Berlin"}
    assert at(api, project, "2024-03-05T00:00:00Z") == {"plan": "pro", "city": "Berlin"}
    assert Person.objects.get(project=project).properties == {"plan": "free", "city": "Berlin"}


def test_a_merge_is_an_operation_of_its_own(api: Api, project: Project, capture: Capture) -> None:
    capture(
        change("2024-03-01T00:00:00Z", "user", set={"plan": "pro", "x": 1}, set_once={"y": 1}),
        change("2024-03-02T00:00:00Z", "anon", set={"plan": "free", "seen": True}, set_once={"y": 2}),
        change("2024-03-03T00:00:00Z", "anon", set={"y": 3, "x": 2}, unset=["seen"]),
        event("$identify", "user", "2024-03-04T00:00:00Z", properties={"$anon_distinct_id": "anon"}),
    )
    # Before it all ids of today in one row; from then on what the survivor had wins, however old it is.
    before = {"plan": "free", "x": 2, "y": 3}
    since = {"plan": "pro", "x": 1, "y": 1}
    for name in ("user", "anon"):
        assert at(api, project, "2024-03-03T23:59:59.999999Z", name, include_set_once="true") == before
        assert at(api, project, "2024-03-04T00:00:00Z", name, include_set_once="true") == since
        # Without $set_once the survivor had no y to win with.
        assert at(api, project, "2024-03-04T00:00:00Z", name) == {**since, "y": 3}
    assert Person.objects.get(project=project).properties == since


def test_a_merge_comes_before_what_its_event_asks(api: Api, project: Project, capture: Capture) -> None:
    asks = {"$anon_distinct_id": "anon", "$unset": ["x"], "$set_once": {"y": 2}}
    capture(
        change("2024-03-01T00:00:00Z", "u", set={"z": 1}),
        change("2024-03-01T00:00:00Z", "anon", set={"x": 1, "y": 1}),
        event("$identify", "u", "2024-03-02T00:00:00Z", properties=asks),
    )
    assert at(api, project, "2024-03-02T00:00:00Z", include_set_once="true") == {"z": 1, "y": 1}


def test_between_two_merges_the_first_one_counts_and_the_second_one_not_yet(
    api: Api, project: Project, capture: Capture
) -> None:
    capture(
        change("2024-03-01T00:00:00Z", "u", set={"x": 1}),
        change("2024-03-02T00:00:00Z", "first", set={"x": 2}),
        change("2024-03-03T00:00:00Z", "second", set={"x": 3, "y": 3}),
        event("$identify", "u", "2024-03-04T00:00:00Z", properties={"$anon_distinct_id": "first"}),
        change("2024-03-05T00:00:00Z", "second", set={"y": 4}),
        event("$identify", "u", "2024-03-06T00:00:00Z", properties={"$anon_distinct_id": "second"}),
        change("2024-03-07T00:00:00Z", "second", set={"x": 7}),
    )
    assert at(api, project, "2024-03-03T00:00:00Z") == {"x": 3, "y": 3}
    assert at(api, project, "2024-03-04T00:00:00Z") == {"x": 1, "y": 3}
    assert at(api, project, "2024-03-05T00:00:00Z") == {"x": 1, "y": 4}
    assert at(api, project, "2024-03-07T00:00:00Z") == {"x": 7, "y": 4}


def test_a_late_event_of_before_a_merge_does_not_win_against_the_survivor(
    api: Api, project: Project, capture: Capture
) -> None:
    capture(
        change("2024-03-01T00:00:00Z", "user", set={"plan": "pro"}),
        change("2024-03-01T00:00:00Z", "anon", set={"plan": "free"}),
        event("$identify", "user", "2024-03-04T00:00:00Z", properties={"$anon_distinct_id": "anon"}),
    )
    capture(change("2024-03-02T00:00:00Z", "anon", set={"city": "Berlin"}))
    assert at(api, project, "2024-03-03T00:00:00Z", "user") == {"plan": "free", "city": "Berlin"}
    assert at(api, project, "2024-03-05T00:00:00Z", "user") == {"plan": "pro", "city": "Berlin"}


def test_a_late_event_belongs_to_whoever_had_its_id_then(
    api: Api, project: Project, capture: Capture
) -> None:
    capture(
        change("2024-03-01T00:00:00Z", "u", set={"n": 1}),
        change("2024-03-03T00:00:00Z", "anon", set={"plan": "pro"}),
        event("$identify", "u", "2024-03-04T00:00:00Z", properties={"$anon_distinct_id": "anon"}),
        event("$identify", "v", "2024-03-05T00:00:00Z", properties={"$anon_distinct_id": "w"}),
        event("$merge_dangerously", "v", "2024-03-06T00:00:00Z", properties={"alias": "u"}),
    )
    # It arrives when anon is v's, and is not therefore something that v had and that wins.
    capture(change("2024-03-02T00:00:00Z", "anon", set={"plan": "free", "n": 2}))
    assert at(api, project, "2024-03-02T00:00:00Z", "v") == {"plan": "free", "n": 2}
    assert at(api, project, "2024-03-07T00:00:00Z", "v") == {"plan": "pro", "n": 1}


def test_a_late_merge_brings_nothing_from_the_future(api: Api, project: Project, capture: Capture) -> None:
    capture(
        change("2024-03-01T00:00:00Z", "anon", set={"plan": "free"}),
        change("2024-03-09T00:00:00Z", "user", set={"plan": "pro"}),
    )
    capture(event("$identify", "user", "2024-03-04T00:00:00Z", properties={"$anon_distinct_id": "anon"}))
    assert at(api, project, "2024-03-05T00:00:00Z", "user") == {"plan": "free"}
    assert at(api, project, "2024-03-09T00:00:00Z", "user") == {"plan": "pro"}


@pytest.mark.parametrize(
    "ignored",
    [
        change("2024-03-02T00:00:00Z", name="$exception", set={"plan": "no"}),
        change("2024-03-02T00:00:00Z", name="e", set={"plan": "no"}, process_person_profile=False),
        change("2024-03-02T00:00:00Z", name="e", set={"big": "x" * 650_000}),
        change("2024-03-02T00:00:00Z", name="e", set="no object", unset=7),
        event("e", "u", "2024-03-02T00:00:00Z", properties={"inner": {"$set": {"plan": "no"}}}),
    ],
)
def test_what_changed_nobody_is_not_replayed(
    api: Api, project: Project, capture: Capture, ignored: dict[str, Any]
) -> None:
    capture(change("2024-03-01T00:00:00Z", set={"plan": "free"}), ignored)
    assert at(api, project, "2024-03-03T00:00:00Z", include_set_once="true") == {"plan": "free"}


def test_what_a_browser_says_of_the_visit_is_replayed(api: Api, project: Project, capture: Capture) -> None:
    visit = {"$lib": "web", "$browser": "Chrome"}
    capture(event("$pageview", "u", "2024-03-01T00:00:00Z", properties=visit))
    capture(event("$pageview", "u", "2024-03-02T00:00:00Z", properties={**visit, "$browser": "Safari"}))
    found = at(api, project, "2024-03-02T00:00:00Z", include_set_once="true")
    assert found == {"$browser": "Safari", "$initial_browser": "Chrome"}


EXACT: dict[str, Any] = {
    "whole": 9_007_199_254_740_993,
    "largest": 2**64 - 1,
    "smallest": -(2**63),
    "point": 1.0,
    "fraction": 0.1,
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "digits": 1e17,
    "negative digits": -1.2345678901234567e18,
    "most digits": 1.8446744073709552e19,
    "more digits": 1.5e20,
    "null": None,
    "true": True,
    "nothing": {},
    "list": [],
    "nested": {"$set": {"": [1.0, None, {"a.b": "c"}]}},
    "text": '"\\/\n\t\u2028\x01é😀',
    "": "empty key",
    "dots.and'quotes\"": "",
}


def test_values_are_those_that_the_live_person_has(api: Api, project: Project, capture: Capture) -> None:
    capture(*(change("2024-03-01T00:00:00Z", set={key: value}) for key, value in EXACT.items()))
    capture(change("2024-03-01T00:00:00Z", "all", set=EXACT))
    for distinct_id in ("u", "all"):
        live = api.get(f"/api/projects/{project.pk}/persons/", {"distinct_id": distinct_id}).json()
        found = at(api, project, "2024-03-01T00:00:00Z", distinct_id)
        # As text: 1 and 1.0 are not the same, nor are true and 1.
        assert repr(sorted(found.items())) == repr(sorted(live["results"][0]["properties"].items()))


def test_after_a_split_each_person_has_what_it_was_given(
    api: Api, project: Project, capture: Capture, clickhouse: ClickHouse
) -> None:
    capture(
        change("2024-03-01T00:00:00Z", "user", set={"plan": "pro"}),
        change("2024-03-01T00:00:00Z", "anon", set={"city": "Berlin"}),
        event("$identify", "user", "2024-03-02T00:00:00Z", properties={"$anon_distinct_id": "anon"}),
    )
    main = Person.objects.get(project=project)
    other = person(project)
    PersonDistinctId.objects.filter(project=project, distinct_id="anon").update(person=other)
    split_at = main.created_at.replace(day=3)
    parts = [Part(main.uuid, {"user": 0}, main.properties), Part(other.uuid, {"anon": 0}, {})]
    note_split(project.pk, parts, split_at)
    drain(clickhouse)
    capture(change("2024-03-04T00:00:00Z", "anon", set={"new": 1}))
    assert at(api, project, "2024-03-03T00:00:00Z", "user") == {"plan": "pro", "city": "Berlin"}
    assert at(api, project, "2024-03-02T12:00:00Z", "anon") == {"city": "Berlin"}
    assert at(api, project, "2024-03-03T00:00:00Z", "anon") == {}
    assert at(api, project, "2024-03-04T00:00:00Z", "anon") == {"new": 1}


def test_a_split_is_remembered_when_persons_are_merged_again(
    api: Api, project: Project, capture: Capture, clickhouse: ClickHouse
) -> None:
    capture(
        change("2024-03-01T00:00:00Z", "u", set={"a": 1, "b": 1}),
        event("$create_alias", "u", "2024-03-01T00:00:00Z", properties={"alias": "u2"}),
        event("$create_alias", "u", "2024-03-01T00:00:00Z", properties={"alias": "x"}),
        change("2024-03-01T01:00:00Z", "x", set={"c": 1}, unset=["a"]),
    )
    main = Person.objects.get(project=project)
    other = person(project, d=1)
    PersonDistinctId.objects.filter(project=project, distinct_id="x").update(person=other)
    split_at = main.created_at.replace(day=2)
    parts = [Part(main.uuid, {"u": 0, "u2": 0}, {"b": 1}), Part(other.uuid, {"x": 0}, other.properties)]
    note_split(project.pk, parts, split_at)
    Person.objects.filter(pk=main.pk).update(properties={"b": 1})
    drain(clickhouse)
    assert at(api, project, "2024-03-02T00:00:00Z", "u") == {"b": 1}
    capture(change("2024-03-03T00:00:00Z", "u2", set={"e": 1}))
    capture(event("$merge_dangerously", "u", "2024-03-04T00:00:00Z", properties={"alias": "x"}))
    # What came late, for a moment before the split, the split did not settle.
    capture(change("2024-03-01T12:00:00Z", "x", set={"late": 1, "d": 2}))
    assert at(api, project, "2024-03-04T00:00:00Z", "x") == {"b": 1, "d": 1, "e": 1, "late": 1}


def test_persons_that_were_imported_count_from_the_start(
    api: Api, project: Project, capture: Capture, clickhouse: ClickHouse
) -> None:
    statement = """
        INSERT INTO events (team_id, event, timestamp, distinct_id, person_id, properties)
        SELECT {project:Int64}, '$set', '2023-01-01 00:00:00', 'u', generateUUIDv4(), {properties:String}
    """
    properties = '{"$set":{"imported":1}}'
    clickhouse.command(sql(statement, project=project.pk, properties=properties))
    capture(
        change("2024-03-01T00:00:00Z", "u", set={"plan": "pro"}),
        change("2024-03-01T00:00:00Z", "anon", set={"plan": "free"}),
        event("$identify", "u", "2024-03-02T00:00:00Z", properties={"$anon_distinct_id": "anon"}),
    )
    assert at(api, project, "2024-03-02T00:00:00Z") == {"imported": 1, "plan": "pro"}


def test_what_happened_before_a_deletion_stays_with_nobody(
    api: Api, project: Project, capture: Capture, clickhouse: ClickHouse
) -> None:
    capture(
        change("2024-03-01T00:00:00Z", "user", set={"plan": "pro"}),
        change("2024-03-01T00:00:00Z", "anon", set={"city": "Berlin"}),
        event("$identify", "user", "2024-03-02T00:00:00Z", properties={"$anon_distinct_id": "anon"}),
    )
    deleted = Person.objects.get(project=project)
    note_deletion(project.pk, {"user": 0, "anon": 0}, deleted.created_at)
    PersonDistinctId.objects.filter(project=project).delete()
    deleted.delete()
    capture(change("2024-02-01T00:00:00Z", "user", set={"late": 1}))
    assert at(api, project, "2024-02-01T00:00:00Z", "user") == {"late": 1}
    assert at(api, project, "2024-03-05T00:00:00Z", "user") == {"late": 1}


@pytest.mark.usefixtures("plans")
def test_csv_has_one_row_with_a_column_for_each_property_of_then(api: Api, project: Project) -> None:
    query = {"distinct_id": "u", "timestamp": "2024-03-02T00:00:00Z"}
    answers = [
        api.get(address(project), {**query, "format": "csv"}),
        api.get(address(project).rstrip("/") + ".csv", query),
    ]
    for answer in answers:
        assert answer["Content-Type"].startswith("text/csv")
        (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))
        assert row["name"] == "u@example.com"
        assert {key: value for key, value in row.items() if key.startswith("properties.")} == {
            "properties.plan": "free",
            "properties.email": "u@example.com",
        }
