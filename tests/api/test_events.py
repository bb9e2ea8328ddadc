"""`events/` and `events/:uuid/`: what happened, one by one."""

import json
import random
from base64 import b64encode
from typing import Any
from uuid import UUID, uuid4

import pytest

from clickhouse.client import ClickHouse
from persons.models import Action, Person, Project
from tests.api.helpers import Capture, api_with, change, event, local, pages, project_of, stranger
from tests.api.world import World
from tests.api_client import Api, error_of


def events_path(project: Project, kind: str = "projects") -> str:
    return f"/api/{kind}/{project.pk}/events/"


def found(api: Api, project: Project, **query: Any) -> list[dict[str, Any]]:
    answer = api.get(events_path(project), query)
    assert answer.status_code == 200, answer.content
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def names(api: Api, project: Project, **query: Any) -> list[str]:
    return [each["event"] for each in found(api, project, **query)]


# A little after the last of the crowd: the windows in which a page is looked for begin here.
END = "2024-03-15T23:59:00Z"


@pytest.fixture
def crowd(capture: Capture) -> list[str]:
    """Uuids of events in the order of their times, those of one instant in that of their arrival; far apart,
    close together and often at once."""
    rng = random.Random(7)
    moments = [
        *(f"20{year:02}-01-01T00:00:00Z" for year in range(10, 24)),
        *(f"2024-03-15T{rng.randrange(24):02}:{rng.randrange(4):02}:00Z" for _ in range(60)),
        *["2024-03-15T12:00:00.000001Z"] * 20,
    ]
    rng.shuffle(moments)
    sent = [(moment, str(uuid4())) for moment in moments]
    for start in range(0, len(sent), 30):
        capture(*(event("did", f"user-{uuid[0]}", at, uuid=uuid) for at, uuid in sent[start : start + 30]))
    return [uuid for _, uuid in sorted(sent, key=lambda pair: pair[0].rstrip("Z"))]


@pytest.mark.parametrize(("order", "kind"), [("-timestamp", "projects"), ("timestamp", "environments")])
def test_following_next_yields_each_event_once_and_in_order(
    api: Api, project: Project, crowd: list[str], order: str, kind: str
) -> None:
    expected = crowd if order == "timestamp" else crowd[::-1]
    for limit, start in ((7, 0), (len(crowd), 0), (len(crowd) - 1, 0), (13, 40)):
        first = f'{events_path(project, kind)}?limit={limit}&offset={start}&before={END}&orderBy=["{order}"]'
        listed = [each["id"] for page in pages(api.get, first) for each in page["results"]]
        assert listed == expected[start:]


def test_offsets_cut_the_same_list_into_pages(api: Api, project: Project, crowd: list[str]) -> None:
    cut: list[str] = []
    while page := found(api, project, before=END, limit="12", offset=str(len(cut))):
        cut += [each["id"] for each in page]
    assert cut == crowd[::-1]


def test_next_goes_on_where_the_page_ended_whatever_has_come_since(
    api: Api, project: Project, capture: Capture, crowd: list[str]
) -> None:
    page = api.get(f"{events_path(project)}?limit=10").json()
    assert page["next"].startswith(f"http://testserver{events_path(project)}?")
    capture(event("late", "user-1", "2024-03-31T00:00:00Z"))
    following = api.get(local(page["next"])).json()["results"]
    assert [each["id"] for each in following] == crowd[::-1][10:20]


@pytest.fixture
def story(capture: Capture) -> None:
    capture(
        event("view", "anon", "2024-03-01T00:00:00Z", properties={"price": 1, "$browser": "Chrome"}),
        event("$identify", "ada", "2024-03-02T00:00:00Z", properties={"$anon_distinct_id": "anon"}),
        event("paid", "ada", "2024-03-03T00:00:00Z", properties={"price": 9, "$set": {"email": "ada@x.org"}}),
        event("view", "bob", "2024-03-04T00:00:00Z", properties={"price": 9, "$set": {"email": "bob@y.org"}}),
    )


PAID, IDENTIFY, VIEW = "paid", "$identify", "view"
ADA = {"key": "email", "type": "person", "operator": "icontains", "value": "ada"}
NINE, CHROME = {"key": "price", "value": 9}, {"key": "$browser", "value": "Chrome"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"after": "2024-03-02T00:00:00Z", "before": "2024-03-03T00:00:00.000000+0000"}, [IDENTIFY]),
        ({"after": "2024-03-02", "before": "2024-03-04"}, [PAID, IDENTIFY]),
        ({"after": "all", "before": "2024-03-02"}, [VIEW]),
        ({"after": "2024-03-05T00:00:00Z", "before": "2024-03-01T00:00:00Z"}, []),
        ({"before": "1900-01-01"}, []),
        ({"after": "2299-12-31", "before": "2299-12-31T23:59:59.999999Z"}, []),
        ({"after": "1900-01-01", "before": "2299-12-31T23:59:59.999999Z", "event": PAID}, [PAID]),
        ({"event": "view"}, [VIEW, VIEW]),
        ({"event": "nothing"}, []),
        ({"distinct_id": "anon"}, [VIEW]),
        ({"distinct_id": "nobody"}, []),
        ({"event": "view", "distinct_id": "ada"}, []),
        ({"properties": [NINE]}, [VIEW, PAID]),
        ({"properties": {"$browser": "Chrome"}}, [VIEW]),
        ({"properties": [ADA]}, [PAID, IDENTIFY, VIEW]),
        ({"properties": {"type": "OR", "values": [{**ADA, "negation": True}, CHROME]}}, [VIEW, VIEW]),
        ({"properties": {"type": "AND", "values": [ADA, NINE]}}, [PAID]),
        ({"filter_test_accounts": "true"}, [VIEW]),
        ({"orderBy": '["timestamp"]', "limit": "2"}, [VIEW, IDENTIFY]),
        ({"orderBy": "-timestamp", "limit": "1"}, [VIEW]),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("story")
