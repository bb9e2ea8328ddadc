"""What SDKs ask for when they start is answered, whatever the token."""

import json
import re

import pytest
from django.test import Client

from persons.capture.urls import NOTHING_TO_TELL


@pytest.mark.parametrize("path", ["/flags/?v=2", "/flags?v=2&config=true", "/decide/?v=3"])
def test_there_are_no_flags(client: Client, path: str) -> None:
    answer = client.post(path, {"token": "phc_1", "distinct_id": "d"}, content_type="application/json")
    body = answer.json()
    assert answer.status_code == 200
    assert (body["flags"], body["featureFlags"], body["featureFlagPayloads"]) == ({}, {}, {})
    assert body["errorsWhileComputingFlags"] is False
    assert body["requestId"]
    assert body["supportedCompression"] == ["gzip", "gzip-js"]


def test_the_configuration_comes_as_json_and_as_a_script(client: Client) -> None:
    as_json = client.get("/array/phc_1/config").json()
    script = client.get("/array/phc_1/config.js")
    assert script.headers["Content-Type"].startswith("application/javascript")
    match = re.search(r'all\["phc_1"\]=\{config:(.*),siteApps:\[\]\};', script.content.decode())
    assert match
    assert json.loads(match[1]) == as_json
    assert as_json["token"] == "phc_1"


def test_a_token_cannot_break_out_of_the_script(client: Client) -> None:
    script = client.get('/array/"]</script><script>alert(1)/config.js').content.decode()
    assert "<" not in script


@pytest.mark.parametrize("path", NOTHING_TO_TELL)
def test_where_there_is_nothing_to_tell_the_answer_says_so(client: Client, path: str) -> None:
    for answer in (client.get(f"/{path}/?token=phc_1"), client.post(f"/{path}", b"anything", "text/plain")):
        assert (answer.status_code, answer.json()) == (200, NOTHING_TO_TELL[path])


@pytest.mark.parametrize(
    "path", ["/batch/", "/e/?compression=gzip-js", "/i/v1/analytics/events", "/flags/", "/array/x/config"]
)
def test_a_web_page_anywhere_may_ask(client: Client, path: str) -> None:
    preflight = client.options(
        path,
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-anything,authorization",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert preflight.headers["Access-Control-Allow-Headers"] == "*, authorization"
    assert "Access-Control-Allow-Credentials" not in preflight.headers


def test_a_web_page_may_not_use_somebodys_api_session(client: Client) -> None:
    answer = client.options(
        "/api/projects/", headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    )
    assert "Access-Control-Allow-Origin" not in answer.headers
