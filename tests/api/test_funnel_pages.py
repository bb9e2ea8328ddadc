"""The pages of a funnel: every person once, and links that can be followed."""

import itertools
from typing import Any

import pytest

from persons.models import Person, Project
from tests.api.funnels import WHOLE
from tests.api.helpers import Capture, actors_of, event, local, pages
from tests.api_client import Api


@pytest.fixture
def path(project: Project) -> str:
    return f"/api/projects/{project.pk}/persons/funnel/"


@pytest.fixture
def crowd(capture: Capture) -> set[str]:
    """Five persons who did the first step."""
    names = {f"u{each}" for each in range(5)}
    capture(*(event("a", name, "2024-03-01T10:00:00Z") for name in names))
    return names


@pytest.mark.parametrize(("limit", "sizes"), [(2, [2, 2, 1]), (5, [5]), (6, [5]), (1, [1, 1, 1, 1, 1])])
def test_following_next_gives_each_person_once_ordered_by_uuid(
    api: Api, path: str, crowd: set[str], limit: int, sizes: list[int]
) -> None:
    query = f"?events=a&events=b&funnel_step=1&date_from=2024-03-01&limit={limit}"
    for found in (
        list(pages(api.get, path + query)),
        list(pages(lambda url: api.post(url, {**WHOLE, "limit": limit}), path)),
    ):
        assert [page["results"][0]["count"] for page in found] == sizes
        people = list(itertools.chain.from_iterable(actors_of(page) for page in found))
        assert sorted(each["name"] for each in people) == sorted(crowd)
        assert [each["uuid"] for each in people] == sorted(each["uuid"] for each in people)


@pytest.mark.parametrize(
    ("query", "sent", "links"),
    [
        ("", {"limit": 1}, ("?offset=1", "")),
        ("?limit=1", {}, ("?limit=1&offset=1", "?limit=1")),
        ("?limit=1", {"limit": 3}, ("?limit=1&offset=1", "?limit=1")),
        ("?limit=1&offset=2", {"offset": 0}, ("?limit=1&offset=3", "?limit=1&offset=0")),
        ("?offset=0", {"offset": 3, "limit": 1}, ("?offset=1", "?offset=0")),
        ("", {"limit": 1, "offset": 3}, ("?offset=4", "?offset=0")),
    ],
)
@pytest.mark.usefixtures("crowd")
def test_paging_in_the_query_string_wins_over_the_body(
    api: Api, path: str, query: str, sent: dict[str, int], links: tuple[str, str]
) -> None:
    found = api.post(path + query, {**WHOLE, **sent}).json()
    assert found["results"][0]["count"] == 1
    assert (found["next"], found["initial"]) == tuple(f"http://testserver{path}{link}" for link in links)


@pytest.mark.usefixtures("crowd")
def test_links_survive_the_word_offset_and_keep_the_style_of_the_path(api: Api, project: Project) -> None:
    asked = f"/api/environments/{project.pk}/persons/funnel?events=a&events=offset%3D1&funnel_step=1"
    page = api.get(f"{asked}&date_from=2024-03-01&limit=1").json()
    assert page["next"] == f"http://testserver{asked}&date_from=2024-03-01&limit=1&offset=1"
    assert page["initial"] == f"http://testserver{asked}&date_from=2024-03-01&limit=1"
    second = api.get(local(page["next"])).json()
    assert second["next"] == page["next"][:-1] + "2"
    assert second["initial"] == page["next"][:-1] + "0"


@pytest.mark.parametrize(
    ("value", "counted"),
    [(True, True), ("true", True), ("1", True), ("yes", True), (False, False), ("0", False)],
)
def test_the_total_counts_all_pages_when_asked_for(
    api: Api, path: str, crowd: set[str], value: Any, counted: bool
) -> None:
    for answer in (
        api.post(path, {**WHOLE, "limit": 2, "offset": 4, "include_total": value}),
        api.get(path, {**WHOLE, "limit": 2, "offset": 4, "include_total": value}),
    ):
        found = answer.json()
        assert found["results"][0]["count"] == 1
        assert found.get("total_count") == (len(crowd) if counted else None)
        assert ("total_count" in found) is counted


@pytest.mark.usefixtures("crowd")
def test_a_person_that_is_gone_meanwhile_is_counted_as_missing(api: Api, project: Project, path: str) -> None:
    # As between the deletion here and its arrival in ClickHouse.
    first, *_ = sorted(Person.objects.filter(project=project), key=lambda person: str(person.uuid))
    first.delete()
    found = list(pages(lambda url: api.post(url, {**WHOLE, "limit": 2, "include_total": True}), path))
    assert [len(actors_of(page)) for page in found] == [1, 2, 1]
    assert [page["missing_persons"] for page in found] == [1, 0, 0]
    assert {page["total_count"] for page in found} == {5}
