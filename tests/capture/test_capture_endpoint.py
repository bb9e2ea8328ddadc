"""What a client of the capture endpoints can rely on."""

import gzip
import uuid
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from persons.models import EventUuid, Outbox, Person, PersonDistinctId, Project
from tests.api_client import Api, error_of

Capture = Callable[..., Any]


def event(name: str = "e", distinct_id: Any = "d", **fields: Any) -> dict[str, Any]:
    return {"event": name, "distinct_id": distinct_id, "timestamp": "2024-03-01T10:00:00Z", **fields}


def stored_events(store: ClickHouse, project: Project) -> list[dict[str, Any]]:
    columns = ("event", "distinct_id", "timestamp", "uuid", "properties", "person_id", "arrival")
    rows = store.rows(
        sql(
            "SELECT event, distinct_id, timestamp, uuid, properties, person_id, arrival FROM events "
            "WHERE team_id = {project:Int64} ORDER BY arrival",
            project=project.pk,
        )
    )
    return [dict(zip(columns, row, strict=True)) for row in rows]


@pytest.mark.parametrize("slash", ["/", ""])
@pytest.mark.parametrize("path", ["/batch", "/capture", "/e", "/i/v0/e"])
def test_every_path_takes_events_with_and_without_a_slash(
    api: Api, project: Project, path: str, slash: str
) -> None:
    answer = api.post(path + slash, {"api_key": project.api_token, **event()})
    assert (answer.status_code, answer.json()) == (200, {"status": "Ok"})
    assert EventUuid.objects.filter(project_id=project.pk).count() == 1


def test_an_event_is_stored_as_it_was_sent(
    clickhouse: ClickHouse, capture: Capture, project: Project
) -> None:
    properties = {
        "text": 'quote " and \\ and é😀',
        "number": 1.5,
        "nothing": None,
        "nested": {"a.b": [1, {}]},
    }
    identifier = str(uuid.uuid4())
    capture(
        event("sign up", timestamp="2024-03-01T10:00:00.123456+01:00", uuid=identifier, properties=properties)
    )
    (stored,) = stored_events(clickhouse, project)
    assert stored["event"] == "sign up"
    assert str(stored["uuid"]) == identifier
    assert stored["timestamp"].isoformat()[:26] == "2024-03-01T09:00:00.123456"
    assert orjson.loads(stored["properties"]) == properties
    assert stored["person_id"] == Person.objects.get(project=project).uuid


def test_the_clicked_elements_have_a_column_of_their_own(
    clickhouse: ClickHouse, capture: Capture, project: Project
) -> None:
    chain = 'button:nth-child="1"text="Buy"'
    capture(event("$autocapture", properties={"$elements_chain": chain}), event("other"))
    rows = clickhouse.rows(
        sql("SELECT event, elements_chain FROM events WHERE team_id = {p:Int64} ORDER BY event", p=project.pk)
    )
    assert rows == [("$autocapture", chain), ("other", "")]


