"""`GET persons/`: which persons, in which order, page by page."""

import itertools
from collections.abc import Iterable
from typing import Any

import pytest

from persons.installation import owner
from persons.models import Person, PersonDistinctId, Project
from tests.api.helpers import Capture, event, local, pages, person, project_of
from tests.api_client import Api, error_of

ANONYMOUS = "018e4b5a-7c3d-7000-8000-0123456789ab"


@pytest.fixture
def path(project: Project) -> str:
    return f"/api/projects/{project.pk}/persons/"


def listed(answer: Any) -> list[str]:
    """The first distinct ids of the persons, in the order of the answer."""
    assert answer.status_code == 200, answer.content
    return [each["distinct_ids"][0] for each in answer.json()["results"]]


def people(project: Project, names: Iterable[str], created_at: str = "2024-03-01T10:00:00Z") -> None:
    for name in names:
        person(project, name, created_at=created_at)


def test_a_person_is_listed_with_everything_known_of_it(
    api: Api, capture: Capture, project: Project, path: str
) -> None:
    capture(event("open", "anon", "2024-03-01T10:00:00.5+01:00"))
    capture(
        event(
            "$identify",
            "u1",
            "2024-03-02T10:00:00Z",
            properties={"$anon_distinct_id": "anon", "$set": {"email": "u1@example.com", "n": [1.5, None]}},
        )
    )
    stored = Person.objects.get(project=project)
    answer = api.get(path).json()
    assert answer == {
        "results": [
            {
                "id": stored.pk,
                "uuid": str(stored.uuid),
                "type": "person",
                "name": "u1@example.com",
                "distinct_ids": ["anon", "u1"],
                "properties": {"email": "u1@example.com", "n": [1.5, None]},
                "created_at": "2024-03-01T09:00:00.500000Z",
                "is_identified": True,
                "last_seen_at": "2024-03-02T10:00:00Z",
                "updated_at": stored.updated_at.isoformat().replace("+00:00", "Z"),
                "distinct_ids_count": 2,
                "distinct_ids_truncated": False,
            }
        ],
        "next": None,
        "previous": None,
        "next_cursor": None,
    }


def test_the_newest_person_comes_first_and_of_equals_the_one_stored_last(
    api: Api, project: Project, path: str
) -> None:
    people(project, ["middle 1", "middle 2"], "2024-03-02T10:00:00Z")
    people(project, ["oldest"], "2024-03-01T10:00:00Z")
    people(project, ["middle 3"], "2024-03-02T10:00:00Z")
    people(project, ["newest"], "2024-03-02T10:00:00.000001Z")
    assert listed(api.get(path)) == ["newest", "middle 3", "middle 2", "middle 1", "oldest"]


@pytest.mark.parametrize(("limit", "sizes"), [(2, [2, 2, 1]), (2, [2, 2]), (3, [2]), (1, [1, 1])])
def test_following_next_gives_each_person_once_and_no_empty_page(
    api: Api, project: Project, path: str, limit: int, sizes: list[int]
) -> None:
    names = [f"u{each}" for each in range(sum(sizes))]
    people(project, names)
    found = list(pages(api.get, f"{path}?limit={limit}"))
    assert [len(page["results"]) for page in found] == sizes
    results = itertools.chain.from_iterable(page["results"] for page in found)
    assert [each["distinct_ids"][0] for each in results] == names[::-1]


def test_previous_leads_back_to_the_first_page(api: Api, project: Project, path: str) -> None:
    people(project, ["a", "b", "c"])
    last = api.get(f"{path}?limit=1&offset=2").json()
    middle = api.get(local(last["previous"])).json()
    first = api.get(local(middle["previous"])).json()
    assert [page["results"][0]["name"] for page in (last, middle, first)] == ["a", "b", "c"]
    assert first["previous"] is None
    assert last["next"] is None


