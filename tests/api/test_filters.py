"""The filter language over HTTP: the same on every endpoint that takes it."""

from typing import Any

import pytest

from persons.models import Project
from tests.api.helpers import Capture, actors_of, event, names_of
from tests.api_client import Api, error_of

STEPS = {"events": [{"id": "seen"}, {"id": "bought"}], "funnel_step": 1, "date_from": "2024-03-01"}


@pytest.fixture
def funnel(project: Project) -> str:
    return f"/api/projects/{project.pk}/persons/funnel/"


@pytest.fixture
def listing(project: Project) -> str:
    return f"/api/projects/{project.pk}/persons/"


@pytest.fixture
def shop(capture: Capture) -> None:
    """Three persons who saw something: ada paid with a card, bob in cash, and eve, whom nobody knows."""

    def seen(name: str, properties: dict[str, Any], person: dict[str, Any]) -> dict[str, Any]:
        sent = {**properties, "$set": person}
        return event("seen", name, "2024-03-01T10:00:00Z", properties=sent)

    capture(
        seen("ada", {"$browser": "Chrome", "seats": 5}, {"email": "ada@example.com", "plan": "pro"}),
        seen("bob", {"$browser": "Safari", "seats": "12"}, {"email": "bob@example.org", "plan": "free"}),
        seen("eve", {"seats": None}, {}),
        event("bought", "ada", "2024-03-02T10:00:00Z", properties={"with": {"kind": "card"}}),
        event("bought", "bob", "2024-03-02T10:00:00Z", properties={"with": "cash"}),
    )


def leaf(key: str, value: Any = None, operator: str = "exact", type: str = "event") -> dict[str, Any]:
    return {"key": key, "value": value, "operator": operator, "type": type}


CHROME, SAFARI = leaf("$browser", "Chrome"), leaf("$browser", "Safari")
PRO = leaf("plan", "pro", type="person")


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("properties", "people"),
    [
        ([], {"ada", "bob", "eve"}),
        ([CHROME], {"ada"}),
        ([leaf("$browser", ["Chrome", "Safari"])], {"ada", "bob"}),
        ([leaf("$browser", "Chrome", "is_not")], {"bob", "eve"}),
        ([leaf("$browser", operator="is_not_set")], {"eve"}),
        ([leaf("seats", operator="is_set")], {"ada", "bob"}),
        ([leaf("seats", 5, "gt")], {"bob"}),
        ([leaf("seats", "5.0")], {"ada"}),
        ([leaf("seats", [4, 6], "between")], {"ada"}),
        ([PRO], {"ada"}),
        ([leaf("email", "EXAMPLE.ORG", "icontains", "person")], {"bob"}),
        ([leaf("plan", "pro", "is_not", "person")], {"bob", "eve"}),
        ([leaf("distinct_id", "^[ab]", "regex", "event_metadata")], {"ada", "bob"}),
        ([leaf("timestamp", "2024-03-01", "is_date_exact", "event_metadata")], {"ada", "bob", "eve"}),
        ([leaf("timestamp", "2024-03-01T10:00:00Z", "gt", "event_metadata")], set()),
        ([CHROME, SAFARI], set()),
        ([CHROME, PRO], {"ada"}),
        ({"type": "OR", "values": [CHROME, SAFARI]}, {"ada", "bob"}),
        ({"type": "or", "values": [SAFARI, PRO]}, {"ada", "bob"}),
        (
            {
                "type": "AND",
                "values": [
                    {"type": "OR", "values": [CHROME, leaf("plan", "free", type="person")]},
                    {"type": "AND", "values": [leaf("seats", 10, "lt")]},
                ],
            },
            {"ada"},
        ),
        ({"$browser": "Chrome"}, {"ada"}),
        ({"$browser__icontains": "a", "seats__gte": 12}, {"bob"}),
        (CHROME, {"ada"}),
        ([{"key": "$browser", "values": ["Safari"], "type": "events"}], {"bob"}),
    ],
)
def test_the_events_that_count_are_those_of_which_the_filter_holds(
    api: Api, funnel: str, properties: Any, people: set[str]
) -> None:
    assert names_of(api.post(funnel, {**STEPS, "properties": properties})) == people
    assert names_of(api.get(funnel, {**STEPS, "properties": properties})) == people


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("properties", "people"),
    [
        ([leaf("with", "cash")], {"bob"}),
        ([leaf("with", '{"kind":"card"}')], {"ada"}),
        ([leaf("with", "cash", "is_not")], {"ada"}),
        ({"type": "OR", "values": [leaf("with", "cash"), PRO]}, {"ada", "bob"}),
    ],
)
def test_a_step_has_filters_of_its_own_with_groups_that_stay_groups(
    api: Api, funnel: str, properties: Any, people: set[str]
) -> None:
    steps = [{"id": "seen"}, {"id": "bought", "properties": properties}]
    assert names_of(api.post(funnel, {**STEPS, "events": steps, "funnel_step": 2})) == people


