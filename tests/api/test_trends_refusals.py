"""What trends and stickiness refuse, each by name."""

from typing import Any

import pytest

from persons.api.parameters.trends import StickinessParameters, TrendParameters
from tests.api.trends import ASKED, MAY, SERIES, STICKY, V
from tests.api_client import Api, error_of

NO_ID = "An entity id and the entity type must be provided to determine an entity"
NO_TYPE = "An entity must be provided for target entity to be determined"
BY = {**ASKED, "breakdown": "x"}
BINS = {**BY, "breakdown_histogram_bin_count": 5}
WRONG = {"id": "V", "properties": [{"key": "a", "value": 1, "operator": "equals"}]}


def summed(**fields: Any) -> dict[str, Any]:
    return {**ASKED, "entity_order": 0, "events": [{"id": "V", "math": "sum", **fields}]}


REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    (MAY, "required", "entity_id", NO_ID),
    ({**MAY, "entity_type": "actions"}, "required", "entity_id", NO_ID),
    ({**MAY, "entity_id": "V"}, "required", "entity_type", NO_TYPE),
    ({**SERIES, "entity_id": "X"}, "required", "entity_type", NO_TYPE),
    ({**SERIES, "entity_order": 3}, "invalid_input", "entity_order", "between 0 and 2"),
    ({**ASKED, "entity_order": -1}, "invalid_input", "entity_order", "0"),
    ({**ASKED, "entity_order": "x"}, "invalid_input", "entity_order", "whole number"),
    ({**ASKED, "entity_id": 1.5}, "invalid_input", "entity_id", ""),
    ({**ASKED, "entity_id": True}, "invalid_input", "entity_id", ""),
    ({**ASKED, "entity_id": ["V"]}, "invalid_input", "entity_id", ""),
    ({**ASKED, "entity_id": "V" * 401}, "invalid_input", "entity_id", "400"),
    ({**ASKED, "entity_type": "event"}, "invalid_input", "entity_type", "'events' or 'actions'"),
    ({**ASKED, "type": 5}, "invalid_input", "type", "'events' or 'actions'"),
    ({**ASKED, "entity_type": "data_warehouse"}, "not_supported", "entity_type", "events, actions"),
    ({**ASKED, "entity_type": "actions"}, "invalid_input", "entity_id", "id of an action"),
    ({**ASKED, "entity_type": "actions", "entity_id": 999_999}, "invalid_input", "entity_id", "not exist"),
    ({**MAY, "entity_order": 0, "actions": [{"id": 999_999}]}, "invalid_input", "actions.0.id", "not exist"),
    ({**ASKED, "entity_math": "mode"}, "invalid_input", "entity_math", "'total'"),
    ({**ASKED, "entity_math": "sum"}, "required", "entity_math", "math_property"),
    ({**ASKED, "entity_math": "hogql"}, "not_supported", "entity_math", "hogql"),
    ({**ASKED, "entity_math": "unique_group"}, "not_supported", "entity_math", "unique_group"),
    ({**ASKED, "entity_math": "first_matching_event_for_user"}, "not_supported", "entity_math", "first_"),
    (summed(), "required", "events.0.math_property", "math_property"),
    (summed(math_property="x" * 10_001), "invalid_input", "events.0.math_property", "10000"),
    (summed(math_property=5), "invalid_input", "events.0.math_property", ""),
    (summed(math_property="x", math_property_type="person_properties"), "not_supported",
     "events.0.math_property", "events"),
    (summed(math_property="$session_duration"), "not_supported", "events.0.math_property", "events"),
    (summed(math_property="x", math_multiplier=2), "not_supported", "events.0.math_multiplier", ""),
    (summed(math_property="x", math_property_revenue_currency={"static": "USD"}), "not_supported",
     "events.0.math_property_revenue_currency", "math_"),
    (summed(math="p90_count_per_actor", math_group_type_index=1), "not_supported",
     "events.0.math_group_type_index", ""),
    (summed(optionalInFunnel=True), "not_supported", "events.0.optionalInFunnel", "optionalInFunnel"),
    (summed(math="hogql"), "not_supported", "events.0.math", "hogql"),
    ({**ASKED, "events": [WRONG]}, "invalid_input", "events.0.properties.0.operator", "'exact'"),
    ({**ASKED, "properties": WRONG["properties"]}, "invalid_input", "properties.0.operator", "'exact'"),
    ({**ASKED, "breakdown_value": "x"}, "invalid_input", "breakdown_value", "breakdown"),
    ({**BY, "breakdown_value": "$$_posthog_breakdown_other_$$"}, "invalid_input", "breakdown_value", "Other"),
    ({**BY, "breakdown_value": "x" * 100_001}, "invalid_input", "breakdown_value", "100000"),
    ({**BY, "breakdown_type": "nonsense"}, "invalid_input", "breakdown_type", "'event'"),
    ({**BY, "breakdown_type": "hogql"}, "not_supported", "breakdown_type", "event, person, cohort"),
    ({**BY, "breakdown": ["a", "b"], "breakdown_value": "x"}, "not_supported", "breakdown", "More than one"),
    ({**ASKED, "breakdowns": [{"property": "a"}, {"property": "b"}], "breakdown_value": "x"},
     "not_supported", "breakdowns", "More than one"),
    ({**BY, "breakdown_normalize_url": "maybe"}, "invalid_input", "breakdown_normalize_url", "true or false"),
    ({**BINS, "breakdown_histogram_bin_count": 0}, "invalid_input", "breakdown_histogram_bin_count", "1"),
    *(({**BINS, "breakdown_value": value}, "invalid_input", "breakdown_value", "two numbers")
      for value in ("x", "5", "[5]", "[5,6,7]", '["a",5]', "[5,null]", [5], "[1,1e999]", '["",5]', '["",""')),
    ({**BINS, "breakdown_value": "[6,5]"}, "invalid_input", "breakdown_value", "greater"),
    ({**BY, "breakdown_type": "cohort", "breakdown_value": "x"}, "invalid_input", "breakdown_value", "exist"),
    ({**BY, "breakdown_type": "cohort", "breakdown_value": 7}, "invalid_input", "breakdown_value", "exist"),
    ({**ASKED, "date_from": "yesterday"}, "invalid_input", "date_from", "-7d"),
    ({**V, "date_from": "2299-12-31", "interval": "month"}, "invalid_input", "date_from", "2299"),
    ({**V, "date_to": "1900-01-01", "entity_math": "weekly_active"}, "invalid_input", "date_to", "1900"),
    ({**ASKED, "interval": "year"}, "invalid_input", "interval", "'day'"),
    ({**ASKED, "limit": 0}, "invalid_input", "limit", "1"),
    ({**ASKED, "limit": 10_001}, "invalid_input", "limit", "10000"),
    ({**ASKED, "offset": -1}, "invalid_input", "offset", "0"),
    ({**ASKED, "include_total": "maybe"}, "invalid_input", "include_total", "true or false"),
    ({**ASKED, "include_recordings": "maybe"}, "invalid_input", "include_recordings", "true or false"),
    ({**ASKED, "data_warehouse": [{"id": "t"}]}, "not_supported", "data_warehouse", ""),
    ({**ASKED, "aggregation_group_type_index": 0}, "not_supported", "aggregation_group_type_index", ""),
    ({**BY, "breakdown_path_cleaning": True}, "not_supported", "breakdown_path_cleaning", ""),
    ({**ASKED, "breakdown_group_type_index": 0}, "not_supported", "breakdown_group_type_index", ""),
    ({**ASKED, "sampling_factor": 0.1}, "not_supported", "sampling_factor", ""),
]  # fmt: skip


