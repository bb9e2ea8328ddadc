"""`GET|POST persons/funnel/`: who got how far, asked in every way it can be asked."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from persons.api.parameters.door import HARMLESS
from persons.installation import owner
from persons.models import Person, Project
from tests.api.funnels import MARCH, STEPS, WHOLE, A, B
from tests.api.helpers import Capture, event, local, names_of, project_of
from tests.api_client import Api, error_of


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