@pytest.mark.usefixtures("shop")
def test_current_properties_of_persons_count_also_for_events_of_the_past(
    api: Api, funnel: str, capture: Capture
) -> None:
    capture(event("$set", "eve", "2024-04-01T10:00:00Z", properties={"$set": {"plan": "pro"}}))
    assert names_of(api.post(funnel, {**STEPS, "properties": [PRO]})) == {"ada", "eve"}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("flag", [True, "true", "1"])
def test_test_accounts_are_left_out_when_that_is_asked_for(
    api: Api, project: Project, funnel: str, flag: Any
) -> None:
    internal = leaf("email", "@example.com", "not_icontains", "person")
    project.test_account_filters = [internal]
    project.save()
    assert names_of(api.post(funnel, {**STEPS, "filter_test_accounts": flag})) == {"bob", "eve"}
    assert names_of(api.post(funnel, {**STEPS, "filter_test_accounts": False})) == {"ada", "bob", "eve"}
    both = {**STEPS, "filter_test_accounts": flag, "properties": [leaf("seats", operator="is_set")]}
    assert names_of(api.post(funnel, both)) == {"bob"}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("search", "people"),
    [
        ("ADA", {"ada"}),
        ("example", {"ada", "bob"}),
        ("%", set()),
        ("e_e", set()),
        ("ve", {"eve"}),
        ("pro", set()),
    ],
)
def test_search_looks_at_email_name_and_distinct_ids_of_the_persons_found(
    api: Api, funnel: str, listing: str, search: str, people: set[str]
) -> None:
    answer = api.get(funnel, {**STEPS, "search": search, "include_total": True})
    assert names_of(answer) == people
    assert answer.json()["total_count"] == len(people)
    listed = api.get(listing, {"search": search, "include_total": True}).json()
    assert {each["distinct_ids"][0] for each in listed["results"]} == people
    assert listed["count"] == len(people)


CARD = {"b": [1, {"d": "é"}], "a": None, "c": True}
BIG = 9007199254740993


