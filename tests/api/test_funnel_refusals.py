"""What a funnel refuses: parameters that do not go together, with PostHog's words where it has some."""

from typing import Any

import pytest

from persons.models import Action, Cohort, Project
from tests.api_client import Api, error_of

A, B, C, D = ({"id": name} for name in "abcd")
WHOLE: dict[str, Any] = {"events": [A, B, C], "funnel_step": 1, "date_from": "2024-03-01"}
TRENDS = {**WHOLE, "funnel_viz_type": "trends", "entrance_period_start": "2024-03-10"}
UNORDERED = {**WHOLE, "funnel_order_type": "unordered"}
BY_STEP = {**WHOLE, "breakdown": "x", "breakdown_attribution_type": "step"}
BY_COHORT = {**WHOLE, "breakdown_type": "cohort"}
WRONG = {"key": "a", "value": 1, "operator": "equals"}
NO_BUCKET = "Actors parameter `funnelTrendsEntrancePeriodStart` must be provided funnel trends persons!"
PART_OF_STEPS = "Exclusion steps cannot contain an event that's part of funnel steps."
PARTIAL = "Partial Exclusions not allowed in unordered funnels"
RANGE = "Exclusion event range is invalid. "


@pytest.fixture
def path(project: Project) -> str:
    return f"/api/projects/{project.pk}/persons/funnel/"


def excluded(event: dict[str, Any], first: Any = 0, last: Any = 1, **fields: Any) -> dict[str, Any]:
    return {"type": "events", **event, "funnel_from_step": first, "funnel_to_step": last, **fields}


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in excluded(D).items() if name != key}


def excluding(*sent: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**WHOLE, "exclusions": list(sent), **fields}


REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    (
        {**WHOLE, "funnel_from_step": 2},
        "invalid_input", "funnel_from_step", "funnelFromStep is out of bounds. It must be between 0 and 1.",
    ),
    (
        {**WHOLE, "funnel_to_step": 3},
        "invalid_input", "funnel_to_step", "funnelToStep is out of bounds. It must be between 1 and 2.",
    ),
    (
        {**WHOLE, "funnel_from_step": 1, "funnel_to_step": 1},
        "invalid_input",
        "funnel_to_step",
        "Funnel step range is invalid. funnelToStep should be greater than funnelFromStep.",
    ),
    ({**WHOLE, "funnel_custom_steps": [1, 4]}, "invalid_input", "funnel_custom_steps.1", "between 1 and 3"),
    # Nobody could be found, and an empty answer would pass for one.
    ({**WHOLE, "date_to": "2024-02-29"}, "invalid_input", "date_from", "2024-03-01T00:00:00+00:00"),
    ({"events": [A, B], "funnel_step": 1, "date_to": "2024-02-29"}, "invalid_input", "date_to", "7 days ago"),
    ({**WHOLE, "date_from": "-7d", "date_to": "-14d"}, "invalid_input", "date_from", "would end"),
    # Exclusions.
    (excluding(excluded(D), without("type")), "required", "exclusions.1.type", ""),
    (excluding(excluded(D, type="groups")), "invalid_input", "exclusions.0.type", "events or actions"),
    (excluding(excluded(D, type=None)), "invalid_input", "exclusions.0.type", "events or actions"),
    (excluding(excluded(D, type=["events"])), "invalid_input", "exclusions.0.type", "events or actions"),
    (excluding(without("id")), "required", "exclusions.0.id", ""),
    (excluding(without("funnel_from_step")), "required", "exclusions.0.funnel_from_step", ""),
    (excluding(without("funnel_to_step")), "required", "exclusions.0.funnel_to_step", ""),
    (excluding(excluded(D, -1)), "invalid_input", "exclusions.0.funnel_from_step", "0"),
    (excluding(excluded(D, "x")), "invalid_input", "exclusions.0.funnel_from_step", "whole number"),
    (excluding(excluded(D, 0, 1.5)), "invalid_input", "exclusions.0.funnel_to_step", ""),
    (
        excluding(excluded(D, 1, 1)),
        "invalid_input", "exclusions.0.funnel_to_step", RANGE + "End of range should be greater than start.",
    ),
    (
        excluding(excluded(D, 2, 3)),
        "invalid_input",
        "exclusions.0.funnel_from_step",
        RANGE + "Start of range is greater than number of steps.",
    ),
    (
        excluding(excluded(D), excluded(D, 1, 3)),
        "invalid_input",
        "exclusions.1.funnel_to_step",
        RANGE + "End of range is greater than number of steps.",
    ),
    (excluding(excluded(D, properties=[WRONG])), "invalid_input", "exclusions.0.properties.0.operator", ""),
    (
        excluding(excluded(D, math="first_time_for_user")),
        "not_supported", "exclusions.0.math", "first_time_for_user",
    ),
    *(
        (excluding(excluded(event, first, last)), "invalid_input", "exclusions.0", PART_OF_STEPS)
        for event, first, last in ((A, 0, 1), (B, 0, 1), (B, 1, 2), (C, 0, 2), ({"id": None}, 0, 1))
    ),
    (
        excluding(
            excluded(A, properties=[{"key": "x", "value": 1}]),
            events=[{**A, "properties": [{"key": "x", "value": 1}]}, B],
        ),
        "invalid_input", "exclusions.0", PART_OF_STEPS,
    ),
    (
        excluding(excluded(A), events=[{**A, "properties": [{"key": "x", "value": 1}]}, B]),
        "invalid_input", "exclusions.0", PART_OF_STEPS,
    ),
    (
        excluding(excluded(A), events=[{**A, "math": "first_time_for_user"}, B]),
        "invalid_input", "exclusions.0", PART_OF_STEPS,
    ),
    ({**UNORDERED, "exclusions": [excluded(D, 0, 1)]}, "invalid_input", "exclusions.0", PARTIAL),
    ({**UNORDERED, "exclusions": [excluded(D, 1, 2)]}, "invalid_input", "exclusions.0", PARTIAL),
    *(
        (excluding(excluded(D, **{name: value})), "not_supported", f"exclusions.0.{name}", name)
        for name, value in (("funnelFromStep", 1), ("funnelToStep", 1), ("optionalInFunnel", True))
    ),
    # Trends.
    ({**TRENDS, "entrance_period_start": ""}, "required", "entrance_period_start", NO_BUCKET),
    ({**WHOLE, "display": "ActionsLineGraph"}, "required", "entrance_period_start", NO_BUCKET),
    (
        {**TRENDS, "entrance_period_start": "yesterday"},
        "invalid_input", "entrance_period_start", "2024-03-15T18:20:00",
    ),
    ({**TRENDS, "entrance_period_start": "9999-12-31"}, "invalid_input", "entrance_period_start", "2299"),
    (
        {**TRENDS, "funnel_order_type": "unordered"},
        "not_supported", "funnel_order_type", "trends",
    ),
    ({**TRENDS, "funnel_to_step": 3}, "invalid_input", "funnel_to_step", "between 1 and 2"),
    (
        {**TRENDS, "drop_off": True, "exclusions": [excluded(D)]},
        "not_supported", "exclusions", "drop_off",
    ),
    (
        {**TRENDS, "funnel_to_step": 1, "breakdown": "x", "breakdown_attribution_type": "step",
         "breakdown_attribution_value": 2},
        "invalid_input", "breakdown_attribution_value", "between 0 and 1",
    ),
    # Breakdowns.
    (BY_STEP, "required", "breakdown_attribution_value", "which one"),
    ({**WHOLE, "breakdown_attribution_type": "step"}, "required", "breakdown_attribution_value", ""),
    (
        {**BY_STEP, "breakdown_attribution_value": 3},
        "invalid_input", "breakdown_attribution_value", "between 0 and 2",
    ),
    (
        {**BY_STEP, "breakdown_attribution_value": -1},
        "invalid_input", "breakdown_attribution_value", "between 0 and 2",
    ),
    (
        {**WHOLE, "breakdowns": [{"property": "a"}, {"property": "b"}]},
        "invalid_input", "breakdowns", "exactly one",
    ),
    ({**WHOLE, "breakdowns": [{"type": "event"}]}, "required", "breakdowns.0.property", ""),
    ({**WHOLE, "breakdown": ["a", "b"]}, "not_supported", "breakdown", "More than one"),
    (
        {**WHOLE, "breakdowns": [{"property": ["a", "b"], "type": "person"}]},
        "not_supported", "breakdowns.0.property", "More than one",
    ),
    *(
        ({**WHOLE, "breakdown": "x", "breakdown_type": kind}, "not_supported", "breakdown_type", kind)
        for kind in ("group", "session", "hogql", "event_metadata", "data_warehouse")
    ),
    (
        {**WHOLE, "breakdowns": [{"property": "x", "type": "group"}]},
        "not_supported", "breakdowns.0.type", "person",
    ),
    *(
        (
            {**WHOLE, "breakdowns": [{"property": "x", name: value}]},
            "not_supported", f"breakdowns.0.{name}", "",
        )
        for name, value in (("normalize_url", True), ("histogram_bin_count", 5), ("group_type_index", 0))
    ),
    (
        {**WHOLE, "breakdown": "x", "funnel_step_breakdown": "$$_posthog_breakdown_other_$$"},
        "invalid_input", "funnel_step_breakdown", "Other",
    ),
    (
        {**WHOLE, "breakdown": "x", "funnel_step_breakdown": ["a", ["$$_posthog_breakdown_other_$$"]]},
        "invalid_input", "funnel_step_breakdown", "Other",
    ),
    (
        {**WHOLE, "breakdown": "x", "funnel_step_breakdown": [{"a": 1}]},
        "invalid_input", "funnel_step_breakdown", "list",
    ),
    (
        {**WHOLE, "breakdown": "x", "funnel_step_breakdown": ["a" * 100_001]},
        "invalid_input", "funnel_step_breakdown", "100000",
    ),
    (
        {**WHOLE, "breakdown": "x", "funnel_step_breakdown": list(range(10_001))},
        "invalid_input", "funnel_step_breakdown", "10000",
    ),
    ({**WHOLE, "funnel_step_breakdown": "Chrome"}, "invalid_input", "funnel_step_breakdown", "breakdown"),
    ({**BY_COHORT, "breakdown": 12}, "invalid_input", "breakdown", "Cohort ID '12' does not exist"),
    ({**BY_COHORT, "breakdown": ["all", "x"]}, "invalid_input", "breakdown", "Cohort ID 'x' does not exist"),
    (
        {**WHOLE, "breakdowns": [{"property": 12, "type": "cohort"}]},
        "invalid_input", "breakdowns.0.property", "12",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "refusal"), [(sent, refusal) for sent, *refusal in REFUSED])
