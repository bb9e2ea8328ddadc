"""How often a key or a session may ask: exactly as often, whoever else asks at the same time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client

from persons.api.throttling import Rate, seconds_to_wait
from persons.installation import owner
from persons.models import Project, RequestCount
from tests.api.helpers import api_with
from tests.api_client import Api, error_of

ME = "/api/users/@me/"


@pytest.fixture(autouse=True)
def limited(settings: Any) -> None:
    settings.RATE_LIMIT_ENABLED = True


def asked_before(number: int) -> None:
    """As if everybody who has asked had asked so often."""
    RequestCount.objects.update(count=number)


def later(**time: float) -> None:
    RequestCount.objects.update(ends_at=F("ends_at") - timedelta(**time))


def counted(answer: Any) -> bool:
    if answer.status_code != 429:
        return True
    assert error_of(answer) == (429, "throttled", None)
    error, seconds = answer.json(), answer.headers["Retry-After"]
    assert error["type"] == "throttled_error"
    assert error["detail"] == f"Request was throttled. Expected available in {seconds} seconds."
    return False


def test_a_key_may_ask_240_times_a_minute(api: Api) -> None:
    assert counted(api.get(ME))
    asked_before(235)
    assert [counted(api.get(ME)) for _ in range(10)] == [True] * 5 + [False] * 5
    later(seconds=50)
    answer = api.get(ME)
    assert (counted(answer), 0 < int(answer.headers["Retry-After"]) <= 10) == (False, True)
    later(seconds=10)
    assert counted(api.get(ME))
    asked_before(240)
    assert not counted(api.get(ME))


def test_each_key_has_a_rate_of_its_own(api: Api) -> None:
    other = api_with(api)
    api.get(ME)
    asked_before(240)
    assert (counted(api.get(ME)), counted(other.get(ME))) == (False, True)


@pytest.mark.parametrize(
    ("requests", "after", "wait"), [(480, timedelta(), 60), (4_800, timedelta(minutes=2), 3_600 - 120)]
)
def test_deletions_have_rates_of_their_own(
    api: Api, project: Project, requests: int, after: timedelta, wait: int
) -> None:
    def delete() -> Any:
        return api.send("DELETE", f"/api/projects/{project.pk}/actions/1/")

    assert delete().status_code == 404
    later(seconds=after.total_seconds())
    asked_before(requests - 1)
    assert delete().status_code == 404
    answer = delete()
    assert not counted(answer)
    assert wait - 5 < int(answer.headers["Retry-After"]) <= wait
    assert counted(api.get(ME))


@pytest.mark.parametrize(
    ("requests", "after", "wait"), [(180, timedelta(), 60), (1_200, timedelta(minutes=2), 3_600 - 120)]
)
@pytest.mark.usefixtures("db")
def test_whoever_is_logged_in_has_two_rates(requests: int, after: timedelta, wait: int) -> None:
    client = Client()
    client.force_login(owner())
    assert client.get(ME).status_code == 200
    later(seconds=after.total_seconds())
    asked_before(requests - 1)
    assert client.get(ME).status_code == 200
    answer = client.get(ME)
    assert not counted(answer)
    assert wait - 5 < int(answer.headers["Retry-After"]) <= wait


def test_what_is_refused_for_the_minute_does_not_use_up_the_hour(db: None) -> None:
    client = Client()
    client.force_login(owner())
    client.get(ME)
    RequestCount.objects.filter(bucket__endswith=" 60").update(count=180)
    assert [counted(client.get(ME)) for _ in range(3)] == [False] * 3
    assert RequestCount.objects.get(bucket__endswith=" 3600").count == 1


def test_only_requests_under_the_api_are_counted(api: Api, project: Project) -> None:
    assert api.client.get(ME).status_code == 401
    assert api.client.get("/_health").status_code == 200
    assert api.capture(project, [{"event": "e", "distinct_id": "u"}]).status_code == 200
    assert not RequestCount.objects.exists()


def test_without_the_setting_nobody_is_limited(api: Api, settings: Any) -> None:
    api.get(ME)
    asked_before(10_000)
    settings.RATE_LIMIT_ENABLED = False
    assert api.get(ME).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_time_keep_to_the_rate_together() -> None:
    def ask(_: int) -> bool:
        try:
            return seconds_to_wait("key 1 60", Rate(100, 60)) is None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(ask, range(150))) == 100