@pytest.mark.parametrize(
    ("value", "people"),
    [
        ('{"b":[1,{"d":"é"}],"a":null,"c":true}', {"object"}),
        (' { "c": true,  "a" : null, "b": [1.0, {"d": "\\u00e9"}] }\n', {"object"}),
        (['{"c": true, "b": [1, {"d": "é"}], "a": null}', "x"], {"object"}),
        ('{"c": true, "b": [{"d": "é"}, 1], "a": null}', set()),
        ('{"c": true, "b": [1, {"d": "é"}]}', set()),
        ('{"c": true, "b": [1, {"d": "é"}], "a": null, "e": 1}', set()),
        ('{"c": 1, "b": [1, {"d": "é"}], "a": null}', set()),
        ('{"c": "true", "b": [1, {"d": "é"}], "a": null}', set()),
        ("[ 1, 2 ]", {"list"}),
        ("[2, 1]", set()),
        ("{}", set()),
        ("{not json", set()),
        (BIG, {"big"}),
        (str(BIG), {"big"}),
        (BIG - 1, {"less"}),
        (-BIG, set()),
        (2**64 - 1, {"biggest"}),
        (2**64 - 2, set()),
    ],
)
def test_objects_compare_as_json_and_whole_numbers_exactly(
    api: Api, capture: Capture, funnel: str, value: Any, people: set[str]
) -> None:
    values = {"object": CARD, "list": [1, 2], "big": BIG, "less": BIG - 1, "biggest": 2**64 - 1, "text": "x{"}
    capture(
        *(
            event("seen", name, "2024-03-01T10:00:00Z", properties={"v": each, "$set": {"v": each}})
            for name, each in values.items()
        )
    )
    for kind in ("event", "person"):
        for operator, meant in (("exact", people), ("is_not", {*values} - people)):
            asked = {**STEPS, "properties": [leaf("v", value, operator, kind)]}
            for answer in (api.post(funnel, asked), api.get(funnel, asked)):
                assert names_of(answer) == meant


@pytest.mark.usefixtures("shop")
def test_search_does_not_change_which_events_make_the_funnel(api: Api, funnel: str, capture: Capture) -> None:
    # The second step came with another distinct id.
    capture(
        event("$create_alias", "ada", "2024-03-02T11:00:00Z", properties={"alias": "phone"}),
        event("thanked", "phone", "2024-03-03T10:00:00Z"),
    )
    steps = {**STEPS, "events": [{"id": "seen"}, {"id": "thanked"}], "funnel_step": 2}
    for search in ("ada", "phone"):
        assert names_of(api.post(funnel, {**steps, "search": search})) == {"ada"}


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("query", "people"),
    [
        ({"properties": [PRO]}, ["ada"]),
        ({"properties": [{"key": "plan", "value": ["pro", "free"]}]}, ["bob", "ada"]),
        ({"properties": {"type": "OR", "values": [PRO, leaf("email", "bob", "icontains", "person")]}}, None),
        ({"properties": [leaf("plan", operator="is_not_set", type="person")]}, ["eve"]),
        ({"search": "example", "email": "ada@example.com"}, ["ada"]),
        ({"search": "example", "distinct_id": "bob"}, ["bob"]),
        ({"properties": [PRO], "distinct_id": "bob"}, []),
    ],
)
def test_the_list_takes_the_same_filters_on_persons(
    api: Api, listing: str, query: dict[str, Any], people: list[str] | None
) -> None:
    listed = api.get(listing, query)
    assert listed.status_code == 200, listed.content
    names = [each["distinct_ids"][0] for each in listed.json()["results"]]
    # Created at the same moment: the one that was stored last comes first.
    assert names == (["bob", "ada"] if people is None else people)


def test_filtered_lists_have_pages(api: Api, listing: str, capture: Capture) -> None:
    capture(
        *(event("e", f"u{n}", f"2024-03-0{n}T10:00:00Z", properties={"$set": {"n": n}}) for n in range(1, 6))
    )
    query = {"properties": [leaf("n", 1, "gt", "person")], "limit": 2, "include_total": "true"}
    first = api.get(listing, query).json()
    second = api.get(listing, {**query, "offset": 2}).json()
    names = [each["distinct_ids"] for page in (first, second) for each in page["results"]]
    assert names == [["u5"], ["u4"], ["u3"], ["u2"]]
    assert (first["count"], second["count"]) == (4, 4)
    assert first["next"] is not None
    assert second["next"] is None