@pytest.mark.parametrize("refused", REFUSED)
def test_what_makes_no_sense_is_refused_by_name(
    api: Api, trends: str, sticky: str, refused: tuple[dict[str, Any], str, str, str]
) -> None:
    asked, code, attr, detail = refused
    of_trends_alone = "math_" in detail or "math_" in attr or asked.get("entity_math") == "weekly_active"
    addresses = [trends] if of_trends_alone or "2299" in detail else [trends, sticky]
    for address in addresses:
        answer = api.post(address, {**asked, "stickiness_days": 1})
        assert error_of(answer) == (400, code, attr)
        assert detail in answer.json()["detail"]


def test_the_table_above_names_every_parameter_that_is_not_built_yet() -> None:
    refused = {attr for _, code, attr, _ in REFUSED if code == "not_supported"}
    assert {each.name for each in TrendParameters.unsupported} <= refused
    assert StickinessParameters.unsupported == TrendParameters.unsupported


@pytest.mark.parametrize(
    ("sent", "code", "detail"),
    [
        ({}, "required", ""),
        ({"stickiness_days": 0}, "invalid_input", "greater than or equal to 1"),
        ({"stickiness_days": 10_001}, "invalid_input", "10000"),
        ({"stickiness_days": "x"}, "invalid_input", "whole number"),
    ],
)
def test_stickiness_wants_a_number_of_intervals(
    api: Api, sticky: str, sent: dict[str, Any], code: str, detail: str
) -> None:
    answer = api.post(sticky, {**ASKED, **sent})
    assert error_of(answer) == (400, code, "stickiness_days")
    assert detail in answer.json()["detail"]


def test_too_many_intervals_are_refused(api: Api, sticky: str) -> None:
    answer = api.post(sticky, {**STICKY, "date_from": "2019-01-01", "interval": "hour"})
    assert error_of(answer) == (400, "invalid_input", "interval")
    assert "10000" in answer.json()["detail"]