@pytest.mark.parametrize(
    ("asked", "following"),
    [
        ("projects/{}/persons?limit=1", "projects/{}/persons?limit=1&offset=1"),
        ("projects/{}/persons/?limit=1", "projects/{}/persons/?limit=1&offset=1"),
        ("environments/{}/persons?limit=1", "environments/{}/persons?limit=1&offset=1"),
        ("projects/@current/persons?limit=1", "projects/@current/persons?limit=1&offset=1"),
        ("projects/{}/persons?offset=1&limit=1", "projects/{}/persons?limit=1&offset=2"),
        ("projects/{}/persons?limit=1&offset=7&offset=1", "projects/{}/persons?limit=1&offset=2"),
        ("projects/{}/persons?x=offset%3D1&limit=1", "projects/{}/persons?x=offset%3D1&limit=1&offset=1"),
        ("projects/{}/persons?offset=0&limit=1&x=", "projects/{}/persons?limit=1&x=&offset=1"),
        ("projects/{}/persons?limit=1&x=%C3%A9+%26", "projects/{}/persons?limit=1&x=%C3%A9+%26&offset=1"),
        ("projects/{}/persons?limit=1&x=é", "projects/{}/persons?limit=1&x=%C3%A9&offset=1"),
    ],
)
def test_next_is_the_url_of_the_request_at_another_offset(
    api: Api, project: Project, asked: str, following: str
) -> None:
    people(project, ["a", "b", "c"])
    answer = api.get("/api/" + asked.format(project.pk))
    assert answer.json()["next"] == "http://testserver/api/" + following.format(project.pk)


def test_links_name_the_host_and_scheme_that_were_asked(api: Api, project: Project, path: str) -> None:
    people(project, ["a", "b"])
    answer = api.client.get(
        f"{path}?limit=1",
        headers={"Authorization": f"Bearer {api.key}", "Host": "localhost:8123"},
        secure=True,
    )
    assert answer.json()["next"] == f"https://localhost:8123{path}?limit=1&offset=1"


def test_a_page_has_100_persons_unless_asked_otherwise(api: Api, project: Project, path: str) -> None:
    people(project, (f"u{each}" for each in range(101)))
    assert len(listed(api.get(path))) == 100
    assert len(listed(api.get(path + "?limit=10000"))) == 101


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize(
    "value", ["x", "1.5", "1e3", "true", "null", "-1", "0x1", "1_0", "٣", "9" * 19, "9" * 5000]
)
def test_a_page_that_makes_no_sense_is_refused(api: Api, path: str, name: str, value: str) -> None:
    assert error_of(api.get(path, {name: value})) == (400, "invalid_input", name)


@pytest.mark.parametrize(("value", "status"), [("0", 400), ("1", 200), ("10000", 200), ("10001", 400)])
def test_a_page_has_1_to_10000_persons(api: Api, path: str, value: str, status: int) -> None:
    assert api.get(path, {"limit": value}).status_code == status