REFUSED: list[tuple[Any, str, str, str]] = [
    ("{", "invalid_input", "", "JSON"),
    (5, "invalid_input", "", "JSON object"),
    ([5], "invalid_input", ".0", "JSON object"),
    ([{"value": 1}], "required", ".0.key", ""),
    ([{"key": 5, "value": 1}], "invalid_input", ".0.key", "string"),
    ([{"key": "a"}], "required", ".0.value", "is_set"),
    ([leaf("a", None)], "required", ".0.value", "is_set"),
    ([leaf("a", {"b": 1})], "invalid_input", ".0.value", "list"),
    ([leaf("a", [["b"]])], "invalid_input", ".0.value", "list"),
    ([leaf("a", str([1] * 500))], "invalid_input", ".0.value", "500"),
    ([leaf("a", 1, "equals")], "invalid_input", ".0.operator", "'exact'"),
    ([leaf("a", 1, "is_cleaned_path_exact")], "not_supported", ".0.operator", "is_cleaned_path_exact"),
    ([leaf("a", 1, type="thing")], "invalid_input", ".0.type", "'person'"),
    *(
        ([leaf("a", 1, type=kind)], "not_supported", ".0.type", kind)
        for kind in ("group", "session", "recording", "hogql", "feature", "data_warehouse")
    ),
    ([leaf("a", "a(", "regex")], "invalid_input", ".0.value", "missing"),
    ([leaf("a", ["b", "(?=c)"], "not_regex")], "invalid_input", ".0.value", "RE2"),
    ([leaf("a", 1, "between")], "invalid_input", ".0.value", "two"),
    ([leaf("a", [1], "between")], "invalid_input", ".0.value", "two"),
    ([leaf("a", [1, "x"], "between")], "invalid_input", ".0.value", "two"),
    ([leaf("a", [2, 1], "not_between")], "invalid_input", ".0.value", "greater"),
    ([leaf("a", "yesterday", "is_date_before")], "invalid_input", ".0.value", "-7d"),
    ([leaf("a", 5, "is_date_before")], "invalid_input", ".0.value", "2024-03-15"),
    ([leaf("a", "1.2.x", "semver_gt")], "invalid_input", ".0.value", "1.2.3"),
    ([leaf("a", "1.2.3", "semver_wildcard")], "invalid_input", ".0.value", "1.2.*"),
    ([leaf("person_id", 1, type="event_metadata")], "invalid_input", ".0.key", "timestamp"),
    ([leaf("timestamp", "x", "icontains", "event_metadata")], "invalid_input", ".0.operator", "is_date"),
    ([leaf("timestamp", "x", "gt", "event_metadata")], "invalid_input", ".0.value", "-7d"),
    ([leaf("class", "x", type="element")], "invalid_input", ".0.key", "tag_name"),
    ([leaf("tag_name", "x", "icontains", "element")], "invalid_input", ".0.operator", "is_not"),
    ([leaf("selector", "a:hover", type="element")], "invalid_input", ".0.value", "nth-child"),
    ([leaf("id", 12, type="cohort")], "invalid_input", ".0.value", "12"),
    ([leaf("id", "x", type="cohort")], "invalid_input", ".0.value", "x"),
    ([leaf("id", 12, "gt", type="cohort")], "invalid_input", ".0.operator", "not_in"),
    (
        [{"type": "behavioral", "key": "e", "value": "performed_event"}],
        "invalid_input", ".0.type", "cohort",
    ),
    ({"type": "XOR", "values": []}, "invalid_input", ".type", "'AND' or 'OR'"),
    ({"type": "AND", "values": 5}, "invalid_input", ".values", "list"),
    ({"values": [CHROME]}, "required", ".type", ""),
    ({"type": "AND", "values": [CHROME, {"type": "OR", "values": []}]}, "invalid_input", ".values", "both"),
    ([CHROME, {"type": "OR", "values": [CHROME]}], "invalid_input", "", "both"),
    (
        {"type": "AND", "values": [{"type": "OR", "values": [CHROME, leaf("a", 1, "foo")]}]},
        "invalid_input", ".values.0.values.1.operator", "'exact'",
    ),
    ({"a__regex": "("}, "invalid_input", ".0.value", "RE2"),
    ([CHROME] * 1_001, "invalid_input", "", "1000"),
]  # fmt: skip


