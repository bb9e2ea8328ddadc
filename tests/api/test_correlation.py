"""Who of a funnel did what on the way (spec/posthog-behaviour.md 8)."""

from typing import Any

import pytest

from persons.models import Project
from tests.api.helpers import Capture, actors_of, event, local, names_of
from tests.api_client import Api

FUNNEL: dict[str, Any] = {
    "events": [{"id": "sign up"}, {"id": "paid"}],
    "date_from": "2024-03-01",
    "date_to": "2024-03-31",
}
WATCHED = {"funnel_correlation_person_entity": {"id": "watched", "type": "events"}}


@pytest.fixture
def path(project: Project) -> str:
    return f"/api/projects/{project.pk}/persons/funnel/correlation/"


@pytest.fixture
def story(capture: Capture) -> None:
    """`before` watched on the way to paying, `after` only afterwards, `never` did not; `not` and `late` did
    not pay, and `late` watched when the window was over."""

    def at(day: int, hour: int = 10) -> str:
        return f"2024-03-{day:02}T{hour:02}:00:00Z"

    plans = {"before": "pro", "after": "free", "never": "pro", "not": "pro", "late": "free"}
    capture(
        *(
            event("sign up", name, at(1), properties={"$set": {"plan": plan}, "$session_id": f"s-{name}"})
            for name, plan in plans.items()
        ),
        event("watched", "before", at(2), properties={"film": "a", "$session_id": "s1", "$window_id": "w1"}),
        event("watched", "before", at(2, 11), properties={"film": "b", "$session_id": "s1"}),
        event("watched", "after", at(4)),
        event("watched", "not", at(2), properties={"film": "a"}),
        event("watched", "late", at(20), properties={"film": "a"}),
        *(event("paid", name, at(3)) for name in ("before", "after", "never")),
    )


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    ("asked", "people"),
    [
        (WATCHED, {"before", "not"}),
        ({**WATCHED, "funnel_correlation_person_converted": True}, {"before"}),
        ({**WATCHED, "funnel_correlation_person_converted": "true"}, {"before"}),
        ({**WATCHED, "funnel_correlation_person_converted": "false"}, {"not"}),
        ({**WATCHED, "funnel_correlation_person_converted": False}, {"not"}),
        ({**WATCHED, "funnel_correlation_person_converted": ""}, {"before", "not"}),
        ({**WATCHED, "search": "bef"}, {"before"}),
        ({**WATCHED, "funnel_window_interval": 30}, {"before", "not", "late"}),
        ({**WATCHED, "funnel_order_type": "unordered"}, {"before", "not"}),
        (
            {
                "funnel_correlation_type": "event_with_properties",
                "funnel_correlation_person_entity": {
                    "id": "watched",
                    "type": "events",
                    "properties": [{"key": "film", "value": "b"}],
                },
            },
            {"before"},
        ),
        ({"funnel_correlation_person_entity": {"id": "paid", "type": "events"}}, set()),
        ({"funnel_correlation_person_entity": {"id": None, "type": "events"}}, {"before", "not"}),
    ],
)
def test_events_on_the_way_are_those_between_entering_and_converting_or_the_end_of_the_window(
    api: Api, path: str, asked: dict[str, Any], people: set[str]
) -> None:
    assert names_of(api.post(path, {**FUNNEL, **asked})) == people
    assert names_of(api.get(path, {**FUNNEL, **asked})) == people


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    ("converted", "people"),
    [(None, {"before", "never", "not"}), (True, {"before", "never"}), (False, {"not"})],
)
def test_properties_narrow_the_funnel(api: Api, path: str, converted: bool | None, people: set[str]) -> None:
    asked = {
        **FUNNEL,
        "funnel_correlation_type": "properties",
        "funnel_correlation_property_values": [{"key": "plan", "value": "pro", "type": "person"}],
        "funnel_correlation_person_converted": converted,
    }
    assert names_of(api.post(path, asked)) == people