def test_behind_the_last_person_there_is_an_empty_page(api: Api, project: Project, path: str) -> None:
    people(project, ["a"])
    page = api.get(f"{path}?offset={2**62}").json()
    assert (page["results"], page["next"]) == ([], None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"distinct_id": "u1"}, ["u1"]),
        ({"distinct_id": "u1-phone"}, ["u1"]),
        ({"distinct_id": "U1"}, []),
        ({"distinct_id": "u"}, []),
        ({"distinct_id": "u%"}, []),
        ({"distinct_id": "' OR 1=1 --"}, []),
        ({"distinct_id": "é ü+&"}, ["é ü+&"]),
        ({"distinct_id": "x" * 500}, []),
        ({"distinct_id": "", "email": "u1@example.com"}, ["u1"]),
        ({"distinct_id": "personless"}, []),
        ({"email": "u1@example.com"}, ["u1"]),
        ({"email": "U1@example.com"}, []),
        ({"email": "u1@example"}, []),
        ({"email": "%"}, []),
        ({"email": "12"}, ["number"]),
        ({"email": "", "distinct_id": "empty"}, ["empty"]),
        ({"email": "null"}, []),
        ({"email": "u1@example.com", "distinct_id": "u1-phone"}, ["u1"]),
        ({"email": "u1@example.com", "distinct_id": "number"}, []),
    ],
)
def test_persons_are_found_by_exactly_their_ids_and_email(
    api: Api, project: Project, path: str, query: dict[str, str], found: list[str]
) -> None:
    person(project, "u1", "u1-phone", email="u1@example.com")
    person(project, "number", email=12)
    person(project, "nothing", email=None)
    person(project, "empty", email="")
    person(project, "é ü+&")
    PersonDistinctId.objects.create(project=project, distinct_id="personless")
    assert listed(api.get(path, query)) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"is_identified": "true"}, ["ann"]),
        ({"is_identified": "false"}, ["cat", "bob"]),
        ({"is_identified": ""}, ["cat", "bob", "ann"]),
        ({"key_identifier": "ann's phone"}, ["ann"]),
        ({"key_identifier": "bob@example.com"}, ["cat", "bob"]),
        ({"key_identifier": "bob"}, ["bob"]),
        ({"key_identifier": "ANN"}, []),
        ({"uuid": "{ann}"}, ["ann"]),
        ({"uuid": "{ann}, {bob}"}, ["bob", "ann"]),
        ({"uuid": "00000000-0000-0000-0000-000000000000"}, []),
        ({"id": "{id of bob}"}, ["bob"]),
        ({"id": "{id of bob},{id of ann},999999999"}, ["bob", "ann"]),
        ({"id": "{id of bob}", "uuid": "{ann}"}, []),
        ({"is_identified": "true", "key_identifier": "bob"}, []),
        ({"filter_test_accounts": "true"}, ["ann"]),
        ({"filter_test_accounts": ""}, ["ann"]),
        ({"filter_test_accounts": "false"}, ["cat", "bob", "ann"]),
    ],
)
def test_every_parameter_that_narrows_the_list_narrows_it(
    api: Api, capture: Capture, project: Project, query: dict[str, str], found: list[str]
) -> None:
    bob = {"$set": {"email": "bob@example.com"}}
    capture(
        event("$identify", "ann", "2024-03-01T10:00:00Z", properties={"$anon_distinct_id": "ann's phone"}),
        event("a", "bob", "2024-03-02T10:00:00Z", properties=bob),
        event("a", "cat", "2024-03-03T10:00:00Z", properties=bob),
        event("a", "dan", "2024-03-04T10:00:00Z", properties={"$process_person_profile": False}),
    )
    inside = {"type": "person", "key": "email", "operator": "not_icontains", "value": "@example.com"}
    project.test_account_filters = [inside]
    project.save()
    persons = {each.distinct_id: each.person for each in PersonDistinctId.objects.exclude(person=None)}
    filled = {
        name: value.format(
            **{who: str(each.uuid) for who, each in persons.items() if each},
            **{f"id of {who}": each.pk for who, each in persons.items() if each},
        )
        for name, value in query.items()
    }
    # PostgreSQL answers the first, ClickHouse the second.
    everybody = {"properties": [{"type": "person", "key": "nothing", "operator": "is_not_set"}]}
    for asked in (filled, {**filled, **everybody}):
        answer = api.get(f"/api/projects/{project.pk}/persons/", {**asked, "include_total": ""})
        named = {"ann's phone": "ann"}
        assert [named.get(each, each) for each in listed(answer)] == found
        assert answer.json()["count"] == len(found)
        assert "X-Ignored-Parameters" not in answer.headers


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"is_identified": "maybe"}, "is_identified"),
        ({"uuid": "u1"}, "uuid"),
        ({"uuid": "00000000-0000-0000-0000-000000000000,"}, "uuid"),
        ({"id": "1,x"}, "id"),
        ({"id": ",".join(map(str, range(201)))}, "id"),
    ],
)
def test_what_no_person_can_have_is_refused(api: Api, path: str, query: dict[str, str], attr: str) -> None:
    assert error_of(api.get(path, query)) == (400, "invalid_input", attr)


def test_test_accounts_that_events_tell_are_not_left_out_of_lists(
    api: Api, project: Project, path: str
) -> None:
    project.test_account_filters = [{"key": "$host", "operator": "is_not", "value": "localhost"}]
    project.save()
    answer = api.get(path, {"filter_test_accounts": "true"})
    assert error_of(answer) == (400, "not_supported", "filter_test_accounts")