@pytest.mark.parametrize(("properties", "refusal"), [(sent, refusal) for sent, *refusal in REFUSED])
def test_a_filter_that_cannot_be_understood_is_refused_by_name_wherever_it_stands(
    api: Api, funnel: str, properties: Any, refusal: tuple[str, str, str]
) -> None:
    code, below, told = refusal
    steps = [{"id": "seen"}, {"id": "bought", "properties": properties}]
    for sent, attr in (
        ({"properties": properties}, "properties"),
        ({"events": steps}, "events.1.properties"),
    ):
        answer = api.post(funnel, {**STEPS, **sent})
        assert error_of(answer) == (400, code, attr + below), answer.content
        assert told in answer.json()["detail"]


@pytest.mark.parametrize(
    ("properties", "attr"),
    [
        ([leaf("$browser", "Chrome")], "properties.0.type"),
        ([leaf("event", "seen", type="event_metadata")], "properties.0.type"),
        ([leaf("text", "Buy", type="element")], "properties.0.type"),
        ([leaf("plan", 1, "equals", "person")], "properties.0.operator"),
        ("[", "properties"),
    ],
)
def test_the_list_refuses_filters_on_events(api: Api, listing: str, properties: Any, attr: str) -> None:
    assert error_of(api.get(listing, {"properties": properties})) == (400, "invalid_input", attr)


def test_groups_nest_very_deep_and_no_deeper(api: Api, funnel: str) -> None:
    def nested(levels: int) -> dict[str, Any]:
        group: dict[str, Any] = {"type": "OR", "values": [CHROME, SAFARI]}
        for level in range(levels - 1):
            beside = {"type": "AND", "values": [CHROME, PRO]}
            group = {"type": "AND" if level % 2 else "OR", "values": [group, beside]}
        return group

    assert api.post(funnel, {**STEPS, "properties": nested(100)}).status_code == 200
    answer = api.post(funnel, {**STEPS, "properties": nested(101)})
    assert error_of(answer) == (400, "invalid_input", "properties")


def test_a_thousand_filters_are_answered(api: Api, funnel: str) -> None:
    many = {"type": "OR", "values": [leaf(f"k{n}", f"v{n}", "icontains") for n in range(1_000)]}
    assert names_of(api.post(funnel, {**STEPS, "properties": many})) == set()


HOSTILE = [
    "'", '"', "`", "\\", "\\'", "'; DROP TABLE events; --", "--", "/*", "{x:String}", "{", "}}", "%s", "$1",
    "\n", "\t", "é", "😀", "a.b", "a%2Eb", "", " ", "x" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: repr(text[:20]))
def test_keys_and_values_may_be_anything(
    api: Api, capture: Capture, funnel: str, listing: str, hostile: str
) -> None:
    both = {hostile: hostile}
    capture(event("seen", "u", "2024-03-01T10:00:00Z", properties={**both, "$set": both}))
    for operator in ("exact", "in", "icontains", "gte", "lte"):
        asked = [leaf(hostile, hostile, operator), leaf(hostile, hostile, operator, "person")]
        assert names_of(api.post(funnel, {**STEPS, "properties": asked})) == {"u"}
    listed = api.get(listing, {"properties": [leaf(hostile, [hostile, "other"], type="person")]})
    assert [each["distinct_ids"] for each in listed.json()["results"]] == [["u"]]
    assert actors_of(api.post(funnel, {**STEPS, "properties": [leaf(hostile, "other")]}).json()) == []


@pytest.mark.parametrize("nul", [leaf("a\x00", 1), leaf("a", "\x00"), leaf("a", ["b", "\x00"])])
def test_nul_characters_are_refused(api: Api, funnel: str, nul: dict[str, Any]) -> None:
    answer = api.post(funnel, {**STEPS, "properties": [nul]})
    status, code, attr = error_of(answer)
    assert (status, code, str(attr).startswith("properties.0")) == (400, "invalid_input", True)
    assert error_of(api.get(funnel, {**STEPS, "properties": [nul]}))[0] == 400