def test_gzip_bodies_are_taken(api: Api, project: Project) -> None:
    body = gzip.compress(orjson.dumps({"api_key": project.api_token, "batch": [event()]}))
    answer = api.client.post(
        "/batch/", body, content_type="application/json", headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 200


def test_the_same_uuid_twice_is_one_event(clickhouse: ClickHouse, capture: Capture, project: Project) -> None:
    once = event(uuid=str(uuid.uuid4()), properties={"$set": {"n": 1}})
    again = {**once, "event": "other", "properties": {"$set": {"n": 2}}}
    capture(once, again)
    assert capture(again).json() == {"status": "Ok"}
    assert [stored["event"] for stored in stored_events(clickhouse, project)] == ["e"]
    assert Person.objects.get(project=project).properties == {"n": 1}


def test_the_same_uuid_in_two_projects_is_two_events(capture: Capture, api: Api, project: Project) -> None:
    other = Project.objects.create(name="other")
    once = event(uuid=str(uuid.uuid4()))
    capture(once)
    assert api.capture(other, [once]).status_code == 200
    assert EventUuid.objects.filter(uuid=once["uuid"]).count() == 2


def test_a_batch_with_bad_events_takes_the_good_ones_and_says_which_were_refused(
    clickhouse: ClickHouse, capture: Capture, project: Project
) -> None:
    deep: Any = []
    for _ in range(300):
        deep = [deep]
    answer = capture(
        event("good"),
        {"distinct_id": "d"},
        {"event": "no id"},
        event("long id", "x" * 401),
        event("large", properties={"x": "y" * 1024 * 1024}),
        event("deep", properties={"x": deep}),
        "not an object",
        event("list", properties=[]),
        event("$identify", properties={"$process_person_profile": False}),
        event("also good", distinct_id=12),
    )
    assert answer.status_code == 200
    refused = answer.json()["refused"]
    assert [(note["index"], note["stored"]) for note in refused] == [(index, False) for index in range(1, 9)]
    assert all(note["reason"] for note in refused)
    assert {stored["distinct_id"] for stored in stored_events(clickhouse, project)} == {"d", "12"}


def test_an_event_that_was_refused_is_refused_again(capture: Capture, project: Project) -> None:
    contradiction = event("$identify", uuid=str(uuid.uuid4()), properties={"$process_person_profile": False})
    for _ in range(2):
        (note,) = capture(contradiction, event()).json()["refused"]
        assert (note["index"], note["stored"]) == (0, False)


def test_when_no_event_can_be_taken_the_request_is_a_400(api: Api, project: Project) -> None:
    answer = api.capture(project, [{"distinct_id": "d"}, {"event": "e"}])
    assert error_of(answer) == (400, "invalid_input", "batch.0")
    assert not EventUuid.objects.exists()
    assert not Outbox.objects.exists()


def test_a_timestamp_that_cannot_be_read_is_noted_and_the_event_taken(capture: Capture) -> None:
    answer = capture(event(timestamp="soon"))
    (note,) = answer.json()["refused"]
    assert note["stored"] is True
    assert "timestamp" in note["reason"]


@pytest.mark.parametrize(
    ("token", "says"),
    [
        (None, "missing"),
        ("phc_unknown", "No project"),
        ("phx_secret", "personal API key"),
        (12, "must be a text"),
        ("a\x00b", "must be a text"),
    ],
)
def test_a_token_of_no_project_is_401(api: Api, project: Project, token: Any, says: str) -> None:
    answer = api.post("/batch/", {"api_key": token, "batch": [event()]})
    assert error_of(answer) == (401, "authentication_failed", None)
    assert says in answer.json()["detail"]


def test_a_body_of_30_megabytes_is_413(api: Api, project: Project) -> None:
    body = orjson.dumps({"api_key": project.api_token, "batch": [event(properties={"x": "y" * 30_000_000})]})
    answer = api.client.post("/batch/", body, content_type="application/json")
    assert error_of(answer) == (413, "payload_too_large", None)
    assert not EventUuid.objects.exists()


def test_nul_characters_become_replacement_characters(
    clickhouse: ClickHouse, capture: Capture, project: Project
) -> None:
    capture(event("a\x00b", "d\x00", properties={"k\x00": ["\x00"], "$set": {"name": "A\x00"}}))
    (stored,) = stored_events(clickhouse, project)
    assert (stored["event"], stored["distinct_id"]) == ("a\ufffdb", "d\ufffd")
    assert orjson.loads(stored["properties"])["k\ufffd"] == ["\ufffd"]
    assert Person.objects.get(project=project).properties == {"name": "A\ufffd"}


def test_property_updates_arrive_from_the_top_and_from_properties(capture: Capture, project: Project) -> None:
    capture(
        event("$set", **{"$set": {"plan": "free", "left": 1}, "$set_once": {"first": "a"}}),
        event(properties={"$set": {"plan": "paid"}, "$set_once": {"first": "b"}, "$unset": ["left"]}),
    )
    person = Person.objects.get(project=project)
    assert (person.properties, person.version) == ({"plan": "paid", "first": "a"}, 1)


def test_numbers_of_every_size_come_back_as_they_were_sent(
    api: Api, capture: Capture, project: Project
) -> None:
    sizes = {"large": 1e300, "small": 5e-324, "whole": 1e20, "longest": 2**64 - 1, "negative": -(2**63)}
    capture(event(properties={"$set": sizes}))
    (person,) = api.get(f"/api/projects/{project.pk}/persons/").json()["results"]
    assert person["properties"] == sizes


def test_identify_and_alias_make_one_person_of_all_ids(
    clickhouse: ClickHouse, capture: Capture, project: Project
) -> None:
    capture(event("browse", "anon"), event("open", "phone"))
    capture(
        event(
            "$identify", "user", properties={"$anon_distinct_id": "anon", "$set": {"email": "u@example.com"}}
        )
    )
    capture(event("$create_alias", "user", properties={"alias": "phone"}))
    capture(event("browse", "phone"))
    person = Person.objects.get(project=project)
    assert set(person.mappings.values_list("distinct_id", flat=True)) == {"anon", "user", "phone"}
    assert (person.is_identified, person.properties) == (True, {"email": "u@example.com"})
    overrides = clickhouse.rows(
        sql(
            "SELECT distinct_id, person_id FROM person_distinct_id_overrides FINAL WHERE team_id = {p:Int64}",
            p=project.pk,
        )
    )
    assert overrides == [("phone", person.uuid)]


def test_an_event_without_a_person_profile_makes_no_person(
    clickhouse: ClickHouse, capture: Capture, project: Project
) -> None:
    capture(event(properties={"$process_person_profile": False, "$set": {"a": 1}}))
    assert not Person.objects.filter(project=project).exists()
    assert PersonDistinctId.objects.get(project=project).person is None
    assert len(stored_events(clickhouse, project)) == 1


def test_events_of_a_deleted_project_are_refused(api: Api, project: Project) -> None:
    assert api.send("DELETE", f"/api/projects/{project.pk}/").status_code == 204
    assert api.capture(project, [event()]).status_code == 401


@pytest.mark.parametrize(("bytes_over", "taken"), [(0, True), (1, False)])
def test_an_event_may_have_a_megabyte_and_no_more(
    capture: Capture, api: Api, project: Project, bytes_over: int, taken: bool
) -> None:
    sized = event(properties={"x": ""})
    sized["properties"]["x"] = "y" * (1024 * 1024 - len(orjson.dumps(sized)) + bytes_over)
    answer = api.capture(project, [event("other"), sized]).json()
    assert ("refused" not in answer) is taken
