"""`wait_until_visible`: a question that sees everything that was acknowledged before it."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from clickhouse.client import ClickHouse
from persons.api import visibility
from persons.installation import new_project, owner
from persons.models import Membership, Outbox, Project
from persons.outbox.flush import _begin, drain
from persons.outbox.flusher import Flusher
from persons.outbox.worker import stop
from tests.api.helpers import event, names_of
from tests.api.test_who_can_be_seen import READING
from tests.api.world import MARCH
from tests.api_client import Api, error_of

FUNNEL = {**MARCH, "events": [{"id": "paid"}, {"id": "x"}], "funnel_step": 1}
UNKNOWN = "0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d"
# What PostgreSQL alone answers.
ALWAYS_UP_TO_DATE = {
    "persons/",
    "persons.csv/",
    "persons.ndjson/",
    "persons/?email",
    "persons/?distinct_id",
    "persons/:person_id/",
    "persons/batch_by_distinct_ids/",
    "persons/batch_by_uuids/",
    "persons/:person_id/distinct_ids/",
}


def paid(distinct_id: str, **sets: Any) -> dict[str, Any]:
    return event("paid", distinct_id, "2024-03-01T10:00:00Z", properties={"$set": sets})


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests give up as soon as they see that something is pending."""
    monkeypatch.setattr(visibility, "_MAX_SECONDS", 0.0)


def filled(value: Any) -> Any:
    """A part of a request of READING, about things that do not exist: who is found does not matter here."""
    if isinstance(value, list):
        return [filled(each) for each in value]
    if not isinstance(value, str):
        return value
    for name, thing in (("ann", UNKNOWN), ("event", UNKNOWN), ("static", "99"), ("dynamic", "99")):
        value = value.replace(f"{{{name}}}", thing)
    return value


def ask(api: Api, project: Project, name: str, **more: Any) -> Any:
    path, params = READING[name]
    post, _, path = path.rpartition(" ")
    body = {key: filled(value) for key, value in params.items()} | more
    address = f"/api/projects/{project.pk}/{filled(path)}"
    return api.post(address, body) if post else api.get(address, body)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", READING)
def test_every_question_list_and_file_waits_unless_postgresql_alone_answers(
    api: Api, project: Project, name: str
) -> None:
    api.capture(project, [paid("ann")])
    answer = ask(api, project, name, wait_until_visible=True)
    if name in ALWAYS_UP_TO_DATE:
        assert answer.status_code in (200, 404), answer.content
    else:
        assert error_of(answer) == (503, "not_yet_visible", None)
        assert int(answer.headers["Retry-After"]) >= 1
    assert "X-Ignored-Parameters" not in answer.headers
    assert ask(api, project, name, wait_until_visible=False).status_code in (200, 404)
    assert ask(api, project, name).status_code in (200, 404)
    assert error_of(ask(api, project, name, wait_until_visible="maybe"))[::2] == (400, "wait_until_visible")


@pytest.mark.usefixtures("impatient")
def test_rows_of_the_project_are_waited_for_until_clickhouse_has_them(
    api: Api, clickhouse: ClickHouse, project: Project
) -> None:
    api.capture(new_project("other"), [paid("eve")])
    funnel, waiting = f"/api/projects/{project.pk}/persons/funnel/", {**FUNNEL, "wait_until_visible": True}
    assert api.post(funnel, waiting).status_code == 200
    api.capture(project, [paid("ann")])
    # Rows that are on their way are not there yet.
    _begin()
    assert error_of(api.post(funnel, waiting))[1] == "not_yet_visible"
    assert api.client.get("/_health").json()["outbox"]["pending"] == 6
    drain(clickhouse)
    assert names_of(api.post(funnel, waiting)) == {"ann"}
    assert api.client.get("/_health").json()["outbox"]["pending"] == 0


