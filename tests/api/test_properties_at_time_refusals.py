"""What `persons/properties_at_time/` refuses, and whom it answers."""

from typing import Any
from uuid import uuid4

import pytest

from persons.models import Person, Project
from tests.api.helpers import Capture, api_with, change, project_of, stranger
from tests.api.past import address
from tests.api_client import Api, error_of

GOOD = {"distinct_id": "u", "timestamp": "2024-03-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ({"distinct_id": "", "person_id": ""}, (400, "required", "distinct_id")),
        ({"person_id": "7"}, (400, "invalid_input", "person_id")),
        ({"timestamp": ""}, (400, "required", "timestamp")),
        *(
            ({"timestamp": bad}, (400, "invalid_input", "timestamp"))
            for bad in (
                "yesterday", "now", "-7d", "all", "1709287200", "1709287200000", "2024", "2024-03",
                "03/01/2024", "2024-02-30", "2024-13-01", "2024-03-01T25:00:00Z", "2024-03-01T10:61:00Z",
                "2024-03-01T10:00:60Z", "2024-03-01T10:00:00Z junk", "2024-03-01T10:00:00+25:00",
                "1899-12-31T00:00:00Z", "2300-01-01T00:00:00Z", "0001-01-01", "2024-W09-5", "{}", "null",
            )
        ),
        ({"timestamp": "2024-03-01T00:00:00Z\x00"}, (400, "invalid_input", "timestamp")),
        ({"include_set_once": "maybe"}, (400, "invalid_input", "include_set_once")),
        ({"format": "xml"}, (400, "invalid_input", "format")),
        ({"distinct_id": "nobody"}, (404, "not_found", None)),
        ({"distinct_id": "", "person_id": "u"}, (400, "invalid_input", "person_id")),
        ({"distinct_id": "", "person_id": str(uuid4())}, (404, "not_found", None)),
        ({"distinct_id": "", "person_id": "999999999"}, (404, "not_found", None)),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("plans")
def test_a_mistake_is_named_and_said_in_posthogs_way_too(
    api: Api, project: Project, query: dict[str, Any], error: tuple[int, str, str | None]
) -> None:
    answer = api.get(address(project), {**GOOD, **query})
    assert error_of(answer) == error
    assert answer.json()["error"] == answer.json()["detail"]


def test_the_person_of_another_project_is_unknown(api: Api, project: Project, capture: Capture) -> None:
    capture(change("2024-03-01T00:00:00Z", set={"plan": "free"}))
    own = project_of(project.members.get())
    stored = Person.objects.get(project=project)
    for query in ({"distinct_id": "u"}, {"person_id": str(stored.uuid)}, {"person_id": str(stored.pk)}):
        answer = api.get(address(own), {"timestamp": "2024-03-02T00:00:00Z", **query})
        assert error_of(answer) == (404, "not_found", None)
    theirs = project_of(stranger())
    assert api.get(address(theirs), GOOD).status_code == 403


def test_it_needs_person_read_and_only_asks(api: Api, project: Project, capture: Capture) -> None:
    capture(change("2024-03-01T00:00:00Z", set={"plan": "free"}))
    reading, other = api_with(api, ["person:read"]), api_with(api, ["project:write"])
    body = {"distinct_ids": ["u"], "timestamp": "2024-03-01T00:00:00Z"}
    assert reading.get(address(project), GOOD).status_code == 200
    assert reading.post(address(project), body).status_code == 200
    assert other.get(address(project), GOOD).status_code == 403
    assert other.post(address(project), body).status_code == 403
    assert api.send("DELETE", address(project)).status_code == 405
