"""What the newest SDKs send to /i/v1/analytics/events, and the answer they expect."""

import uuid
from typing import Any

import orjson
import pytest

from clickhouse.client import ClickHouse
from persons.models import Person, Project
from persons.outbox.flush import drain
from tests.api_client import Api, error_of
from tests.capture.test_capture_endpoint import stored_events

PATH = "/i/v1/analytics/events"
FIRST, SECOND = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))


def send(api: Api, project: Project, *events: dict[str, Any], **headers: str) -> Any:
    body = {"created_at": "2024-03-01T10:00:00Z", "batch": list(events), "historical_migration": True}
    return Api(api.client, project.api_token).post(PATH, body, **headers)


def event(identifier: str = FIRST, **fields: Any) -> dict[str, Any]:
    return {
        "event": "e",
        "uuid": identifier,
        "distinct_id": "d",
        "timestamp": "2024-03-01T10:00:00Z",
        "options": {},
        "properties": {},
        **fields,
    }


def test_the_answer_says_of_each_event_what_became_of_it(api: Api, project: Project) -> None:
    warned, dropped = str(uuid.UUID(int=3)), str(uuid.UUID(int=4))
    answer = send(
        api,
        project,
        event(FIRST),
        event(warned, timestamp="soon"),
        event(dropped, event="$identify", options={"process_person_profile": False}),
    )
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert {key: value["result"] for key, value in results.items()} == {
        FIRST: "ok",
        warned: "warning",
        dropped: "drop",
    }
    assert results[dropped]["details"]


@pytest.mark.parametrize("identifier", ["not a uuid", "0190B5B8-0000-7000-8000-00000000000A"])
def test_an_event_is_answered_under_the_uuid_it_was_sent_with(
    api: Api, project: Project, identifier: str
) -> None:
    contradiction = event(identifier, event="$identify", options={"process_person_profile": False})
    results = send(api, project, contradiction, event(SECOND)).json()["results"]
    assert {key: value["result"] for key, value in results.items()} == {identifier: "drop", SECOND: "ok"}


def test_what_has_a_place_of_its_own_is_stored_among_the_properties(
    clickhouse: ClickHouse, api: Api, project: Project
) -> None:
    sent = event(
        session_id="s1",
        window_id="w1",
        options={"process_person_profile": False, "product_tour_id": "t"},
        properties={"plan": "free"},
    )
    send(api, project, sent, **{"PostHog-Sdk-Info": "posthog-python/7.91.1"})
    drain(clickhouse)
    (stored,) = stored_events(clickhouse, project)
    assert orjson.loads(stored["properties"]) == {
        "plan": "free",
        "$lib": "posthog-python",
        "$lib_version": "7.91.1",
        "$session_id": "s1",
        "$window_id": "w1",
        "$process_person_profile": False,
        "$product_tour_id": "t",
    }
    assert not Person.objects.filter(project=project).exists()


def test_a_repeated_attempt_changes_nothing(clickhouse: ClickHouse, api: Api, project: Project) -> None:
    for attempt in ("1", "2"):
        answer = send(api, project, event(FIRST), event(SECOND), **{"PostHog-Attempt": attempt})
        assert {result["result"] for result in answer.json()["results"].values()} == {"ok"}
    drain(clickhouse)
    assert len(stored_events(clickhouse, project)) == 2


def test_the_token_is_the_bearer_and_nothing_else(api: Api, project: Project) -> None:
    body = {"api_key": project.api_token, "batch": [event()]}
    assert error_of(Api(api.client, "").post(PATH, body)) == (401, "authentication_failed", None)
    assert error_of(Api(api.client, "phc_wrong").post(PATH, body)) == (401, "authentication_failed", None)


@pytest.mark.parametrize("body", [[], {}, {"batch": {}}, {"batch": []}, "text"])
def test_a_body_without_a_batch_is_a_400(api: Api, project: Project, body: Any) -> None:
    assert Api(api.client, project.api_token).post(PATH, body).status_code == 400