def test_rows_that_are_acknowledged_later_are_not_waited_for(
    api: Api, clickhouse: ClickHouse, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A steady stream of events does not starve a request."""

    def between_two_polls(seconds: float) -> None:
        drain(clickhouse)
        api.capture(project, [paid("bob")])

    api.capture(project, [paid("ann")])
    monkeypatch.setattr("persons.api.visibility.time.sleep", between_two_polls)
    answer = api.post(f"/api/projects/{project.pk}/persons/funnel/", {**FUNNEL, "wait_until_visible": True})
    assert names_of(answer) == {"ann"}
    assert Outbox.objects.filter(project=project).exists()


def test_with_nothing_pending_it_costs_one_statement(api: Api, project: Project) -> None:
    counts = []
    # The first request of a key also notes that the key is used.
    for waits in (False, False, True):
        with CaptureQueriesContext(connection) as statements:
            body = {**FUNNEL, "wait_until_visible": waits}
            assert api.post(f"/api/projects/{project.pk}/persons/funnel/", body).status_code == 200
        counts.append(len(statements))
    _, without, with_waiting = counts
    assert with_waiting - without == 1


def test_a_cursor_works_with_and_without_waiting(api: Api, capture: Any, project: Project) -> None:
    capture(paid("ann", plan="pro"), paid("bob", plan="pro"))
    path = f"/api/projects/{project.pk}/persons/"
    params = {"limit": 1, "order_by": "updated_at"}
    first = api.get(path, {**params, "wait_until_visible": "true"}).json()
    second = api.get(path, {**params, "cursor": first["next_cursor"]}).json()
    names = [each["distinct_ids"] for each in first["results"] + second["results"]]
    assert sorted(names) == [["ann"], ["bob"]]


def test_a_browser_keeps_no_answer_that_waited(api: Api, project: Project) -> None:
    """It would give the kept one to the next request, which must see more."""
    path, params = f"/api/projects/{project.pk}/persons/values/", {"key": "plan"}
    assert api.get(path, params).headers["Cache-Control"] == "max-age=10"
    waited = api.get(path, {**params, "wait_until_visible": "true"})
    assert waited.headers["Cache-Control"] == "no-store"


def test_a_write_reports_that_it_ignores_the_flag(api: Api, project: Project) -> None:
    body = {"distinct_ids": ["a"], "wait_until_visible": True}
    answer = api.post(f"/api/projects/{project.pk}/persons/bulk_delete/", body)
    assert (answer.status_code, answer.headers["X-Ignored-Parameters"]) == (202, "wait_until_visible")


@pytest.fixture
def live(transactional_db: None, clickhouse: ClickHouse) -> Iterator[Project]:
    """A project of a service with its flusher."""
    made = new_project("live")
    Membership.objects.get_or_create(project=made, user=owner())
    flusher = Flusher(clickhouse)
    flusher.start()
    yield made
    stop(flusher)


def test_a_client_that_writes_and_then_asks_reads_it_back(live: Project, api: Api) -> None:
    """Events, properties, property history, static cohorts and deletions, while other events stream in."""
    here = f"/api/projects/{live.pk}/"
    wait = {"wait_until_visible": True}

    def stream() -> None:
        for _ in range(20):
            api.capture(live, [paid("noise")])
        connections.close_all()

    noise = Thread(target=stream)
    noise.start()
    for number in range(5):
        name, email = f"u{number}", f"u{number}@example.com"
        api.capture(live, [paid(name, email=email)])
        assert name in names_of(api.post(f"{here}persons/funnel/", {**FUNNEL, **wait}))
        (person,) = api.get(f"{here}persons/", {"search": email, **wait}).json()["results"]
        one = f"{here}persons/{person['uuid']}/"
        assert api.send("PATCH", one, {"properties": {"plan": name}}).status_code == 202
        values = api.get(f"{here}persons/values/", {"key": "plan", "value": name, **wait}).json()["results"]
        assert values == [{"name": name, "count": 1}]
        history = api.get(f"{one}properties_history/", {"key": "plan", **wait}).json()["results"]
        assert len(history) == 1
        cohort = api.post(f"{here}cohorts/", {"name": name, "is_static": True, "distinct_ids": [name]}).json()
        members = api.get(f"{here}cohorts/{cohort['id']}/persons/", wait).json()["results"]
        assert [each["uuid"] for each in members] == [person["uuid"]]
        assert api.send("DELETE", one).status_code == 202
        assert name not in names_of(api.post(f"{here}persons/funnel/", {**FUNNEL, **wait}))
    noise.join()