@pytest.mark.usefixtures("story")
def test_it_has_a_page_of_its_own(api: Api, path: str) -> None:
    asked = {**FUNNEL, **WATCHED, "funnel_correlation_person_limit": 1, "include_total": True}
    first = api.get(path, {**asked, "limit": 5, "offset": 7}).json()
    assert first["total_count"] == 2
    assert "funnel_correlation_person_offset=1" in first["next"]
    second = api.get(local(first["next"])).json()
    assert second["next"] is None
    assert local(second["initial"]).endswith("funnel_correlation_person_offset=0")
    found = [actor["distinct_ids"][0] for page in (first, second) for actor in actors_of(page)]
    assert set(found) == {"before", "not"}


SPOILT = {"id": "watched", "type": "events", "funnel_from_step": 0, "funnel_to_step": 1}
THREE = [{"id": "sign up"}, {"id": None}, {"id": "paid"}]


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    ("asked", "people"),
    [
        # Paying is the second step of `after`, who has no third one, so watching comes on the way to it.
        ({"events": THREE}, {"before", "not", "after"}),
        ({"events": THREE, "funnel_order_type": "strict"}, {"before", "not", "after"}),
        ({"funnel_order_type": "strict", "funnel_correlation_person_converted": True}, set()),
        ({"exclusions": [SPOILT]}, set()),
    ],
)
def test_orders_and_exclusions_are_those_of_the_funnel(
    api: Api, path: str, asked: dict[str, Any], people: set[str]
) -> None:
    assert names_of(api.post(path, {**FUNNEL, **WATCHED, **asked})) == people


@pytest.mark.usefixtures("story")
def test_recordings_are_those_of_what_was_done(api: Api, path: str) -> None:
    (actor,) = actors_of(
        api.post(
            path,
            {**FUNNEL, **WATCHED, "include_recordings": True, "funnel_correlation_person_converted": True},
        ).json()
    )
    (recording,) = actor["matched_recordings"]
    assert recording["session_id"] == "s1"
    assert [each["window_id"] for each in recording["events"]] == ["w1", None]
    assert [each["timestamp"] for each in recording["events"]] == [
        "2024-03-02T10:00:00Z",
        "2024-03-02T11:00:00Z",
    ]


@pytest.mark.usefixtures("story")
def test_recordings_of_a_funnel_are_those_of_the_step_that_was_reached(api: Api, project: Project) -> None:
    path = f"/api/projects/{project.pk}/persons/funnel/"
    asked = {**FUNNEL, "funnel_step": -2, "include_recordings": "true"}
    found = {actor["name"]: actor["matched_recordings"] for actor in actors_of(api.get(path, asked).json())}
    assert {name: [each["session_id"] for each in found[name]] for name in found} == {
        "not": ["s-not"],
        "late": ["s-late"],
    }
    silent = actors_of(api.get(path, {**asked, "include_recordings": "false"}).json())
    assert [actor["matched_recordings"] for actor in silent] == [[], []]


def test_steps_of_an_unordered_funnel_may_share_events(api: Api, path: str, capture: Capture) -> None:
    for name, watched in {"between": 2, "afterwards": 4}.items():
        for day in (1, 3):
            capture(event("sign up", name, f"2024-03-0{day}T10:00:00Z"))
        capture(event("watched", name, f"2024-03-0{watched}T10:00:00Z"))
    steps = [{"id": "sign up"}, {"id": "sign up"}]
    params = {**FUNNEL, **WATCHED, "events": steps, "funnel_order_type": "unordered"}
    assert names_of(api.post(path, params)) == {"between"}


def test_the_way_is_that_of_the_first_attempt_of_those_that_got_equally_far(
    api: Api, path: str, capture: Capture
) -> None:
    for name, days in {"early": (1, 3, 20), "late": (1, 20, 22)}.items():
        first, second, third = (f"2024-03-{day:02}T10:00:00Z" for day in days)
        watched, signed_up = (second, third) if name == "early" else (third, second)
        capture(
            event("sign up", name, first), event("sign up", name, signed_up), event("watched", name, watched)
        )
    assert names_of(api.get(path, {**FUNNEL, **WATCHED})) == {"early"}
