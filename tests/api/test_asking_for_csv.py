"""The ways to ask for CSV, and where there is none."""

import itertools
from typing import Any

import pytest

from persons.models import Project
from tests.api.helpers import person
from tests.api.tables import table
from tests.api_client import Api, error_of

HERE = "/api/projects/@current/"
FUNNEL = {"events": [{"id": "a"}, {"id": "b"}], "funnel_step": 1, "date_from": "2024-03-01"}


WAYS: list[tuple[str, str, dict[str, Any]]] = [
    ("persons{}", "?format=csv", {}),
    ("persons{}", "?format=csv", {"Accept": "application/json"}),
    ("persons.csv{}", "", {}),
    ("persons.csv{}", "", {"Accept": "application/json"}),
    ("persons.csv{}", "?limit=5", {"Accept": "text/html, */*;q=0.8"}),
    ("persons{}", "", {"Accept": "text/csv"}),
    ("persons{}", "", {"Accept": "text/csv; charset=utf-8"}),
    ("persons{}", "", {"Accept": "TEXT/CSV"}),
    ("persons{}", "", {"Accept": "text/*"}),
    ("persons{}", "", {"Accept": "text/csv, */*"}),
    ("persons{}", "", {"Accept": "text/csv, application/json"}),
    ("persons{}", "", {"Accept": "application/json;q=0.5, text/csv;q=0.6"}),
    ("persons{}", "", {"Accept": "application/*;q=0.9, text/csv, */*;q=0.1"}),
    ("persons{}", "", {"Accept": "application/json;q=0, */*"}),
]


@pytest.mark.parametrize(("path", "query", "headers"), WAYS)
def test_csv_can_be_asked_for_in_these_ways(
    api: Api, project: Project, path: str, query: str, headers: dict[str, Any]
) -> None:
    person(project, "u1")
    for above, slash in itertools.product(["projects", "environments"], ["", "/"]):
        answer = api.get(f"/api/{above}/{project.pk}/{path.format(slash)}{query}", **headers)
        assert [row["name"] for row in table(answer)[1]] == ["u1"]


@pytest.mark.parametrize(
    ("path", "query", "accept"),
    [
        ("persons", "", "*/*"),
        ("persons", "", "application/json"),
        ("persons", "", "application/json, text/csv"),
        ("persons", "", "application/json, text/csv;q=0.9"),
        ("persons", "", "application/json, text/plain, */*"),
        ("persons", "", "text/csv;q=0, */*"),
        ("persons", "", "text/csv;q=0.1, application/*;q=0.2"),
        ("persons", "?format=json", "text/csv"),
        ("persons.csv", "?format=json", "*/*"),
    ],
)
def test_otherwise_the_answer_is_json(api: Api, project: Project, path: str, query: str, accept: str) -> None:
    answer = api.get(f"{HERE}{path}{query}", Accept=accept)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json()["results"] == []


@pytest.mark.usefixtures("ann_and_bob")
def test_a_post_asks_for_csv_in_its_body_or_as_every_request_does(api: Api) -> None:
    path = f"{HERE}persons/funnel"
    for address, body, headers in (
        (path, {**FUNNEL, "format": "csv"}, {}),
        (f"{path}?format=json", {**FUNNEL, "format": "csv"}, {}),
        (f"{path}?format=csv", FUNNEL, {}),
        (f"{path}?format=csv", {**FUNNEL, "format": None}, {}),
        (f"{path}.csv", FUNNEL, {}),
        (path, FUNNEL, {"Accept": "text/csv"}),
    ):
        _, rows = table(api.post(address, body, **headers))
        assert {row["properties.email"] for row in rows} == {"ann@example.com", ""}


@pytest.mark.parametrize(
    ("path", "query", "error"),
    [
        ("persons", {"limit": "0"}, (400, "invalid_input", "limit")),
        ("persons", {"limit": "10001"}, (400, "invalid_input", "limit")),
        ("persons", {"format": "xml"}, (400, "invalid_input", "format")),
        ("persons", {"properties": "["}, (400, "invalid_input", "properties")),
        ("persons", {"cohort": "999999"}, (400, "invalid_input", "cohort")),
        ("persons/funnel", {}, (400, "invalid_input", "events")),
        ("persons/funnel", {**FUNNEL, "funnel_step": "9"}, (400, "invalid_input", "funnel_step")),
        ("cohorts/999999/persons", {}, (404, "not_found", None)),
    ],
)
def test_errors_are_json_however_csv_was_asked_for(
    api: Api, project: Project, path: str, query: dict[str, Any], error: tuple[int, str, str | None]
) -> None:
    for answer in (
        api.get(f"{HERE}{path}.csv", query),
        api.get(f"{HERE}{path}", query, Accept="text/csv"),
        api.get(f"{HERE}{path}", {"format": "csv", **query}),
    ):
        assert answer.headers["Content-Type"] == "application/json"
        assert error_of(answer) == error


@pytest.mark.parametrize("path", ["persons/1", "persons/cohorts", "cohorts", "actions", "../"])
def test_where_there_is_no_csv_it_is_refused_by_name(api: Api, project: Project, path: str) -> None:
    address = "/api/projects/" if path == "../" else f"{HERE}{path}"
    assert error_of(api.get(f"{address}?format=csv")) == (400, "not_supported", "format")
    assert error_of(api.get(address, Accept="text/csv")) == (406, "not_acceptable", None)
    assert api.get(address, Accept="text/csv, */*;q=0.1").headers["Content-Type"] == "application/json"


def test_what_nothing_reads_is_reported_as_ever(api: Api, project: Project) -> None:
    answer = api.get(f"{HERE}persons.csv?distinctId=u1&limit=5")
    assert (answer.status_code, answer.headers["X-Ignored-Parameters"]) == (200, "distinctId")
    assert answer.headers["X-Request-ID"]
