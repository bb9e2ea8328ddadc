"""`/api/schema/`: the description over HTTP, and the pages that show it. None needs a key or another host."""

import re

import orjson
import pytest
import yaml
from django.contrib.staticfiles import finders
from django.test import Client

from persons.openapi.views import description as document

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("query", "accept"),
    [("", "*/*"), ("?format=yaml", "*/*"), ("?format=json", "*/*"), ("", "application/json")],
)
def test_the_description_is_served(query: str, accept: str) -> None:
    answer = Client().get(f"/api/schema/{query}", headers={"Accept": accept})
    is_json = "json" in query + accept
    assert ("json" in answer["Content-Type"]) == is_json
    served = orjson.loads(answer.content) if is_json else yaml.safe_load(answer.content)
    assert served["paths"].keys() == document()["paths"].keys()


def test_its_server_is_the_one_that_was_asked() -> None:
    served = Client().get("/api/schema/?format=json", headers={"Host": "localhost:8123"}).json()
    (server,) = served["servers"]
    assert server["variables"]["server"]["default"] == "http://localhost:8123"


def test_an_unknown_format_is_not_found() -> None:
    assert Client().get("/api/schema/?format=toml").status_code == 404


def is_served(file: str) -> bool:
    if file.startswith("/static/"):
        return finders.find(file.removeprefix("/static/")) is not None
    program = Client().get(file, headers={"Accept": "*/*"})
    return program.status_code == 200 and "javascript" in program["Content-Type"]


def test_redoc_takes_no_picture_from_its_makers() -> None:
    assert b"https://cdn." not in Client().get("/api/schema/redoc/bundle.js").content


@pytest.mark.parametrize("page", ["", "swagger-ui/", "redoc/"])
def test_options_say_what_is_allowed(page: str) -> None:
    answer = Client().options(f"/api/schema/{page}", headers={"Accept": "text/html, */*;q=0.1"})
    assert (answer.status_code, answer["Allow"]) == (200, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("page", ["swagger-ui", "redoc"])
def test_the_pages_take_everything_from_here(page: str) -> None:
    answer = Client().get(f"/api/schema/{page}/", headers={"Accept": "text/html"})
    assert answer.status_code == 200
    text = answer.content.decode()
    files = re.findall(r'(?:src|href)="(?!data:)([^"]+)"', text)
    assert files
    for file in files:
        assert is_served(file), file
    assert "://" not in text.replace("http://www.w3.org", "")