def test_all_conditions_hold(api: Api, project: Project, query: dict[str, Any], expected: list[str]) -> None:
    project.test_account_filters = [{**ADA, "operator": "not_icontains"}]
    project.save()
    assert names(api, project, **query) == expected


@pytest.mark.usefixtures("story")
def test_events_of_a_person_are_those_of_all_its_distinct_ids(api: Api, project: Project) -> None:
    ada = Person.objects.get(project=project, mappings__distinct_id="ada")
    for person_id in (str(ada.pk), str(ada.uuid)):
        assert names(api, project, person_id=person_id) == [PAID, IDENTIFY, VIEW]
        assert names(api, project, person_id=person_id, distinct_id="anon") == [VIEW]
        assert names(api, project, person_id=person_id, distinct_id="bob") == []
    assert names(api, project, person_id=str(uuid4())) == []


@pytest.mark.usefixtures("story")
def test_an_action_stands_for_its_events(api: Api, project: Project) -> None:
    action = Action.objects.create(
        project=project, name="A", steps=[{"event": "paid"}, {"event": "$identify"}]
    )
    assert names(api, project, action_id=str(action.pk)) == [PAID, IDENTIFY]
    assert names(api, project, action_id=str(action.pk), event="paid") == [PAID]


def test_an_event_says_what_happened_and_to_whom(api: Api, project: Project, capture: Capture) -> None:
    uuid = str(uuid4())
    click = [
        {"tag_name": "a", "$el_text": 'Say "hi"', "attr__class": "btn mt-0.5", "href": "/x", "nth_child": 2},
        {"tag_name": "div", "attr__id": "top", "attr__data-x": "a;b\\"},
    ]
    properties = {"$elements": click, "n": None}
    capture(
        change("2024-03-01", "ada", set={"email": "a@x.org", "secret": 1}),
        event("$autocapture", "ada", "2024-03-02T01:02:03Z", uuid=uuid, properties=properties),
    )
    (told, _) = found(api, project)
    ada = Person.objects.get(project=project)
    assert told == {
        "id": uuid,
        "event": "$autocapture",
        "distinct_id": "ada",
        "timestamp": "2024-03-02T01:02:03.000000Z",
        "properties": properties,
        "person": {
            "uuid": str(ada.uuid),
            "is_identified": False,
            "distinct_ids": ["ada"],
            "properties": {"email": "a@x.org"},
        },
        "elements_chain": told["elements_chain"],
        "elements": [
            {
                "order": 0,
                "tag_name": "a",
                "text": 'Say "hi"',
                "attr_class": ["btn", "mt-0.5"],
                "href": "/x",
                "attr_id": None,
                "nth_child": 2,
                "nth_of_type": 0,
                "attributes": {},
            },
            {
                "order": 1,
                "tag_name": "div",
                "text": None,
                "attr_class": [],
                "href": None,
                "attr_id": "top",
                "nth_child": 0,
                "nth_of_type": 0,
                "attributes": {"attr__id": "top", "attr__data-x": "a;b\\"},
            },
        ],
    }
    assert api.get(f"{events_path(project)}{uuid}").json() == told
    assert error_of(api.get(f"{events_path(project)}{uuid4()}/"))[:2] == (404, "not_found")
    assert error_of(api.get(f"{events_path(project)}ada/")) == (400, "invalid_input", "id")


def test_events_are_seen_as_long_as_their_person(api: Api, project: Project, world: World) -> None:
    def seen() -> list[tuple[str, str | None]]:
        whose = {str(each.uuid): each for each in Person.objects.filter(project=project)}
        return [
            (each["event"], each["person"] and whose[each["person"]["uuid"]].properties.get("name"))
            for each in found(api, project, orderBy='["timestamp"]')
        ]

    world.did("anon", "first", day=1)
    world.did("ada", "second", day=2, sets={"name": "Ada"})
    world.did("nobody", "third", day=3, personless=True)
    assert seen() == [("first", None), ("second", "Ada"), ("third", None)]
    assert [each["person"] is None for each in found(api, project)] == [True, False, False]

    world.identify("ada", "anon", day=4)
    merged = [("first", "Ada"), ("second", "Ada"), ("third", None), ("$identify", "Ada")]
    assert seen() == merged

    gone = found(api, project, event="second")[0]["id"]
    world.delete("ada")
    world.did("ada", "held", day=5, sets={"name": "New"})
    world.did("anon", "held too", day=5, personless=True)
    world.identify("ada", "never seen before", day=6)
    world.did("never seen before", "held as well", day=7)
    assert seen() == [("third", None)]
    assert names(api, project, distinct_id="ada") == []
    assert error_of(api.get(f"{events_path(project)}{gone}/"))[:2] == (404, "not_found")

    world.reset("ada")
    assert seen() == [("third", None), ("held", "New"), ("$identify", "New"), ("held as well", "New")]
    assert names(api, project, distinct_id="ada") == ["$identify", "held"]
    assert names(api, project, person_id=world.uuid("ada")) == ["held as well", "$identify", "held"]


