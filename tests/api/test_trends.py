"""`GET|POST persons/trends/` and `persons/stickiness/`: who did something, and how much."""

import csv
import io
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from persons.api.parameters.door import HARMLESS
from persons.models import Person, Project
from tests.api.helpers import Capture, actors_of, api_with, event, pages
from tests.api.trends import ASKED, FIRST_V, MAY, SERIES, STICKY, V, values_of, viewed
from tests.api_client import Api


@pytest.fixture
def story(capture: Capture) -> None:
    """`two` views twice, `one` once, `other` does W three times."""
    capture(
        viewed("one", 2, browser="Chrome", amount=10),
        viewed("two", 2, browser="Safari", amount=1),
        viewed("two", 3, browser="Chrome", amount=2.5),
        *(viewed("other", day, 10, "W", amount=day) for day in (2, 3, 4)),
    )


@pytest.mark.usefixtures("story")
def test_people_come_by_how_much_they_did(api: Api, trends: str) -> None:
    for answer in (api.get(trends, ASKED), api.post(trends, ASKED), api.get(trends.rstrip("/"), ASKED)):
        assert list(values_of(answer).items()) == [("two", 2), ("one", 1)]


def test_the_answer_has_everything_that_clients_look_for(
    api: Api, capture: Capture, project: Project, trends: str
) -> None:
    capture(viewed("u1", **{"$set": {"email": "u1@example.com"}}))
    found = api.get(trends, {**ASKED, "include_total": "true"}).json()
    (actor,) = actors_of(found)
    assert actor == {
        "id": str(Person.objects.get(project=project).uuid),
        "uuid": actor["id"],
        "type": "person",
        "name": "u1@example.com",
        "distinct_ids": ["u1"],
        "properties": {"email": "u1@example.com"},
        "created_at": "2021-05-02T10:00:00Z",
        "is_identified": False,
        "last_seen_at": "2021-05-02T10:00:00Z",
        "matched_recordings": [],
        "value_at_data_point": 1,
    }
    assert {name: found[name] for name in ("next", "missing_persons", "is_cached", "total_count")} == {
        "next": None,
        "missing_persons": 0,
        "is_cached": False,
        "total_count": 1,
    }
    assert found["resolved_date_range"] == {
        "date_from": "2021-05-01T00:00:00Z",
        "date_to": "2021-05-31T23:59:59.999999Z",
        "timezone": "UTC",
    }


@pytest.fixture
def crowd(capture: Capture) -> dict[str, int]:
    """Seven persons, most of whom did it as often as others."""
    often = {f"u{number}": 1 + number % 3 for number in range(7)}
    capture(*(viewed(who, day) for who, times in often.items() for day in range(1, times + 1)))
    return often


@pytest.mark.parametrize("limit", [1, 2, 7, 10])
def test_following_next_gives_everybody_once_the_most_active_first(
    api: Api, trends: str, crowd: dict[str, int], limit: int
) -> None:
    query = "?entity_id=V&type=events&date_from=2021-05-01&date_to=2021-05-31"
    for found in (
        list(pages(api.get, f"{trends}{query}&limit={limit}")),
        list(pages(lambda url: api.post(url, {**ASKED, "limit": limit}), trends)),
    ):
        assert all(page["results"][0]["count"] == limit for page in found[:-1])
        people = list(itertools.chain.from_iterable(map(actors_of, found)))
        order = [(-each["value_at_data_point"], each["uuid"]) for each in people]
        assert order == sorted(order)
        assert {each["name"]: each["value_at_data_point"] for each in people} == crowd
        assert len(people) == len(crowd)


def test_the_total_counts_all_pages(api: Api, trends: str, crowd: dict[str, int]) -> None:
    answer = api.post(trends, {**ASKED, "limit": 2, "include_total": True}).json()
    assert (answer["total_count"], answer["results"][0]["count"]) == (len(crowd), 2)


def test_a_person_that_is_gone_meanwhile_is_missing(
    api: Api, project: Project, trends: str, crowd: dict[str, int]
) -> None:
    Person.objects.filter(project=project, mappings__distinct_id="u2").get().delete()
    answer = api.post(trends, ASKED).json()
    assert (answer["missing_persons"], answer["results"][0]["count"]) == (1, len(crowd) - 1)


@pytest.mark.usefixtures("story")
def test_the_key_needs_to_read_persons_of_the_project(
    api: Api, project: Project, trends: str, sticky: str
) -> None:
    for address, asked in ((trends, ASKED), (sticky, STICKY)):
        assert api_with(api, ["person:read"]).post(address, asked).status_code == 200
        assert api_with(api, ["cohort:read"]).post(address, asked).status_code == 403
        elsewhere = address.replace(str(project.pk), str(project.pk + 1))
        assert api.post(elsewhere, asked).status_code == 404


