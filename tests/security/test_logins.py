"""Guessing passwords of the admin site: failed logins slow down the account and the address."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.db.models import F
from django.http import HttpResponse
from django.test import Client

from persons.models import User

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"
RIGHT, WRONG = "correct horse battery", "guess"
HERE, THERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture(autouse=True)
def staff(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for name in ("ann", "bob"):
        User.objects.create_user(f"{name}@example.com", RIGHT, is_staff=True)


def log_in(name: str, password: str, address: str = HERE, **headers: str) -> HttpResponse:
    form = {"username": f"{name}@example.com", "password": password}
    answer: Any = Client(REMOTE_ADDR=address).post(LOGIN, form, headers=headers)
    return answer  # type: ignore[no-any-return]


def fail_ten_times(name: str, address: str = HERE) -> list[int]:
    return [log_in(name, WRONG, address).status_code for _ in range(10)]


def test_ten_failed_logins_make_an_account_and_an_address_wait() -> None:
    assert fail_ten_times("ann") == [*[200] * 9, 429]
    refused = log_in("ann", RIGHT)
    assert (refused.status_code, refused["Retry-After"]) == (429, "300")
    assert b"Too many failed logins" in refused.content
    assert log_in("ann", RIGHT, THERE).status_code == 429
    assert log_in("bob", RIGHT).status_code == 429
    assert log_in("bob", RIGHT, THERE).status_code == 302


def test_after_five_minutes_a_login_succeeds_whatever_was_tried_meanwhile() -> None:
    fail_ten_times("ann")
    log_in("ann", WRONG)
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=5, seconds=1))
    assert log_in("ann", RIGHT).status_code == 302


def test_a_login_that_succeeds_forgets_the_failures_before_it() -> None:
    for _ in range(2):
        for _ in range(9):
            log_in("ann", WRONG)
        assert log_in("ann", RIGHT).status_code == 302


def test_behind_a_trusted_proxy_the_address_is_the_one_that_the_proxy_added(settings: Any) -> None:
    settings.TRUST_PROXY = True
    for number in range(10):
        spoofed = f"192.0.2.{number}, {HERE}"
        log_in(f"guess {number}", WRONG, "127.0.0.1", **{"X-Forwarded-For": spoofed})
    refused = log_in("ann", RIGHT, "127.0.0.1", **{"X-Forwarded-For": HERE})
    assert refused.status_code == 429
    assert log_in("ann", RIGHT, "127.0.0.1", **{"X-Forwarded-For": THERE}).status_code == 302


def test_without_a_trusted_proxy_a_header_changes_no_address() -> None:
    for number in range(10):
        log_in(f"guess {number}", WRONG, **{"X-Forwarded-For": f"192.0.2.{number}"})
    assert log_in("ann", RIGHT).status_code == 429


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_a_login_never_leads_to_another_site(elsewhere: str) -> None:
    form = {"username": "ann@example.com", "password": RIGHT, "next": elsewhere}
    answer = Client().post(LOGIN, form)
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
