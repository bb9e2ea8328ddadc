"""`/_metrics` says what the service does, to whom it may."""

from typing import Any

import pytest
from django.test import Client, RequestFactory
from prometheus_client import make_wsgi_app

from clickhouse.client import ClickHouse
from persons.models import Project
from persons.observability.view import guarded
from persons.outbox.flush import drain
from tests.api.helpers import Capture, event
from tests.api_client import Api
from tests.observability.scrape import Numbers, number, numbers

FUNNEL = "/api/projects/{project_id}/persons/funnel/"
STEPS = [{"id": "sign up"}, {"id": "paid"}]


class Since:
    """How much the numbers have grown."""

    def __init__(self, client: Any) -> None:
        self._client, self._before = client, numbers(client)

    def grown(self, name: str, **labels: str) -> float:
        now: Numbers = numbers(self._client)
        return number(now, name, **labels) - number(self._before, name, **labels)


@pytest.fixture
def since(api: Api) -> Since:
    return Since(api.client)


def ask_for_funnel(api: Api, project: Project, **more: Any) -> Any:
    query = {"events": STEPS, "funnel_step": 1, "date_from": "2024-03-01", "date_to": "2024-03-02", **more}
    return api.get(f"/api/environments/{project.pk}/persons/funnel/", query)


def test_a_question_counts_by_its_endpoint_whatever_path_it_came_by(
    api: Api, project: Project, capture: Capture, since: Since
) -> None:
    capture(event("sign up", "ann", "2024-03-01T10:00:00Z"))
    assert ask_for_funnel(api, project).status_code == 200
    assert ask_for_funnel(api, project, funnel_step=7).status_code == 400
    assert since.grown("persons_requests_total", endpoint=FUNNEL, method="GET", status="200") == 1
    assert since.grown("persons_requests_total", endpoint=FUNNEL, method="GET", status="400") == 1
    assert since.grown("persons_request_seconds_count", endpoint=FUNNEL) == 2
    assert since.grown("persons_clickhouse_seconds_count", kind=FUNNEL) == 1
    assert since.grown("persons_clickhouse_read_rows_total", kind=FUNNEL) >= 1
    assert since.grown("persons_clickhouse_read_bytes_total", kind=FUNNEL) >= 1


def test_a_stream_counts_at_its_end_with_all_that_it_asked(
    api: Api, project: Project, capture: Capture, since: Since
) -> None:
    capture(event("sign up", "ann", "2024-03-01T10:00:00Z"))
    answer = ask_for_funnel(api, project, format="csv")
    assert since.grown("persons_requests_total", endpoint=FUNNEL, method="GET", status="200") == 0
    assert answer.getvalue().count(b"\n") == 2
    assert since.grown("persons_requests_total", endpoint=FUNNEL, method="GET", status="200") == 1
    assert since.grown("persons_clickhouse_seconds_count", kind=FUNNEL) >= 1


def test_nobody_can_make_up_labels(api: Api, since: Since) -> None:
    assert api.client.get("/no/such/path").status_code == 404
    assert api.client.generic("BREW", "/also/none").status_code == 404
    assert since.grown("persons_requests_total", endpoint="unknown", method="GET", status="404") == 1
    assert since.grown("persons_requests_total", endpoint="unknown", method="other", status="404") == 1


def test_the_outbox_says_how_far_behind_clickhouse_is(
    api: Api, clickhouse: ClickHouse, project: Project, since: Since
) -> None:
    drain(clickhouse)
    api.capture(project, [event("e", "ann", "2024-03-01T10:00:00Z")])
    waiting = numbers(api.client)
    assert number(waiting, "persons_outbox_rows") == 3
    assert number(waiting, "persons_outbox_lag_seconds") > 0
    drain(clickhouse)
    assert number(numbers(api.client), "persons_outbox_rows") == 0
    assert since.grown("persons_flush_rows_count") == 1
    assert since.grown("persons_flush_rows_sum") == 3


def test_a_merge_that_is_refused_is_an_identity_conflict(
    project: Project, capture: Capture, since: Since
) -> None:
    capture(
        event("$identify", "ann", "2024-03-01T10:00:00Z", properties={"$anon_distinct_id": "a"}),
        event("$identify", "bob", "2024-03-01T10:00:00Z", properties={"$anon_distinct_id": "b"}),
        event("$identify", "bob", "2024-03-01T11:00:00Z", properties={"$anon_distinct_id": "ann"}),
    )
    assert since.grown("persons_identity_conflicts_total", kind="refused_merge") == 1


REFUSED: list[tuple[str, dict[str, str], str]] = [
    ("", {"X-Forwarded-For": "198.51.100.7"}, "127.0.0.1"),
    ("", {"Forwarded": "for=198.51.100.7"}, "127.0.0.1"),
    ("", {}, "198.51.100.7"),
    ("", {}, ""),
    ("secret", {}, "127.0.0.1"),
    ("secret", {"Authorization": "Bearer guessed"}, "127.0.0.1"),
    ("secret", {"Authorization": "Basic secret"}, "127.0.0.1"),
]


def statuses_of_worker(environ: dict[str, Any]) -> list[str]:
    statuses: list[str] = []

    def start(status: str, headers: Any, error: Any = None) -> Any:
        statuses.append(status)

    list(guarded(make_wsgi_app())(environ, start))
    return statuses


@pytest.mark.parametrize(("token", "headers", "address"), REFUSED)
def test_others_are_refused(
    db: None, settings: Any, token: str, headers: dict[str, str], address: str
) -> None:
    settings.METRICS_TOKEN = token
    answer = Client().get("/_metrics", headers=headers, REMOTE_ADDR=address)
    assert answer.status_code == 403
    assert answer.json()["code"] == "permission_denied"


@pytest.mark.parametrize(("token", "headers", "address"), REFUSED)
def test_others_are_refused_by_a_worker(
    settings: Any, token: str, headers: dict[str, str], address: str
) -> None:
    """Its metrics come without Django, by the same rule."""
    settings.METRICS_TOKEN = token
    request = RequestFactory().get("/metrics", headers=headers, REMOTE_ADDR=address)
    assert statuses_of_worker(request.META) == ["403 Forbidden"]


def test_a_worker_answers_the_token_and_without_one_its_machine(settings: Any) -> None:
    settings.METRICS_TOKEN = "secret"
    elsewhere = RequestFactory().get(
        "/metrics", headers={"Authorization": "Bearer secret"}, REMOTE_ADDR="198.51.100.7"
    )
    assert statuses_of_worker(elsewhere.META) == ["200 OK"]
    settings.METRICS_TOKEN = ""
    assert statuses_of_worker(RequestFactory().get("/metrics").META) == ["200 OK"]


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-IP"]
)
def test_nothing_that_comes_through_a_proxy_reads_metrics_without_the_token(db: None, header: str) -> None:
    assert Client().get("/_metrics", headers={header: "whatever"}).status_code == 403


def test_behind_a_proxy_only_the_token_opens_metrics(db: None, settings: Any) -> None:
    """Whatever the proxy sends: the documentation sets TRUST_PROXY."""
    settings.TRUST_PROXY = True
    assert Client().get("/_metrics").status_code == 403
    settings.METRICS_TOKEN = "secret"
    assert numbers(Client(), Authorization="Bearer secret")


def test_with_the_token_metrics_go_anywhere(db: None, settings: Any) -> None:
    settings.METRICS_TOKEN = "secret"
    assert numbers(
        Client(REMOTE_ADDR="198.51.100.7", HTTP_X_FORWARDED_FOR="192.0.2.1"), Authorization="Bearer secret"
    )