def test_what_does_not_go_together_is_refused_by_name(
    api: Api, path: str, sent: dict[str, Any], refusal: tuple[str, str, str]
) -> None:
    code, attr, told = refusal
    for answer in (api.post(path, sent), api.get(path, sent)):
        assert error_of(answer) == (400, code, attr), answer.content
        assert told in answer.json()["detail"]


def test_the_values_of_cohorts_are_those_of_the_breakdown(api: Api, path: str, project: Project) -> None:
    one, two = (Cohort.objects.create(project=project, name=name, is_static=True).pk for name in "ab")
    by = {**BY_COHORT, "breakdown": [one]}
    values: list[Any] = [two, [one, two], "x", [""], "1.5", "all", [one, "all"]]
    for value in values:
        answer = api.post(path, {**by, "funnel_step_breakdown": value})
        assert error_of(answer) == (400, "invalid_input", "funnel_step_breakdown")
        assert answer.json()["detail"].endswith(f": {one}.")
        answer = api.post(path, {**by, "breakdown": ["all", one], "funnel_step_breakdown": two})
        assert answer.json()["detail"].endswith(f": all, {one}.")


def test_the_cohorts_of_another_project_do_not_exist(api: Api, path: str) -> None:
    other = Cohort.objects.create(project=Project.objects.create(name="other"), name="x", is_static=True)
    answer = api.post(path, {**BY_COHORT, "breakdown": [other.pk], "funnel_step_breakdown": other.pk})
    assert error_of(answer) == (400, "invalid_input", "breakdown")


def test_actions_are_excluded_by_the_same_rules(api: Api, path: str, project: Project) -> None:
    def action(*steps: dict[str, Any]) -> dict[str, Any]:
        made = Action.objects.create(project=project, name="x", steps=list(steps))
        return {**excluded({}, type="actions"), "id": made.pk}

    for spoiler in (action({"event": "a"}), action({"event": "d"}, {"event": "b"}), action({"event": None})):
        answer = api.post(path, excluding(spoiler))
        assert error_of(answer) == (400, "invalid_input", "exclusions.0")
        assert answer.json()["detail"] == PART_OF_STEPS
    for wrong in ("x", None, 10**18, 12):
        answer = api.post(path, excluding({**excluded({}, type="actions"), "id": wrong}))
        assert error_of(answer) == (400, "invalid_input", "exclusions.0.id")


def test_the_first_time_of_an_action_is_answered_for_names_of_events_only(
    api: Api, path: str, project: Project
) -> None:
    steps = [{"event": "a"}, {"event": "b", "url": "x"}]
    made = Action.objects.create(project=project, name="x", steps=steps)
    first = {"id": made.pk, "math": "first_time_for_user"}
    answer = api.post(path, {**WHOLE, "actions": [first]})
    assert error_of(answer) == (400, "not_supported", "actions.0.math")


def test_what_nothing_reads_of_an_exclusion_or_a_breakdown_is_reported(api: Api, path: str) -> None:
    sent = excluding(excluded(D, name="D", foo=1), breakdowns=[{"property": "x", "bar": 1}])
    answer = api.post(path, {**sent, "breakdown_foo": 1})
    assert answer.headers["X-Ignored-Parameters"] == "breakdown_foo, breakdowns.0.bar, exclusions.0.foo"


def test_a_range_from_the_first_event_on_may_be_empty(api: Api, path: str) -> None:
    """Which event that is, is not for whoever asks to know."""
    answer = api.get(path, {**WHOLE, "date_from": "all", "date_to": "2024-02-29"})
    assert (answer.status_code, answer.json()["results"]) == (200, [{"people": [], "count": 0}])
