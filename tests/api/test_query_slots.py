"""Which requests wait for a query slot before they take a thread."""

from typing import Any

import pytest

from persons_api.asgi import needs_query_slot

PERSONS = "/api/projects/1/persons/"


@pytest.mark.parametrize(
    ("method", "path", "query", "more", "waits"),
    [
        ("POST", "/batch/", "", {}, False),
        ("GET", f"{PERSONS}", "", {}, False),
        ("GET", f"{PERSONS}", "distinct_id=a&limit=5&email=b", {}, False),
        ("GET", f"{PERSONS}", "distinct_id=a", {"CONTENT_LENGTH": "0"}, False),
        ("GET", f"{PERSONS}12/", "", {}, False),
        ("GET", "/api/environments/1/persons/12", "", {}, False),
        ("PATCH", f"{PERSONS}12/", "", {}, False),
        ("POST", f"{PERSONS}bulk_delete/", "", {}, False),
        ("OPTIONS", f"{PERSONS}funnel/", "", {}, False),
        ("GET", "/nowhere/", "", {}, False),
        ("GET", f"{PERSONS}%ff/", "", {}, False),
        ("GET", f"{PERSONS}", "search=a", {}, True),
        ("GET", f"{PERSONS}", "cohort=1", {}, True),
        ("GET", f"{PERSONS}", "properties=[]", {}, True),
        ("GET", f"{PERSONS}", "prop%65rties=[]", {}, True),
        ("GET", f"{PERSONS}", "", {"CONTENT_LENGTH": "20"}, True),
        ("GET", f"{PERSONS}", "", {"HTTP_ACCEPT": "text/csv, */*;q=0.1"}, True),
        ("GET", f"{PERSONS}", "", {"HTTP_ACCEPT": "application/x-ndjson;q=0.9"}, True),
        ("GET", "/api/projects/1/persons.csv", "", {}, True),
        ("HEAD", f"{PERSONS}", "search=a", {}, True),
        ("GET", f"{PERSONS}funnel", "", {}, True),
        ("POST", f"{PERSONS}trends/", "", {}, True),
        ("GET", "/api/environments/1/events/", "", {}, True),
        ("GET", "/admin/persons/person/", "", {}, True),
        ("GET", "/admin/login/", "", {}, False),
    ],
)
def test_queries_and_files_wait_and_nothing_else_does(
    method: str, path: str, query: str, more: dict[str, Any], waits: bool
) -> None:
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, **more}
    assert needs_query_slot(environ) == waits
