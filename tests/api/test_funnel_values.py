"""What the parameters of a funnel may be, one by one."""

import json
from typing import Any

import pytest

from persons.api.parameters.funnel import FunnelParameters
from persons.models import Project
from tests.api.funnels import STEPS, WHOLE, A, B
from tests.api_client import Api, error_of

# The last seven days, which are meant without `date_from`, are a range only with an end of today.
WITHOUT_END = {name: value for name, value in WHOLE.items() if name != "date_to"}


@pytest.fixture
def path(project: Project) -> str:
    return f"/api/projects/{project.pk}/persons/funnel/"


NO_NAMES: list[Any] = [None, True, 1.5, {}, ["a", None]]
FIRST: list[Any] = [{}, {"id": ""}, {"id": 5}, {"id": ["a"]}, {"id": "x" * 401}]
INVALID: dict[str, list[Any]] = {
    "events": [None, [], [A], [A] * 21, 5, "5", "text", "", {}, {"0": A}, '{"id": "a"}', "[", True],
    "events.0": [[[], B], [None, B], ["a", "b"], [5, B], '["a", "b"]'],
    "events.0.id": [[first, B] for first in FIRST],
    "events.1.order": [[A, {**B, "order": order}] for order in ("x", 1.5, True, [1])],
    "events.1.type": [[A, {**B, "type": kind}] for kind in ("actions", 5)],
    "events.1.math": [[A, {**B, "math": math}] for math in ("nonsense", 5, ["total"])],
    "funnel_step": [0, -1, 4, -4, 1e30, "x", "1.5", 1.5, True, [1], {}, "1 2", "--1", "\u22122"],
    "funnel_order_type": ["nonsense", 5],
    "funnel_viz_type": ["nonsense", ["steps"]],
    "funnel_window_interval": [-1, "x", 1.5, True, [], 10**12, 146_401, 1e30],
    "funnel_window_interval_unit": ["year", "days", 5, ["day"]],
    "funnel_window_days": [-1, "x", 1.5, True, [14], 146_401, 1e30],
    "funnel_custom_steps": [5, "text", "[", {}, True],
    "funnel_custom_steps.1": [[1, step] for step in (0, 4, -1, "x", 1.5, None, True)],
    "funnel_from_step": [-1, 2, "x", 1.5, True, []],
    "funnel_to_step": [0, 3, -1, "x", 1.5, True, {}],
    "exclusions": [5, "text", "[", {}, True],
    "exclusions.0": [[5], ["d"], [None], '["d"]'],
    "breakdown": [True, 1.5, {}, [None], [["a"]], ["a"] * 201, "a" * 10_001],
    "breakdown_type": ["nonsense", 5],
    "breakdowns": [5, "text", "[", {}, True, [{"property": "a"}, {"property": "b"}]],
    "breakdowns.0": [["a"], [None], [5]],
    "breakdowns.0.property": [[{"property": name}] for name in NO_NAMES],
    "breakdowns.0.type": [[{"property": "a", "type": kind}] for kind in ("nonsense", 5)],
    "breakdown_attribution_type": ["nonsense", 5],
    "breakdown_attribution_value": ["x", 1.5, True, []],
    "funnel_step_breakdown": ["Chrome", 5, ["a"], "$$_posthog_breakdown_other_$$", {}, [{}], "a" * 100_001],
    "entrance_period_start": [5, [], {}, True],
    "drop_off": ["maybe", 2, []],
    "include_recordings": ["maybe", 2, [], {}],
    "date_from": ["yesterday", "2024-13-01", "2024-02-30", "-7", "7", 5, [], "-7d; DROP", "0001-01-01"],
    "date_to": ["all", "tomorrow", "2024-03-01T25:00:00", True, {}, "9999-12-31", "-99999999999d"],
    "explicit_date": ["maybe", 2, [], {}],
    "interval": ["year", 5],
    "limit": [0, -1, 10_001, "x", 1.5, "1.5", True, [], 1e30],
    "offset": [-1, "x", 1.5, True, {}, 2**62 + 1],
    "include_total": ["maybe", 2, []],
    "format": ["xml", 5],
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
        code = "required" if value in ([{}, B], [{"id": ""}, B]) else "invalid_input"
        assert (value, *error_of(answer)) == (value, 400, code, attr)
        assert answer.json()["type"] == "validation_error"


REQUIRED = {"events": "invalid_input", "funnel_step": "required"}


@pytest.mark.parametrize("name", [attr for attr in INVALID if "." not in attr])
def test_an_empty_value_in_the_query_string_is_absent(api: Api, path: str, name: str) -> None:
    answer = api.get(path, {**WITHOUT_END, name: ""})
    if name in REQUIRED:
        assert error_of(answer) == (400, REQUIRED[name], name)
    else:
        assert answer.status_code == 200, answer.content


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
    "breakdown_path_cleaning": True,
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
        ({**A, "math": "unique_group"}, "events.0.math"),
        ({**A, "math": "avg_count_per_actor", "math_group_type_index": 0}, "events.0.math_group_type_index"),
        *(
            ({**A, name: value}, f"events.0.{name}")
            for name, value in (
                ("optionalInFunnel", True),
                ("fixedProperties", [{"key": "plan", "value": "pro"}]),
                ("event", "other"),
                ("nodes", [{"kind": "EventsNode", "event": "a"}]),
                ("nestedFilters", [A]),
                ("table_name", "bills"),
                ("id_field", "id"),
                ("timestamp_field", "at"),
                ("distinct_id_field", "who"),
                ("dw_source_type", "stripe"),
                ("aggregation_target_field", "id"),
            )
        ),
    ],
)
def test_what_is_not_built_yet_of_a_step_is_refused_by_name(
    api: Api, path: str, step: dict[str, Any], attr: str
) -> None:
    assert error_of(api.post(path, {**WHOLE, "events": [step, B]})) == (400, "not_supported", attr)


def test_values_that_only_look_neutral_are_refused(api: Api, path: str) -> None:
    for name, value in (("breakdown_group_type_index", 0), ("sampling_factor", True)):
        assert error_of(api.post(path, {**WHOLE, name: value})) == (400, "not_supported", name)