# Which entity.


@pytest.mark.parametrize(
    ("asked", "values"),
    [
        ({"entity_id": "V", "entity_type": "events"}, {"one": 1, "two": 1}),
        ({"entityId": "V", "type": "events"}, {"one": 1, "two": 1}),
        ({"entity_id": "W", "entityId": "V", "entity_type": "actions", "type": "events"},
         {"one": 1, "two": 1}),
        ({"entity_id": "V", "entity_type": "events", "entity_math": "total"}, {"one": 1, "two": 1}),
        ({"entity_id": "V", "entity_type": "events", "entity_math": "sum"}, {"one": 10, "two": 3.5}),
        ({"entity_id": "V", "entity_type": "events", "entity_math": "dau"}, {"two": 2, "one": 1}),
        ({"entity_id": "V", "entity_type": "events", "entity_order": 2}, {"one": 10, "two": 3.5}),
        ({"entity_id": "V", "entity_type": "events", "entity_order": "0"}, {"other": 3}),
        ({"entity_id": "V", "entity_type": "events", "entity_order": 3}, {"one": 1, "two": 1}),
        ({"entity_order": 0}, {"other": 3}),
        ({"entity_type": "events"}, {"other": 3, "two": 2, "one": 1}),
        ({"entity_id": "", "entity_type": "events"}, {"other": 3, "two": 2, "one": 1}),
        ({"entity_id": "X", "entity_type": "events"}, {}),
        ({"entity_id": "V"}, {"one": 1, "two": 1}),
        ({"entity_id": "V", "entity_type": ""}, {"one": 1, "two": 1}),
        ({"entity_id": "V", "entity_math": "sum"}, {"one": 10, "two": 3.5}),
        ({"entity_id": "W"}, {"other": 3}),
        # No series has this math, so the event by itself counts.
        ({"entity_id": "V", "entity_math": "dau"}, {"two": 2, "one": 1}),
        ({**V, "events": []}, {"two": 2, "one": 1}),
        ({**V, "events": [], "entity_order": 0}, {"two": 2, "one": 1}),
        ({**V, "events": [{"id": "W", "math": "hogql"}, FIRST_V]}, {"one": 1, "two": 1}),
        ({"entity_type": "events", "events": [{"id": None, "properties": [{"key": "amount", "value": 10}]}]},
         {"one": 1}),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("story")
def test_the_entity_is_the_one_at_the_place_else_of_the_id_and_math_else_by_itself(
    api: Api, trends: str, asked: dict[str, Any], values: dict[str, float]
) -> None:
    for answer in (api.get(trends, {**SERIES, **asked}), api.post(trends, {**SERIES, **asked})):
        assert values_of(answer) == values


@pytest.mark.usefixtures("story")
def test_ids_of_actions_compare_as_numbers(api: Api, project: Project, trends: str) -> None:
    steps = [{"event": "V"}, {"event": "W"}]
    action = api.post(f"/api/projects/{project.pk}/actions/", {"name": "either", "steps": steps}).json()["id"]
    late = {"id": action, "properties": [{"key": "amount", "operator": "gt", "value": 2}]}
    for sent in (action, str(action), f"0{action}"):
        asked = {**MAY, "entity_id": sent, "entity_type": "actions"}
        assert values_of(api.post(trends, asked)) == {"other": 3, "two": 2, "one": 1}
        for own in (action, str(action)):
            asked["actions"] = [{**late, "id": own}]
            assert values_of(api.post(trends, asked)) == {"other": 2, "one": 1, "two": 1}
            without_type = {name: value for name, value in asked.items() if name != "entity_type"}
            assert values_of(api.post(trends, without_type)) == {"other": 2, "one": 1, "two": 1}


@pytest.mark.parametrize(
    ("math", "values"),
    [
        *((math, {"two": 2, "one": 1}) for math in ("total", "dau", "weekly_active", "monthly_active")),
        ("first_time_for_user", {"one": 1, "two": 1}),
        ("unique_session", {"one": 0, "two": 0}),
        ("p90_count_per_actor", {"two": 2, "one": 1}),
        ("sum", {"one": 10.0, "two": 3.5}),
        ("avg", {"one": 10.0, "two": 1.75}),
        ("min", {"one": 10.0, "two": 1.0}),
        ("max", {"one": 10.0, "two": 2.5}),
        ("median", {"one": 10.0, "two": 1.75}),
        ("p75", {"one": 10.0, "two": 2.125}),
        ("p90", {"one": 10.0, "two": 2.35}),
        ("p95", {"one": 10.0, "two": 2.425}),
        ("p99", {"one": 10.0, "two": 2.485}),
    ],
)
@pytest.mark.usefixtures("story")
def test_the_math_says_what_the_number_is(api: Api, trends: str, math: str, values: dict[str, float]) -> None:
    entity = {"id": "V", "math": math, "math_property": "amount"}
    asked = {**V, "date_from": "2021-05-01", "date_to": "2021-05-04", "entity_math": math, "events": [entity]}
    assert values_of(api.post(trends, asked)) == {who: pytest.approx(value) for who, value in values.items()}


def test_sessions_are_counted_once(api: Api, capture: Capture, trends: str) -> None:
    sessions = ["s1", "s1", "s2", "", None]
    capture(*(viewed("u", day, **{"$session_id": each}) for day, each in enumerate(sessions, start=1)))
    asked = {**ASKED, "entity_math": "unique_session"}
    assert values_of(api.post(trends, asked)) == {"u": 2}


def test_without_a_number_there_is_no_value_and_it_comes_last(
    api: Api, capture: Capture, trends: str
) -> None:
    capture(viewed("no", amount="none"), viewed("debt", amount=-5), viewed("text", amount="7"))
    asked = {**ASKED, "entity_order": 0, "events": [{"id": "V", "math": "sum", "math_property": "amount"}]}
    assert list(values_of(api.post(trends, asked)).items()) == [("text", 7), ("debt", -5), ("no", None)]


def test_a_first_time_is_the_first_of_all_events_of_that_name(
    api: Api, capture: Capture, trends: str
) -> None:
    capture(
        viewed("before", 1), viewed("before", 10),
        viewed("new", 10, browser="Chrome"), viewed("new", 11),
        viewed("filtered", 10), viewed("filtered", 11, browser="Chrome"),
    )  # fmt: skip
    chrome = [{"key": "browser", "value": "Chrome"}]
    first = {"id": "V", "math": "first_time_for_user"}
    asked = {"entity_order": 0, "date_from": "2021-05-05", "date_to": "2021-05-31", "events": [first]}
    assert values_of(api.post(trends, asked)) == {"new": 1, "filtered": 1}
    assert values_of(api.post(trends, {**asked, "events": [{**first, "properties": chrome}]})) == {"new": 1}


# Which events, and which persons.


@pytest.mark.usefixtures("story")
def test_filters_say_which_events_count_and_search_whom_is_looked_for(
    api: Api, project: Project, trends: str
) -> None:
    chrome = {"properties": [{"key": "browser", "value": "Chrome"}]}
    assert values_of(api.get(trends, {**ASKED, **chrome})) == {"one": 1, "two": 1}
    assert values_of(api.get(trends, {**ASKED, "search": "TW"})) == {"two": 2}
    project.test_account_filters = [{"key": "browser", "operator": "is_not", "value": "Safari"}]
    project.save()
    assert values_of(api.get(trends, {**ASKED, "filter_test_accounts": True})) == {"one": 1, "two": 1}


# Which part of time.


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ({**MAY}, ("2021-05-01T04:00", "2021-06-01T03:59:59.999999")),
        ({"date_from": "2021-05-03", "interval": "day"}, ("2021-05-03T04:00", "2021-05-04T03:59:59.999999")),
        ({"date_from": "2021-05-03T10:30:00", "interval": "hour"},
         ("2021-05-03T14:30", "2021-05-03T15:29:59.999999")),
        ({"date_from": "2021-05-03T10:30:00", "interval": "day"},
         ("2021-05-03T14:30", "2021-05-04T03:59:59.999999")),
        ({"date_from": "2021-05-04", "interval": "week"}, ("2021-05-04T04:00", "2021-05-11T03:59:59.999999")),
        ({"date_from": "2021-05-01", "interval": "month"},
         ("2021-05-01T04:00", "2021-06-01T03:59:59.999999")),
        ({"date_from": "2021-01-31", "interval": "month"},
         ("2021-01-31T05:00", "2021-02-28T04:59:59.999999")),
        # Clocks go forward: a week that is an hour short, and an hour that is not there.
        ({"date_from": "2021-03-08", "interval": "week"}, ("2021-03-08T05:00", "2021-03-15T03:59:59.999999")),
        ({"date_from": "2021-03-14T01:00:00", "interval": "hour"},
         ("2021-03-14T06:00", "2021-03-14T06:59:59.999999")),
        ({"date_from": "2021-05-03", "date_to": "2021-05-05", "interval": "week"},
         ("2021-05-03T04:00", "2021-05-06T03:59:59.999999")),
        ({**MAY, "entity_math": "weekly_active"}, ("2021-05-25T04:00", "2021-06-01T03:59:59.999999")),
        ({**MAY, "entity_math": "monthly_active"}, ("2021-05-02T04:00", "2021-06-01T03:59:59.999999")),
        ({"date_from": "2021-05-03", "interval": "day", "entity_math": "weekly_active"},
         ("2021-04-27T04:00", "2021-05-04T03:59:59.999999")),
        ({"date_from": "2021-03-20", "date_to": "2021-03-20", "entity_math": "weekly_active"},
         ("2021-03-14T05:00", "2021-03-21T03:59:59.999999")),
        ({"date_from": "2021-05-20T10:00:00", "date_to": "2021-05-21T10:00:00", "explicit_date": True,
          "entity_math": "weekly_active"}, ("2021-05-20T14:00", "2021-05-21T14:00")),
        ({"date_from": "2021-05-01T10:00:00", "date_to": "2021-05-21T10:00:00", "explicit_date": True,
          "entity_math": "weekly_active"}, ("2021-05-15T04:00", "2021-05-21T14:00")),
    ],
)  # fmt: skip
def test_the_range_is_the_whole_or_a_point_or_the_days_of_those_who_are_active(
    api: Api, project: Project, trends: str, asked: dict[str, Any], meant: tuple[str, str]
) -> None:
    project.timezone = "America/New_York"
    project.save()
    found = api.post(trends, {**V, **asked}).json()["resolved_date_range"]
    moments = [datetime.fromisoformat(found[name]) for name in ("date_from", "date_to")]
    assert moments == [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in meant]


