"""Every answer has an id, by which its log lines are found."""

import uuid

import pytest

from tests.api_client import Api

PATHS = ["/_livez", "/api/projects/", "/api/projects/0/", "/nothing"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("sent", ["a", "7f:3.b_c-D", "x" * 128])
def test_a_sane_id_comes_back(api: Api, path: str, sent: str) -> None:
    assert api.client.get(path, headers={"X-Request-ID": sent}).headers["X-Request-ID"] == sent


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("sent", [None, "", "x" * 129, "two words", 'quo"te', "\xe9", "a\nb: c", "٣"])
def test_any_other_is_replaced_by_a_new_one(api: Api, path: str, sent: str | None) -> None:
    headers = None if sent is None else {"X-Request-ID": sent}
    first, second = (api.client.get(path, headers=headers).headers["X-Request-ID"] for _ in range(2))
    assert uuid.UUID(first) != uuid.UUID(second)


def test_the_log_has_the_id_and_not_the_query(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    api.client.get("/api/projects/?limit=7777", headers={"X-Request-ID": "the-id"})
    (line,) = (record.getMessage() for record in caplog.records if record.name == "persons.request")
    assert "the-id" in line
    assert "7777" not in line