SOMETHING = str(UUID(int=1))
MISTAKES: list[tuple[dict[str, Any], tuple[int, str, str]]] = [
    ({"after": "yesterdayish"}, (400, "invalid_input", "after")),
    ({"before": "2024-13-01"}, (400, "invalid_input", "before")),
    ({"before": "all"}, (400, "invalid_input", "before")),
    ({"limit": "0"}, (400, "invalid_input", "limit")),
    ({"limit": "10001"}, (400, "invalid_input", "limit")),
    ({"offset": "-1"}, (400, "invalid_input", "offset")),
    ({"cursor": "x"}, (400, "invalid_input", "cursor")),
    *(
        ({"cursor": b64encode(json.dumps(place).encode()).decode()}, (400, "invalid_input", "cursor"))
        for place in (
            (1, 2, 3),
            ("0001-01-01T00:00:00+02:00", 1, SOMETHING),
            ("2300-01-01T00:00:00Z", 1, SOMETHING),
            ("2024-01-01T00:00:00", 1, SOMETHING),
            ("2024-01-01T00:00:00Z", -1, SOMETHING),
            ("2024-01-01T00:00:00Z", 2**64, SOMETHING),
        )
    ),
    ({"orderBy": '["event"]'}, (400, "invalid_input", "orderBy")),
    ({"orderBy": '["timestamp","event"]'}, (400, "invalid_input", "orderBy")),
    ({"person_id": "ada@x.org"}, (400, "invalid_input", "person_id")),
    ({"action_id": "99"}, (400, "invalid_input", "action_id")),
    ({"properties": "{"}, (400, "invalid_input", "properties")),
    ({"properties": [{"key": "a", "operator": "b"}]}, (400, "invalid_input", "properties.0.operator")),
    ({"properties": [{"key": "a", "type": "hogql"}]}, (400, "not_supported", "properties.0.type")),
    ({"select": '["event"]'}, (400, "not_supported", "select")),
    ({"where": '["true"]'}, (400, "not_supported", "where")),
    ({"format": "csv"}, (400, "not_supported", "format")),
]


def test_mistakes_are_named(api: Api, project: Project) -> None:
    for query, error in MISTAKES:
        assert error_of(api.get(events_path(project), query)) == error, query
    answer = api.get(events_path(project), {"evnet": "x"})
    assert (answer.status_code, answer["X-Ignored-Parameters"]) == (200, "evnet")


def test_a_key_needs_the_scope_and_the_project(api: Api, project: Project, clickhouse: ClickHouse) -> None:
    assert api_with(api, ["query:read"]).get(events_path(project)).status_code == 200
    refused = api_with(api, ["person:read"]).get(events_path(project))
    assert error_of(refused)[:2] == (403, "permission_denied")
    assert "'query:read'" in refused.json()["detail"]
    others = project_of(stranger())
    assert error_of(api.get(events_path(others)))[:2] == (403, "permission_denied")
    assert error_of(Api(api.client, "").get(events_path(project)))[0] == 401


def test_events_of_another_project_are_not_seen(api: Api, project: Project, capture: Capture) -> None:
    capture(event("ours", "ada", "2024-03-01", uuid=str(UUID(int=5))))
    other = Project.objects.create(name="Other")
    other.memberships.create(user=project.memberships.get().user)
    assert names(api, other) == []
    assert error_of(api.get(f"{events_path(other)}{UUID(int=5)}/"))[0] == 404


@pytest.mark.parametrize("kind", ["projects", "environments"])
@pytest.mark.parametrize("name", ["annotations", "dashboards", "experiments", "feature_flags", "insights"])
def test_what_is_not_kept_is_an_empty_list(api: Api, project: Project, name: str, kind: str) -> None:
    path = f"/api/{kind}/{project.pk}/{name}"
    for address in (path, f"{path}/"):
        answer = api.get(address, {"limit": "100", "offset": "0"})
        assert answer.json() == {"count": 0, "next": None, "previous": None, "results": []}
    assert error_of(api.get(path, {"limit": "x"})) == (400, "invalid_input", "limit")
    assert error_of(api.post(path, {"name": "x"}))[0] == 405
    assert error_of(api.get(f"{path}/1/"))[0] == 404
    assert error_of(api.get(f"/api/{kind}/{project_of(stranger()).pk}/{name}/"))[0] == 403