def test_a_relative_start_means_the_range_until_now(api: Api, capture: Capture, trends: str) -> None:
    now = datetime.now(UTC)
    for days in (0, 1, 6, 40):
        capture(event("V", f"{days} days ago", (now - timedelta(days=days)).isoformat()))
    for date_from in ("-7d", " -7d ", "7d", "-1w"):
        for interval in ("day", "hour", "week"):
            asked = {**V, "date_from": date_from, "interval": interval}
            people = values_of(api.post(trends, asked))
            assert (asked, set(people)) == (asked, {"0 days ago", "1 days ago", "6 days ago"})
    assert len(values_of(api.post(trends, {**V, "date_from": "-3mStart", "interval": "month"}))) == 4
    empty_interval = {**V, "date_from": "2021-05-03", "interval": ""}
    assert len(values_of(api.get(trends, empty_interval))) == 4


def test_without_dates_it_is_the_last_days_and_all_is_no_point(
    api: Api, capture: Capture, trends: str
) -> None:
    capture(viewed("long ago"))
    now = datetime.now(UTC)
    capture(
        event("V", "today", now.isoformat()), event("V", "last week", (now - timedelta(days=7)).isoformat())
    )
    assert values_of(api.post(trends, V)) == {"today": 1, "last week": 1}
    assert len(values_of(api.post(trends, {**V, "date_from": " all", "interval": "day"}))) == 3