def test_pages_of_a_filtered_list_keep_the_filter(api: Api, project: Project, path: str) -> None:
    for name in ("a", "b", "c"):
        person(project, name, email="shared@example.com")
        person(project, name + "'s friend")
    found = list(pages(api.get, f"{path}?email=shared@example.com&limit=1"))
    assert [page["results"][0]["distinct_ids"] for page in found] == [["c"], ["b"], ["a"]]


def test_persons_of_other_projects_are_not_listed(api: Api, project: Project, path: str) -> None:
    person(project_of(owner()), "u1", email="u1@example.com")
    person(project, "u2")
    assert listed(api.get(path)) == ["u2"]
    assert listed(api.get(path, {"distinct_id": "u1"})) == []
    assert listed(api.get(path, {"email": "u1@example.com"})) == []


def test_a_parameter_that_nothing_reads_is_reported(api: Api, path: str) -> None:
    answer = api.get(f"{path}?distinctId=u1&Limit=5&limit=5&refresh=true")
    assert (answer.status_code, answer.headers["X-Ignored-Parameters"]) == (200, "Limit, distinctId")
    assert "X-Ignored-Parameters" not in api.get(f"{path}?distinct_id=u1&limit=5").headers


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"username": "u", "name": "n", "email": "e"}, "e"),
        ({"username": "u", "name": "n"}, "n"),
        ({"username": "u"}, "u"),
        ({"email": "", "name": None, "username": "u"}, "u"),
        ({"name": " "}, " "),
        ({"email": 12}, 12),
        ({"email": 0}, 0),
        ({"email": False}, False),
        ({"email": ["a"]}, ["a"]),
        ({"nick": "x"}, "d"),
    ],
)
def test_a_person_is_named_after_its_first_property_that_is_not_empty(
    api: Api, project: Project, path: str, properties: dict[str, Any], name: Any
) -> None:
    person(project, "d", **properties)
    (found,) = api.get(path).json()["results"]
    assert found["name"] == name
    assert type(found["name"]) is type(name)


@pytest.mark.parametrize(
    ("display", "name"), [(["nick", "email"], "x"), (["nobody has this", "email"], "e"), ([], "d")]
)
def test_the_project_says_which_properties_are_names(
    api: Api, project: Project, path: str, display: list[str], name: str
) -> None:
    api.send("PATCH", f"/api/projects/{project.pk}/", {"person_display_name_properties": display})
    person(project, "d", email="e", nick="x")
    assert [each["name"] for each in api.get(path).json()["results"]] == [name]


@pytest.mark.parametrize(
    ("distinct_ids", "name"),
    [
        (["d", "e"], "d"),
        ([ANONYMOUS, "d", "e"], "d"),
        ([ANONYMOUS, ANONYMOUS[:-1] + "c"], ANONYMOUS),
        (["a-b-c-d-e", "A-b-c-d-e"], "A-b-c-d-e"),
        (["a-b-c-d-e", "a-b-c-d"], "a-b-c-d"),
        (["a-b-c-d-e", "a-b-c-d-e-f"], "a-b-c-d-e-f"),
    ],
)
def test_without_such_a_property_it_is_named_after_an_id_that_somebody_chose(
    api: Api, project: Project, path: str, distinct_ids: list[str], name: str
) -> None:
    person(project, *distinct_ids)
    assert [each["name"] for each in api.get(path).json()["results"]] == [name]


def test_a_person_without_ids_is_named_after_its_uuid(api: Api, project: Project, path: str) -> None:
    made = person(project)
    (found,) = api.get(path).json()["results"]
    assert (found["name"], found["distinct_ids"]) == (str(made.uuid), [])


def test_distinct_ids_come_in_the_order_in_which_they_were_stored_and_at_most_1000(
    api: Api, project: Project, path: str
) -> None:
    names = [f"d{each % 7}-{each}" for each in range(1001)]
    person(project, ANONYMOUS, *names)
    (found,) = api.get(path).json()["results"]
    assert found["distinct_ids"] == [ANONYMOUS, *names[:999]]
    assert (found["distinct_ids_count"], found["distinct_ids_truncated"]) == (1002, True)
