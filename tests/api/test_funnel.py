"""`GET|POST persons/funnel/`: who got how far, asked in every way it can be asked."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from persons.api.parameters.door import HARMLESS
from persons.api.parameters.funnel import FunnelParameters
from persons.installation import owner
from persons.models import Person, Project
from tests.api.helpers import Capture, actors_of, event, local, names_of, pages, project_of
from tests.api_client import Api, error_of

A, B, C = {"id": "a"}, {"id": "b"}, {"id": "c"}
MARCH = {"date_from": "2024-03-01", "date_to": "2024-03-31"}
STEPS: dict[str, Any] = {"events": [A, B, C], **MARCH}
# Complete, so that a parameter that is overlooked shows as a 200.
WHOLE: dict[str, Any] = {**STEPS, "funnel_step": 1}
# The last seven days, which are meant without `date_from`, are a range only with an end of today.
WITHOUT_END = {name: value for name, value in WHOLE.items() if name != "date_to"}


@pytest.fixture
def path(project: Project) -> str:
    return f"/api/projects/{project.pk}/persons/funnel/"


@pytest.fixture
def story(capture: Capture) -> None:
    """`all` goes a, b, c; `two` goes a, b; `one` does a; `backwards` b, then a; `none` only c."""
    days = {"all": "abc", "two": "ab", "one": "a", "backwards": "ba", "none": "c"}
    capture(
        *(
            event(name, person, f"2024-03-{day:02}T10:00:00Z")
            for person, names in days.items()
            for day, name in enumerate(names, start=1)
        )
    )


@pytest.mark.parametrize(
    ("step", "people"),
    [
        (1, {"all", "two", "one", "backwards"}),
        (2, {"all", "two"}),
        (3, {"all"}),
        (-2, {"one", "backwards"}),
        (-3, {"two"}),
    ],
)
@pytest.mark.usefixtures("story")
def test_a_step_asks_for_those_who_reached_it_or_were_lost_before_it(
    api: Api, path: str, step: int, people: set[str]
) -> None:
    asked = {**STEPS, "funnel_step": step}
    assert names_of(api.get(path, asked)) == people
    assert names_of(api.post(path, asked)) == people


def test_the_answer_has_everything_that_clients_look_for(
    api: Api, capture: Capture, project: Project, path: str
) -> None:
    capture(
        event("a", "u1", "2024-03-01T10:00:00Z", properties={"$set": {"email": "u1@example.com"}}),
        event("b", "u1", "2024-03-01T11:00:00Z"),
    )
    before = datetime.now(UTC)
    answer = api.get(path, {**WHOLE, "include_total": "true"})
    found = answer.json()
    assert answer.headers["Content-Type"] == "application/json"
    assert before - timedelta(seconds=1) < datetime.fromisoformat(found.pop("last_refresh"))
    stored = Person.objects.get(project=project)
    assert found == {
        "results": [
            {
                "people": [
                    {
                        "id": str(stored.uuid),
                        "uuid": str(stored.uuid),
                        "type": "person",
                        "name": "u1@example.com",
                        "distinct_ids": ["u1"],
                        "properties": {"email": "u1@example.com"},
                        "created_at": "2024-03-01T10:00:00Z",
                        "is_identified": False,
                        "last_seen_at": "2024-03-01T11:00:00Z",
                        "matched_recordings": [],
                        "value_at_data_point": None,
                    }
                ],
                "count": 1,
            }
        ],
        "next": None,
        "initial": found["initial"],
        "missing_persons": 0,
        "is_cached": False,
        "resolved_date_range": {
            "date_from": "2024-03-01T00:00:00Z",
            "date_to": "2024-03-31T23:59:59.999999Z",
            "timezone": "UTC",
        },
        "total_count": 1,
    }
    assert local(found["initial"]).startswith(path + "?events=%5B")


def test_nobody_is_an_empty_list(api: Api, path: str) -> None:
    found = api.get(path, {**WHOLE, "include_total": "1"}).json()
    assert (found["results"], found["next"]) == ([{"people": [], "count": 0}], None)
    assert (found["missing_persons"], found["total_count"]) == (0, 0)


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
    [(True, True), ("true", True), ("1", True), ("yes", True), (False, False), ("0", False), ("", False)],
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


@pytest.mark.usefixtures("story")
def test_the_events_of_other_projects_do_not_count(api: Api, project: Project) -> None:
    other = project_of(owner())
    assert names_of(api.post(f"/api/projects/{other.pk}/persons/funnel/", WHOLE)) == set()
    api.capture(other, [event("b", "one", "2024-03-02T10:00:00Z")])
    assert names_of(api.post(f"/api/projects/{project.pk}/persons/funnel/", {**WHOLE, "funnel_step": 2})) == {
        "all",
        "two",
    }


@pytest.mark.usefixtures("story")
def test_the_body_wins_over_the_query_string(api: Api, path: str) -> None:
    query = "?funnel_step=1&date_from=2024-03-31&events=[]"
    assert names_of(api.post(path + query, {**STEPS, "funnel_step": 3})) == {"all"}
    assert names_of(api.send("GET", path + query, {**STEPS, "funnel_step": 3})) == {"all"}
    assert names_of(api.post(path + "?funnel_step=3", STEPS)) == {"all"}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.usefixtures("story")
def test_events_can_be_json_text(api: Api, path: str, method: str) -> None:
    query = f"?events={json.dumps([A, B])}&funnel_step=2&date_from=2024-03-01&date_to=2024-03-31"
    assert names_of(api.send(method, path + query)) == {"all", "two"}
    assert names_of(api.send(method, path, {**STEPS, "events": json.dumps([A, B]), "funnel_step": "2"})) == {
        "all",
        "two",
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.usefixtures("story")
def test_of_repeated_json_the_last_counts(api: Api, path: str, method: str) -> None:
    asked = "&".join(f"events={json.dumps(events)}" for events in ([A, B], [B, A]))
    query = f"?{asked}&funnel_step=1&funnel_step=2&date_from=2024-03-01&date_to=2024-03-31"
    assert names_of(api.send(method, path + query)) == {"backwards"}


def test_events_can_be_repeated_plain_names(api: Api, capture: Capture, path: str) -> None:
    names = ["[beta] open", "paid, twice", "é & ü", "12", "null", '"quoted"']
    capture(
        *(event(name, "u1", f"2024-03-{day:02}") for day, name in enumerate(names, start=1)),
        event("paid, twice", "u2", "2024-03-01"),
    )
    query: dict[str, Any] = {"events": [*names, ""], "funnel_step": len(names), **MARCH}
    answer = api.client.get(path, query, headers={"Authorization": f"Bearer {api.key}"})
    assert names_of(answer) == {"u1"}
    # A POST has a body for them.
    assert error_of(api.post(f"{path}?events=a&events=b&funnel_step=1")) == (400, "invalid_input", "events")


@pytest.mark.parametrize(
    ("events", "people"),
    [
        ([A, B], {"all", "two"}),
        ([B, A], {"backwards"}),
        ([{**B, "order": 1}, {**A, "order": 0}], {"all", "two"}),
        ([{**B, "order": "1"}, {**A, "order": "-1"}], {"all", "two"}),
        ([{**B, "order": 0}, {**A, "order": 0}], {"backwards"}),
        ([{**B, "order": 2}, A], {"all", "two"}),
        ([{**B, "order": None}, A], {"backwards"}),
        ([{**A, "type": "events", "name": "x", "custom_name": "y", "math": "total"}, B], {"all", "two"}),
        ([{"id": None}, B], {"all", "two"}),
        ([A, {"id": None}], {"all", "two"}),
    ],
)
@pytest.mark.usefixtures("story")
def test_steps_are_taken_in_their_order_else_as_they_stand(
    api: Api, path: str, events: list[dict[str, Any]], people: set[str]
) -> None:
    assert names_of(api.post(path, {**STEPS, "events": events, "funnel_step": 2})) == people


@pytest.mark.parametrize(
    ("window", "longest"),
    [
        ({}, "14d"),
        ({"funnel_window_interval": 0}, "14d"),
        ({"funnel_window_interval": None}, "14d"),
        ({"funnel_window_interval": 15}, "15d"),
        ({"funnel_window_interval": 45, "funnel_window_interval_unit": "second"}, "30s"),
        ({"funnel_window_interval": 1, "funnel_window_interval_unit": "minute"}, "30s"),
        ({"funnel_window_interval": 1, "funnel_window_interval_unit": "HOUR"}, "30m"),
        ({"funnel_window_interval": "1", "funnel_window_interval_unit": "day"}, "20h"),
        ({"funnel_window_interval": 1, "funnel_window_interval_unit": "week"}, "5d"),
        ({"funnel_window_interval": 1, "funnel_window_interval_unit": "month"}, "31d"),
        ({"funnel_window_days": 1}, "20h"),
        ({"funnel_window_days": "15"}, "15d"),
        ({"funnel_window_days": 0}, "14d"),
        ({"funnel_window_days": 15, "funnel_window_interval_unit": "second"}, "15d"),
        ({"funnel_window_days": 40, "funnel_window_interval": 1}, "20h"),
        ({"funnel_window_days": 40, "funnel_window_interval": 0}, "14d"),
        ({"funnel_window_days": 1, "funnel_window_interval": None}, "20h"),
    ],
)
def test_the_window_is_how_long_a_conversion_may_take(
    api: Api, capture: Capture, path: str, window: dict[str, Any], longest: str
) -> None:
    start = datetime(2024, 3, 1, tzinfo=UTC)
    length = {
        "s": timedelta(seconds=1),
        "m": timedelta(minutes=1),
        "h": timedelta(hours=1),
        "d": timedelta(days=1),
    }
    gaps = ["30s", "30m", "20h", "5d", "14d", "15d", "31d", "32d"]
    capture(
        *(event("a", gap, start.isoformat()) for gap in gaps),
        *(event("b", gap, (start + int(gap[:-1]) * length[gap[-1]]).isoformat()) for gap in gaps),
    )
    asked = {"events": [A, B], "funnel_step": 2, "date_from": "2024-03-01", "date_to": "2024-05-01", **window}
    assert names_of(api.post(path, asked)) == set(gaps[: gaps.index(longest) + 1])


@pytest.mark.parametrize(
    ("dates", "meant", "people"),
    [
        (
            MARCH,
            ("2024-03-01T05:00:00Z", "2024-04-01T03:59:59.999999Z"),
            {"all", "two", "one", "backwards"},
        ),
        (
            {"date_from": "2024-03-02", "date_to": "2024-03-03"},
            ("2024-03-02T05:00:00Z", "2024-03-04T04:59:59.999999Z"),
            {"backwards"},
        ),
        (
            {
                "date_from": "2024-03-01T05:00:00",
                "date_to": "2024-03-01T11:00:00+01:00",
                "explicit_date": True,
            },
            ("2024-03-01T10:00:00Z", "2024-03-01T10:00:00Z"),
            {"all", "two", "one"},
        ),
        (
            {"date_from": "all", "date_to": "2024-03-01T23:00:00", "interval": "hour"},
            ("2024-03-01T10:00:00Z", "2024-03-02T04:00:00Z"),
            {"all", "two", "one"},
        ),
    ],
)
@pytest.mark.usefixtures("story")
def test_the_dates_are_the_projects_and_the_answer_says_what_they_meant(
    api: Api, path: str, dates: dict[str, Any], meant: tuple[str, str], people: set[str]
) -> None:
    Project.objects.update(timezone="America/New_York")
    answer = api.post(path, {"events": [A, B], "funnel_step": 1, **dates})
    assert names_of(answer) == people
    assert answer.json()["resolved_date_range"] == {
        "date_from": meant[0],
        "date_to": meant[1],
        "timezone": "America/New_York",
    }


@pytest.mark.parametrize(
    "empty", [{}, {"date_from": "", "date_to": ""}, {"date_from": None, "date_to": None}]
)
@pytest.mark.usefixtures("story")
def test_without_dates_the_last_seven_days_are_meant(api: Api, path: str, empty: dict[str, Any]) -> None:
    answer = api.post(path, {"events": [A, B], "funnel_step": 1, **empty})
    assert names_of(answer) == set()
    found = answer.json()
    meant = {
        name: datetime.fromisoformat(found["resolved_date_range"][name]) for name in ("date_from", "date_to")
    }
    today = datetime.fromisoformat(found["last_refresh"]).replace(hour=0, minute=0, second=0, microsecond=0)
    assert meant["date_from"] == today - timedelta(days=7)
    assert meant["date_to"] == today + timedelta(days=1, microseconds=-1)


NO_NAMES: list[Any] = [None, True, 1.5, {}, ["a", None]]
FIRST: list[Any] = [{}, {"id": ""}, {"id": 5}, {"id": ["a"]}, {"id": "x" * 401}]
INVALID: dict[str, list[Any]] = {
    "events": [None, [], [A], [A] * 21, 5, "5", "text", "", {}, {"0": A}, '{"id": "a"}', "[", True],
    "events.0": [[[], B], [None, B], ["a", "b"], [5, B], '["a", "b"]'],
    "events.0.id": [[first, B] for first in FIRST],
    "events.1.order": [[A, {**B, "order": order}] for order in ("x", "", 1.5, True, [1])],
    "events.1.type": [[A, {**B, "type": kind}] for kind in ("actions", "", None, 5)],
    "events.1.math": [[A, {**B, "math": math}] for math in ("nonsense", 5, ["total"])],
    "funnel_step": [0, -1, 4, -4, 1e30, "", "x", "1.5", 1.5, True, [1], {}, "1 2", "--1", "\u22122"],
    "funnel_order_type": ["nonsense", "", 5, "Ordered"],
    "funnel_viz_type": ["nonsense", "", ["steps"]],
    "funnel_window_interval": [-1, "", "x", 1.5, True, [], 10**12, 146_401, 1e30],
    "funnel_window_interval_unit": ["year", "", "days", 5, ["day"]],
    "funnel_window_days": [-1, "", "x", 1.5, True, [14], 146_401, 1e30],
    "funnel_custom_steps": [5, "text", "[", {}, True],
    "funnel_custom_steps.1": [[1, step] for step in (0, 4, -1, "x", 1.5, None, True)],
    "funnel_from_step": [-1, 2, "x", 1.5, True, []],
    "funnel_to_step": [0, 3, -1, "x", 1.5, True, {}],
    "exclusions": [5, "text", "[", {}, True],
    "exclusions.0": [[5], ["d"], [None], '["d"]'],
    "breakdown": [True, 1.5, {}, [None], [["a"]], ["a"] * 201, "a" * 10_001],
    "breakdown_type": ["nonsense", 5, "Event"],
    "breakdowns": [5, "text", "[", {}, True, [{"property": "a"}, {"property": "b"}]],
    "breakdowns.0": [["a"], [None], [5]],
    "breakdowns.0.property": [[{"property": name}] for name in NO_NAMES],
    "breakdowns.0.type": [[{"property": "a", "type": kind}] for kind in ("nonsense", 5)],
    "breakdown_attribution_type": ["nonsense", 5, "First_touch"],
    "breakdown_attribution_value": ["x", 1.5, True, []],
    "funnel_step_breakdown": ["Chrome", 5, ["a"], "$$_posthog_breakdown_other_$$", {}, [{}], "a" * 100_001],
    "entrance_period_start": [5, [], {}, True],
    "drop_off": ["maybe", 2, []],
    "include_recordings": ["maybe", 2, [], {}],
    "date_from": ["yesterday", "2024-13-01", "2024-02-30", "-7", "7", 5, [], "-7d; DROP", "0001-01-01"],
    "date_to": ["all", "tomorrow", "2024-03-01T25:00:00", True, {}, "9999-12-31", "-99999999999d"],
    "explicit_date": ["maybe", 2, [], {}],
    "interval": ["year", "", 5, "DAY"],
    "limit": [0, -1, 10_001, "", "x", 1.5, "1.5", True, [], 1e30],
    "offset": [-1, "", "x", 1.5, True, {}, 2**62 + 1],
    "include_total": ["maybe", 2, []],
    "format": ["xml", "", 5],
}


@pytest.mark.parametrize(
    "attr", [attr for attr in INVALID if attr not in ("events", "funnel_step") and "." not in attr]
)
def test_a_null_in_the_body_is_a_parameter_that_was_not_given(api: Api, path: str, attr: str) -> None:
    assert api.post(path, {**WITHOUT_END, attr: None}).status_code == 200


@pytest.mark.parametrize("attr", INVALID)
def test_what_makes_no_sense_is_refused_by_name(api: Api, path: str, attr: str) -> None:
    for value in INVALID[attr]:
        answer = api.post(path, {**WHOLE, attr.partition(".")[0]: value})
        code = "required" if value == [{}, B] else "invalid_input"
        assert (value, *error_of(answer)) == (value, 400, code, attr)
        assert answer.json()["type"] == "validation_error"


EMPTY_IS_ABSENT = {
    "date_from", "date_to", "explicit_date", "include_total", "include_recordings", "drop_off",
    "entrance_period_start", "exclusions", "funnel_custom_steps", "funnel_from_step", "funnel_to_step",
    "funnel_step_breakdown", "breakdown", "breakdowns", "breakdown_type", "breakdown_attribution_type",
    "breakdown_attribution_value",
}  # fmt: skip


@pytest.mark.parametrize("name", [attr for attr in INVALID if "." not in attr])
def test_an_empty_value_in_the_query_string_is_not_a_value(api: Api, path: str, name: str) -> None:
    answer = api.get(path, {**WITHOUT_END, name: ""})
    if name in EMPTY_IS_ABSENT:
        assert answer.status_code == 200
    else:
        assert error_of(answer) == (400, "invalid_input", name)


def test_the_step_is_required(api: Api, path: str) -> None:
    for answer in (
        api.post(path, STEPS),
        api.get(path, STEPS),
        api.post(path, {**STEPS, "funnel_step": None}),
    ):
        assert error_of(answer) == (400, "required", "funnel_step")
        assert "between 1 and 3" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"events": [A]}, "at least two steps"),
        ({"interval": "year"}, "'hour', 'day', 'week' or 'month'"),
        ({"funnel_step": -1}, "between -2 and -3"),
        ({"funnel_window_interval": 10**9}, "146400 days"),
        ({"funnel_window_days": 10**9}, "146400 days"),
        ({"date_from": "yesterday"}, "-7d"),
        ({"limit": 10_001}, "10000"),
        ({"events": ["a", "b"]}, "JSON object"),
    ],
)
def test_a_refusal_says_what_is_allowed(api: Api, path: str, wrong: dict[str, Any], allowed: str) -> None:
    assert allowed in api.post(path, {**WHOLE, **wrong}).json()["detail"]


UNSUPPORTED: dict[str, Any] = {
    "data_warehouse": [{"id": "t"}],
    "breakdown_value": "Chrome",
    "breakdown_group_type_index": 0,
    "breakdown_normalize_url": True,
    "breakdown_histogram_bin_count": 10,
    "aggregation_group_type_index": 0,
    "funnel_aggregate_by_hogql": "properties.$session_id",
    "sampling_factor": 0.1,
}


def test_the_table_above_names_every_parameter_that_is_not_built_yet() -> None:
    assert {parameter.name for parameter in FunnelParameters.unsupported} == set(UNSUPPORTED)


@pytest.mark.parametrize(("name", "value"), UNSUPPORTED.items())
def test_a_parameter_that_is_not_built_yet_is_refused_by_name(
    api: Api, path: str, name: str, value: Any
) -> None:
    for answer in (
        api.post(path, {**WHOLE, name: value}),
        api.get(path, {**WHOLE, name: value}),
        api.post(f"{path}?{name}={value if isinstance(value, str) else json.dumps(value)}", WHOLE),
    ):
        assert error_of(answer) == (400, "not_supported", name)
        assert name in answer.json()["detail"]


@pytest.mark.parametrize(
    ("step", "attr"),
    [
        ({**A, "math": "first_time_for_user_with_filters"}, "events.0.math"),
        ({**A, "math": "first_matching_event_for_user"}, "events.0.math"),
    ],
)
def test_what_is_not_built_yet_of_a_step_is_refused_by_name(
    api: Api, path: str, step: dict[str, Any], attr: str
) -> None:
    assert error_of(api.post(path, {**WHOLE, "events": [step, B]})) == (400, "not_supported", attr)


NEUTRAL: list[dict[str, Any]] = [
    {"actions": None, "exclusions": "", "breakdown": [], "properties": []},
    {"actions": "", "exclusions": [], "breakdown": None, "properties": None},
    {"actions": [], "exclusions": None, "breakdown": "", "properties": ""},
    {"properties": {}},
    {"properties": "[]"},
    {"properties": "{}"},
    {"filter_test_accounts": False},
    {"filter_test_accounts": "false"},
    {"search": ""},
    {"sampling_factor": None},
    {"sampling_factor": 1},
    {"include_recordings": "false"},
    {"funnel_aggregate_by_hogql": "person_id"},
    {"display": "FunnelViz"},
    {"funnel_order_type": "ordered"},
    {"funnel_viz_type": "steps"},
    {"funnel_viz_type": "time_to_convert"},
    {"format": "json"},
    dict.fromkeys(HARMLESS - {"personal_api_key"}, "anything"),
    {"events": [{**A, "properties": [], "math": None}, {**B, "properties": {}}]},
    {"events": [{**A, "math": "dau"}, {**B, "math": "sum", "math_property": "n", "index": 1}]},
]


@pytest.mark.usefixtures("story")
def test_what_cannot_change_the_people_is_accepted_without_a_word(api: Api, path: str) -> None:
    for neutral in NEUTRAL:
        answer = api.post(path, {**STEPS, "funnel_step": 2, **neutral})
        assert (neutral, names_of(answer)) == (neutral, {"all", "two"})
        assert "X-Ignored-Parameters" not in answer.headers


def test_values_that_only_look_neutral_are_refused(api: Api, path: str) -> None:
    for name, value in (("breakdown_group_type_index", 0), ("sampling_factor", True)):
        assert error_of(api.post(path, {**WHOLE, name: value})) == (400, "not_supported", name)


@pytest.mark.parametrize(
    ("query", "sent", "reported"),
    [
        ("", {}, None),
        ("?date_fro=x", {"Funnel_step": 2}, "Funnel_step, date_fro"),
        ("?funnel_step=2&funnel_step=1", {}, None),
        (
            "",
            {"events": [{**A, "propertys": [1], "name": "A"}, {**B, "id2": None}]},
            "events.0.propertys, events.1.id2",
        ),
        ("?%C3%A9%0D%0AX-Evil:%201=1", {"a,b": 1}, "a%2Cb, %C3%A9%0D%0AX-Evil%3A 1"),
        ("", {"x" * 300: 1}, "x" * 100),
        (
            "",
            {f"p{number:03}": 1 for number in range(60)},
            ", ".join(f"p{number:03}" for number in range(50)),
        ),
    ],
)
def test_what_nothing_reads_is_reported(
    api: Api, path: str, query: str, sent: dict[str, Any], reported: str | None
) -> None:
    answer = api.post(path + query, {**WHOLE, **sent})
    assert answer.status_code == 200
    assert answer.headers.get("X-Ignored-Parameters") == reported