def test_only_the_events_of_the_point_count(api: Api, capture: Capture, trends: str) -> None:
    moments = ["2021-05-02T23:59:59.999999Z", "2021-05-03T00:00:00Z", "2021-05-03T23:59:59.999999Z",
               "2021-05-04T00:00:00Z"]  # fmt: skip
    capture(*(event("V", who, at) for who, at in zip("abcd", moments, strict=True)))
    asked = {**V, "date_from": "2021-05-03", "interval": "day"}
    assert values_of(api.get(trends, asked)) == {"b": 1, "c": 1}


# Stickiness.


def test_the_sticky_did_it_in_exactly_so_many_intervals(api: Api, capture: Capture, sticky: str) -> None:
    days = {"once": [3], "twice": [3, 3, 12], "thrice": [3, 4, 12], "daily": [10, 11, 12, 13]}
    capture(
        *(viewed(who, day, 8 + place) for who, told in days.items() for place, day in enumerate(told)),
        viewed("once", 20, 10, "W"),
    )
    for interval, expected in (
        ("day", {1: {"once"}, 2: {"twice"}, 3: {"thrice"}, 4: {"daily"}, 5: set()}),
        # 9 May is a Sunday.
        ("week", {1: {"once", "daily"}, 2: {"twice", "thrice"}, 3: set()}),
        ("month", {1: {"once", "twice", "thrice", "daily"}, 2: set()}),
        ("hour", {1: {"once"}, 2: set(), 3: {"twice", "thrice"}, 4: {"daily"}}),
    ):
        for number, people in expected.items():
            asked = {**ASKED, "interval": interval, "stickiness_days": number}
            for answer in (api.get(sticky, asked), api.post(sticky, asked)):
                assert (interval, values_of(answer)) == (interval, dict.fromkeys(people, number))
    assert values_of(api.get(sticky, {**STICKY, "search": "ON"})) == {"once": 1}
    assert api.get(sticky, {**STICKY, "include_total": True}).json()["total_count"] == 1


