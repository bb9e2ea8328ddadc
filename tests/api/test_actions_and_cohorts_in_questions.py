"""Actions as entities, and cohorts as filters: what they mean in a question."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clickhouse.client import ClickHouse
from persons.models import Project
from persons.outbox.flush import drain
from tests.api.helpers import Capture, api_with, event, names_of
from tests.api_client import Api, error_of

BASKET = 'button.primary:attr_id="buy"href="/buy"text="Buy now";form:attr__action="/pay";body:text="Shop"'
LINK = 'span:text="Terms";a:href="/terms"attr__href="/terms"text="Terms";body:text="Shop"'


@pytest.fixture
def base(project: Project) -> str:
    return f"/api/projects/{project.pk}"


def clicked(name: str, chain: str, url: str = "https://shop.example/basket", **fields: Any) -> dict[str, Any]:
    properties = {"$elements_chain": chain, "$current_url": url}
    return event("$autocapture", name, "2024-03-01T10:00:00Z", properties=properties, **fields)


@pytest.fixture
def clicks(capture: Capture) -> None:
    capture(
        clicked("basket", BASKET),
        clicked("link", LINK, "https://shop.example/about"),
        event("$autocapture", "nothing", "2024-03-01T10:00:00Z"),
        event("bought", "bought", "2024-03-01T10:00:00Z", properties={"amount": 120}),
        *(
            event("end", name, "2024-03-02T10:00:00Z")
            for name in ("basket", "link", "nothing", "bought", "end only")
        ),
    )


def made(api: Api, base: str, kind: str, **fields: Any) -> int:
    answer = api.post(f"{base}/{kind}/", {"name": "x", **fields})
    assert answer.status_code == 201, answer.content
    return int(answer.json()["id"])


AUTOCAPTURE = {"event": "$autocapture"}
AMOUNT = {"key": "amount", "value": 100}
QUESTION = {"events": [{"id": "end"}], "date_from": "2024-03-01", "funnel_step": 1}


@pytest.mark.usefixtures("clicks")
@pytest.mark.parametrize(
    ("steps", "people"),
    [
        ([AUTOCAPTURE], {"basket", "link", "nothing"}),
        ([{**AUTOCAPTURE, "text": "Buy now"}], {"basket"}),
        ([{**AUTOCAPTURE, "text": "buy"}], set()),
        ([{**AUTOCAPTURE, "text": "buy", "text_matching": "contains"}], {"basket"}),
        ([{**AUTOCAPTURE, "text": "^Buy|^Ter", "text_matching": "regex"}], {"basket", "link"}),
        ([{**AUTOCAPTURE, "text": "Shop"}], {"basket", "link"}),
        ([{**AUTOCAPTURE, "href": "/terms"}], {"link"}),
        ([{**AUTOCAPTURE, "href": "/", "href_matching": "contains"}], {"basket", "link"}),
        ([{**AUTOCAPTURE, "tag_name": "a"}], {"link"}),
        ([{**AUTOCAPTURE, "selector": "form > button.primary"}], {"basket"}),
        ([{**AUTOCAPTURE, "selector": "#buy"}], {"basket"}),
        ([{**AUTOCAPTURE, "selector": "body > button"}], set()),
        ([{**AUTOCAPTURE, "url": "/basket"}], {"basket"}),
        ([{**AUTOCAPTURE, "url": "shop%basket"}], {"basket"}),
        ([{**AUTOCAPTURE, "url": "SHOP%EXAMPLE%/", "url_matching": "contains"}], {"basket", "link"}),
        ([{**AUTOCAPTURE, "url": "%about%"}], {"link"}),
        ([{**AUTOCAPTURE, "url": "%"}], {"basket", "link"}),
        ([{**AUTOCAPTURE, "url": "basket%shop"}], set()),
        ([{**AUTOCAPTURE, "url": "shop_example"}], set()),
        ([{**AUTOCAPTURE, "url": "shop_%basket"}], set()),
        ([{**AUTOCAPTURE, "url": "shop.%(basket|about)"}], set()),
        ([{**AUTOCAPTURE, "url": "shop%basket", "url_matching": "exact"}], set()),
        ([{**AUTOCAPTURE, "text": "B%w", "text_matching": "contains"}], set()),
        ([{**AUTOCAPTURE, "url": "https://shop.example/basket", "url_matching": "exact"}], {"basket"}),
        ([{**AUTOCAPTURE, "url": "about$", "url_matching": "regex"}], {"link"}),
        ([{**AUTOCAPTURE, "text": "Shop", "url": "/basket"}], {"basket"}),
        ([{**AUTOCAPTURE, "tag_name": "a"}, {"event": "bought"}], {"link", "bought"}),
        (
            [{"event": "bought", "properties": [{"key": "amount", "operator": "gt", "value": 100}]}],
            {"bought"},
        ),
        ([{"event": "bought", "properties": [{"key": "amount", "operator": "lt", "value": 100}]}], set()),
        ([{"url": "shop"}], {"basket", "link"}),
        ([{"event": None}], {"basket", "link", "nothing", "bought", "end only"}),
        ([], set()),
    ],
)
def test_an_action_is_the_events_that_match_one_of_its_steps(
    api: Api, base: str, steps: list[dict[str, Any]], people: set[str]
) -> None:
    action = made(api, base, "actions", steps=steps)
    asked = {
        "actions": [{"id": action}],
        "events": [{"id": "end"}],
        "date_from": "2024-03-01",
        "funnel_step": 1,
    }
    assert names_of(api.post(f"{base}/persons/funnel/", asked)) == people
    assert names_of(api.get(f"{base}/persons/funnel/", asked)) == people


@pytest.mark.usefixtures("clicks")
def test_actions_come_before_events_unless_there_is_an_order(api: Api, base: str) -> None:
    action = made(api, base, "actions", steps=[{"event": "end"}])
    asked = {"date_from": "2024-03-01", "funnel_step": 2}
    first = {**asked, "events": [{"id": "bought"}], "actions": [{"id": action}]}
    assert names_of(api.post(f"{base}/persons/funnel/", first)) == set()
    second = {**asked, "events": [{"id": "bought", "order": 0}], "actions": [{"id": action, "order": 1}]}
    assert names_of(api.post(f"{base}/persons/funnel/", second)) == {"bought"}


@pytest.mark.usefixtures("clicks")
def test_an_action_has_filters_like_an_event(api: Api, base: str) -> None:
    action = made(api, base, "actions", steps=[AUTOCAPTURE])
    link = {"key": "$current_url", "operator": "icontains", "value": "about"}
    asked = {**QUESTION, "actions": [{"id": str(action), "properties": [link]}]}
    assert names_of(api.post(f"{base}/persons/funnel/", asked)) == {"link"}


def test_an_action_that_does_not_exist_is_refused(api: Api, base: str) -> None:
    asked = {"events": [{"id": "end"}], "funnel_step": 1, "actions": [{"id": 999_999}]}
    answer = api.post(f"{base}/persons/funnel/", asked)
    assert error_of(answer) == (400, "invalid_input", "actions.0.id")
    assert answer.json()["detail"] == "Action ID 999999 does not exist!"


@pytest.mark.usefixtures("clicks")
@pytest.mark.parametrize(
    ("leaf", "people"),
    [
        ({"key": "text", "value": "Terms"}, {"link"}),
        ({"key": "text", "value": "Shop", "operator": "is_not"}, {"basket", "link"}),
        ({"key": "text", "operator": "is_set"}, {"basket", "link"}),
        ({"key": "text", "operator": "is_not_set"}, {"nothing"}),
        ({"key": "href", "value": "/buy"}, {"basket"}),
        ({"key": "href", "value": "/buy", "operator": "is_not"}, {"link", "nothing"}),
        ({"key": "tag_name", "value": ["form", "a"]}, {"basket", "link"}),
        ({"key": "tag_name", "value": "a", "operator": "is_not"}, {"basket", "nothing"}),
        ({"key": "selector", "value": "form button, a > span"}, {"basket", "link"}),
        ({"key": "selector", "value": ["#buy"], "operator": "is_not"}, {"link", "nothing"}),
    ],
)
def test_filters_ask_for_elements(api: Api, base: str, leaf: dict[str, Any], people: set[str]) -> None:
    steps = [{"id": "$autocapture", "properties": [{"type": "element", **leaf}]}, {"id": "end"}]
    asked = {"events": steps, "date_from": "2024-03-01", "funnel_step": 1}
    assert names_of(api.post(f"{base}/persons/funnel/", asked)) == people


@pytest.fixture
def buyers(capture: Capture) -> None:
    """Persons with plans who bought something, some of it long ago."""
    long_ago = datetime.now(UTC) - timedelta(days=400)
    lately = datetime.now(UTC) - timedelta(days=3)
    capture(
        *(
            event("$set", name, "2024-03-01T09:00:00Z", properties={"$set": {"plan": plan}})
            for name, plan in (("ada", "pro"), ("bob", "pro"), ("cay", "free"))
        ),
        *(event("seen", name, "2024-03-01T10:00:00Z") for name in ("ada", "bob", "cay", "dan")),
        event("bought", "ada", lately.isoformat(), properties={"amount": 5}),
        event("bought", "ada", lately.isoformat(), properties={"amount": 50}),
        event("bought", "bob", long_ago.isoformat(), properties={"amount": 500}),
        event("bought", "cay", lately.isoformat(), properties={"amount": 5}),
    )


def behaviour(**fields: Any) -> dict[str, Any]:
    return {
        "type": "behavioral", "key": "bought", "value": "performed_event", "time_value": 30,
        "time_interval": "day", **fields,
    }  # fmt: skip


PRO = {"type": "person", "key": "plan", "value": "pro"}
TWICE = {"value": "performed_event_multiple", "operator": "gte", "operator_value": 2}
DYNAMIC = [
    ([PRO], {"ada", "bob"}),
    ([{**PRO, "negation": True}], {"cay", "dan"}),
    ([PRO, behaviour()], {"ada"}),
    ({"type": "OR", "values": [PRO, behaviour()]}, {"ada", "bob", "cay"}),
    ([behaviour(negation=True)], {"bob", "dan"}),
    ([behaviour(time_value=2, time_interval="year")], {"ada", "bob", "cay"}),
    ([behaviour(**TWICE)], {"ada"}),
    ([behaviour(**{**TWICE, "operator": "exact", "operator_value": 1})], {"cay"}),
    ([behaviour(**{**TWICE, "operator": "lt"})], {"cay"}),
    ([behaviour(event_filters=[{"key": "amount", "operator": "gte", "value": 50}])], {"ada"}),
    ([behaviour(time_value=None, time_interval=None, explicit_datetime="-2y")], {"ada", "bob", "cay"}),
    (
        [behaviour(time_value=None, explicit_datetime="2000-01-01", explicit_datetime_to="-1y")],
        {"bob"},
    ),
]  # fmt: skip


@pytest.mark.usefixtures("buyers")
@pytest.mark.parametrize(("definition", "people"), DYNAMIC)
def test_a_dynamic_cohort_is_whoever_its_filters_find_now(
    api: Api, base: str, definition: Any, people: set[str]
) -> None:
    cohort = made(api, base, "cohorts", filters={"properties": definition})
    check_members(api, base, cohort, people, everybody={"ada", "bob", "cay", "dan"})


@pytest.mark.usefixtures("buyers")
def test_a_dynamic_cohort_is_always_current(api: Api, base: str, capture: Capture) -> None:
    cohort = made(api, base, "cohorts", filters={"properties": [PRO]})
    capture(event("$set", "dan", "2024-03-02T09:00:00Z", properties={"$set": {"plan": "pro"}}))
    check_members(api, base, cohort, {"ada", "bob", "dan"}, everybody={"ada", "bob", "cay", "dan"})


@pytest.mark.usefixtures("buyers")
def test_a_static_cohort_is_whoever_owns_its_ids_now(
    api: Api, base: str, capture: Capture, clickhouse: ClickHouse
) -> None:
    cohort = made(api, base, "cohorts", is_static=True, distinct_ids=["ada", "cay", "nobody"])
    drain(clickhouse)
    everybody = {"ada", "bob", "cay", "dan"}
    check_members(api, base, cohort, {"ada", "cay"}, everybody)
    capture(event("$merge_dangerously", "dan", "2024-03-03T10:00:00Z", properties={"alias": "cay"}))
    members = api.get(f"{base}/cohorts/{cohort}/persons/").json()["results"]
    assert sorted(each["distinct_ids"] for each in members) == [["ada"], ["cay", "dan"]]


@pytest.mark.usefixtures("buyers")
def test_cohorts_are_made_of_cohorts_and_of_actions(api: Api, base: str, clickhouse: ClickHouse) -> None:
    static = made(api, base, "cohorts", is_static=True, distinct_ids=["ada", "dan"])
    drain(clickhouse)
    action = made(api, base, "actions", steps=[{"event": "bought"}])
    inside = {"key": "id", "value": static, "type": "cohort"}
    inner = made(api, base, "cohorts", filters={"properties": [inside]})
    outer = made(
        api,
        base,
        "cohorts",
        filters={
            "properties": [
                {**inside, "value": inner, "operator": "not_in"},
                behaviour(key=action, event_type="actions"),
            ]
        },
    )
    check_members(api, base, inner, {"ada", "dan"}, everybody={"ada", "bob", "cay", "dan"})
    check_members(api, base, outer, {"cay"}, everybody={"ada", "bob", "cay", "dan"})


def member_names(api: Api, base: str, cohort: int) -> set[str]:
    answer = api.get(f"{base}/cohorts/{cohort}/persons/")
    assert answer.status_code == 200, answer.content
    return {each["distinct_ids"][0] for each in answer.json()["results"]}


def check_members(api: Api, base: str, cohort: int, people: set[str], everybody: set[str]) -> None:
    """Every way to ask for the persons of a cohort gives the same."""
    assert member_names(api, base, cohort) == people
    assert api.get(f"{base}/cohorts/{cohort}/").json()["count"] == len(people)
    listed = api.get(f"{base}/persons/", {"cohort": cohort}).json()["results"]
    assert {each["distinct_ids"][0] for each in listed} == people
    asked = {"events": [{"id": "seen"}, {"id": "x"}], "date_from": "2024-03-01", "funnel_step": 1}
    for operator, wanted in (("in", people), ("not_in", everybody - people)):
        leaf = {"type": "cohort", "key": "id", "value": cohort, "operator": operator}
        answer = api.post(f"{base}/persons/funnel/", {**asked, "properties": [leaf]})
        assert names_of(answer) == wanted
        steps = [{"id": "seen", "properties": [leaf]}, {"id": "x"}]
        assert names_of(api.post(f"{base}/persons/funnel/", {**asked, "events": steps})) == wanted
    for person in api.get(f"{base}/persons/").json()["results"]:
        own = api.get(f"{base}/persons/cohorts/", {"person_id": person["id"]}).json()["results"]
        counts = {each["id"]: each["count"] for each in own}
        assert counts.get(cohort) == (len(people) if person["distinct_ids"][0] in people else None)


@pytest.mark.usefixtures("buyers")
def test_the_persons_of_a_cohort_can_be_searched_and_paged(api: Api, base: str) -> None:
    cohort = made(api, base, "cohorts", filters={"properties": [behaviour()]})
    path = f"{base}/cohorts/{cohort}/persons/"
    assert [each["distinct_ids"] for each in api.get(path, {"search": "ca"}).json()["results"]] == [["cay"]]
    page = api.get(path, {"limit": 1, "include_total": "true"}).json()
    assert (len(page["results"]), page["count"], page["next"] is None) == (1, 2, False)


def test_whose_cohorts_they_are_must_be_said(api: Api, base: str) -> None:
    assert error_of(api.get(f"{base}/persons/cohorts/")) == (400, "required", "person_id")
    assert error_of(api.get(f"{base}/persons/cohorts/", {"person_id": "ada"})) == (
        400,
        "invalid_input",
        "person_id",
    )
    assert error_of(api.get(f"{base}/persons/cohorts/", {"person_id": "999999"}))[0] == 404


@pytest.mark.parametrize("scopes", [["person:read"], ["cohort:read"]])
def test_persons_of_cohorts_need_both_scopes(api: Api, base: str, scopes: list[str]) -> None:
    cohort = made(api, base, "cohorts", filters={"properties": [PRO]})
    for path in (f"{base}/persons/cohorts/?person_id=1", f"{base}/cohorts/{cohort}/persons/"):
        assert error_of(api_with(api, scopes).get(path))[0] == 403
        assert api_with(api, ["person:read", "cohort:read"]).get(path).status_code in (200, 404)


def test_cohorts_in_long_chains_and_wide_trees_are_refused_not_attempted(api: Api, base: str) -> None:
    def refers(*cohorts: int) -> dict[str, Any]:
        leaves = [{"key": "id", "value": each, "type": "cohort"} for each in cohorts]
        return {"name": "x", "filters": {"properties": leaves}}

    chain = wide = made(api, base, "cohorts", filters={"properties": [PRO]})
    for _ in range(18):
        chain = made(api, base, "cohorts", **refers(chain))
    last = api.post(f"{base}/cohorts/", refers(made(api, base, "cohorts", **refers(chain))))
    assert error_of(last) == (400, "invalid_input", "filters.properties.0.value")
    for _ in range(6):
        wide = made(api, base, "cohorts", **refers(wide, wide))
    answer = api.post(f"{base}/cohorts/", refers(wide, wide))
    assert error_of(answer) == (400, "invalid_input", "filters.properties.1.value")
