"""`GET persons/:id/`: one person, by its number or its uuid."""

import uuid

import pytest

from persons.api.views.not_built import NOT_BUILT
from persons.installation import owner
from persons.models import Project
from tests.api.helpers import person, project_of, stranger
from tests.api_client import Api, error_of

ANONYMOUS = "018e4b5a-7c3d-7000-8000-0123456789ab"


@pytest.fixture
def path(project: Project) -> str:
    return f"/api/projects/{project.pk}/persons"


def test_a_person_is_the_same_by_number_and_by_uuid(api: Api, project: Project, path: str) -> None:
    person(project, "somebody else")
    made = person(project, "u1", email="u1@example.com")
    (listed,) = api.get(f"{path}/?distinct_id=u1").json()["results"]
    for known_as in (made.pk, made.uuid, str(made.uuid).upper(), f"{made.pk:018}"):
        for slash in ("", "/"):
            answer = api.get(f"{path}/{known_as}{slash}")
            assert (answer.status_code, answer.json()) == (200, listed)


def test_all_distinct_ids_are_shown_those_that_somebody_chose_first(
    api: Api, project: Project, path: str
) -> None:
    chosen = [f"d{each % 7}-{each}" for each in range(1001)]
    made = person(project, ANONYMOUS, chosen[0], "a-b-c-d-e", *chosen[1:])
    answer = api.get(f"{path}/{made.pk}/").json()
    assert answer["distinct_ids"] == [*chosen, ANONYMOUS, "a-b-c-d-e"]
    assert answer["name"] == chosen[0]


@pytest.mark.parametrize(
    "unknown", ["0", "999999", "9" * 18, str(uuid.UUID(int=0)), "0" * 32, str(uuid.UUID(int=1)).upper()]
)
def test_a_person_that_does_not_exist_is_404(api: Api, project: Project, path: str, unknown: str) -> None:
    person(project, unknown)
    answer = api.get(f"{path}/{unknown}/")
    assert error_of(answer) == (404, "not_found", None)
    assert answer.json()["detail"] == "Not found."


@pytest.mark.parametrize(
    "nonsense",
    [
        "u1",
        "@me",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "1,2",
        "٣",
        "%D9%A3",
        "%00",
        "%FF",
        "9" * 5000,
        "a" * 31,
    ],
)
def test_what_is_no_id_of_a_person_is_told_how_to_search_by_distinct_id(
    api: Api, project: Project, path: str, nonsense: str
) -> None:
    person(project, "u1")
    answer = api.get(f"{path}/{nonsense}/")
    assert error_of(answer) == (400, "invalid_input", "id")
    beginning, _, end = answer.json()["detail"].partition("/persons?distinct_id=")
    assert beginning == (
        "The ID provided does not look like a personID. If you are using a distinctId, please use "
    )
    assert end.endswith(" instead.")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("NOT_A_UUID", "NOT_A_UUID"),
        ("ann@example.com", "ann@example.com"),
        ("a%26b%20c", "a%26b%20c"),
        ("9" * 5000, "9" * 400),
    ],
)
def test_the_refusal_of_an_id_names_the_id(
    api: Api, project: Project, path: str, sent: str, shown: str
) -> None:
    person(project, sent[:400])
    detail = api.get(f"{path}/{sent}/").json()["detail"]
    assert detail.endswith(f"please use /persons?distinct_id={shown} instead.")


def test_a_person_of_another_project_is_404(api: Api, path: str) -> None:
    for other in (project_of(owner()), project_of(stranger())):
        made = person(other, "u1")
        assert error_of(api.get(f"{path}/{made.pk}/")) == (404, "not_found", None)
        assert error_of(api.get(f"{path}/{made.uuid}/")) == (404, "not_found", None)


def test_parameters_are_refused_or_reported_as_in_the_list(api: Api, project: Project, path: str) -> None:
    made = person(project, "u1")
    assert error_of(api.get(f"{path}/{made.pk}?format=csv")) == (400, "not_supported", "format")
    answer = api.get(f"{path}/{made.pk}?limit=5&format=json")
    assert (answer.status_code, answer.headers["X-Ignored-Parameters"]) == (200, "limit")


@pytest.mark.parametrize("name", NOT_BUILT)
def test_an_endpoint_that_is_not_there_is_not_taken_for_a_person(api: Api, path: str, name: str) -> None:
    for answer in (api.get(f"{path}/{name}/"), api.post(f"{path}/{name}", {})):
        assert error_of(answer) == (400, "not_supported", None)
        assert f"persons/{name}/" in answer.json()["detail"]