def test_weeks_and_days_are_those_of_the_project(
    api: Api, capture: Capture, project: Project, sticky: str
) -> None:
    # In Berlin 9 May 2021, a Sunday, and the day after it.
    capture(event("V", "u", "2021-05-09T21:30:00Z"), event("V", "u", "2021-05-09T22:30:00Z"))
    for timezone, week_start_day, interval, number in (
        ("UTC", 0, "day", 1),
        ("Europe/Berlin", 0, "day", 2),
        ("Europe/Berlin", 0, "week", 1),
        ("Europe/Berlin", 1, "week", 2),
        ("UTC", 1, "week", 1),
    ):
        project.timezone, project.week_start_day = timezone, week_start_day
        project.save()
        asked = {**ASKED, "interval": interval, "stickiness_days": number}
        assert values_of(api.post(sticky, asked)) == {"u": number}


# As a file, and with recordings.


@pytest.mark.usefixtures("story")
def test_a_file_has_everybody_and_their_numbers(api: Api, trends: str, sticky: str) -> None:
    series = {"entity_order": 0, "events": [{"id": "V", "math": "sum", "math_property": "amount"}], **MAY}
    for answer, expected in (
        (api.get(trends, {**ASKED, "format": "csv"}), [("two", "2"), ("one", "1")]),
        (api.get(trends.rstrip("/") + ".csv", {**ASKED, "limit": "1"}), [("two", "2")]),
        (api.post(trends, {**series, "format": "csv"}), [("one", "10.0"), ("two", "3.5")]),
        (api.get(sticky.rstrip("/") + ".csv", {**ASKED, "stickiness_days": "2"}), [("two", "2")]),
    ):
        assert answer.status_code == 200, answer.content
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode(), newline="")))
        assert [(row["name"], row["value_at_data_point"]) for row in rows] == expected


def test_recordings_are_those_of_the_events_that_count(api: Api, capture: Capture, trends: str) -> None:
    start = datetime(2021, 5, 2, tzinfo=UTC)
    capture(
        *(
            event("V", "u", (start + timedelta(minutes=number)).isoformat(), properties={"$session_id": "s1"})
            for number in range(120)
        ),
        viewed("u", 3, **{"$session_id": "s2", "browser": "Chrome"}),
        viewed("u", 1, 10, "W", **{"$session_id": "s3"}),
    )
    (actor,) = actors_of(api.get(trends, {**ASKED, "include_recordings": "true"}).json())
    (recording,) = actor["matched_recordings"]
    assert (recording["session_id"], len(recording["events"])) == ("s1", 100)
    by = {"breakdown": "browser", "breakdown_value": "Chrome", "include_recordings": True}
    (actor,) = actors_of(api.post(trends, {**ASKED, **by}).json())
    assert [each["session_id"] for each in actor["matched_recordings"]] == ["s2"]
    assert actors_of(api.post(trends, ASKED).json())[0]["matched_recordings"] == []


# What makes no difference.


@pytest.mark.usefixtures("story")
def test_what_cannot_change_the_people_is_accepted_without_a_word(api: Api, trends: str) -> None:
    series = {"id": "V", "name": "V", "math": "total", "math_property": None, "math_multiplier": None}
    for neutral in (
        dict.fromkeys(HARMLESS - {"personal_api_key"}, "anything"),
        {"display": "ActionsLineGraphCumulative", "events": [series], "new_entity": [], "sampling_factor": 1},
        {"actions": "", "breakdown": "", "breakdown_type": "", "breakdown_histogram_bin_count": ""},
    ):
        answer = api.post(trends, {**ASKED, **neutral})
        assert values_of(answer) == {"two": 2, "one": 1}
        assert "X-Ignored-Parameters" not in answer.headers
    assert api.get(trends, {**ASKED, "entity_properties": "x"}).headers["X-Ignored-Parameters"]
