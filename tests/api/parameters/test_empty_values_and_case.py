"""One rule for the parameters of all endpoints: an empty value is absent, enumerations ignore case, and a
flag without a value in the query string is true."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from persons.api.parameters.actions import ActionStep
from persons.api.parameters.changes import DeletionParameters, DeletionStatusParameters
from persons.api.parameters.correlation import CorrelationParameters
from persons.api.parameters.door import ParameterObject, Parameters, read
from persons.api.parameters.events import EventsParameters
from persons.api.parameters.funnel import FunnelParameters
from persons.api.parameters.history import ChangesParameters
from persons.api.parameters.lifecycle import LifecycleParameters
from persons.api.parameters.persons import ListParameters
from persons.api.parameters.trends import StickinessParameters, TrendParameters
from tests.api.funnels import WHOLE, A, B, C
from tests.api.parameters.helpers import in_body, in_query, parsed

BEHAVIOUR = {"type": "behavioral", "key": "paid", "value": "performed_event", "time_value": 30}
# An endpoint, what is sent, and what it means.
SAME: list[tuple[type[Parameters], dict[str, Any], dict[str, Any]]] = [
    (FunnelParameters, {"interval": "WEEK"}, {"interval": "week"}),
    (FunnelParameters, {"interval": "Minute"}, {"interval": "hour"}),
    (FunnelParameters, {"funnel_order_type": "Strict"}, {"funnel_order_type": "strict"}),
    (FunnelParameters, {"funnel_viz_type": "TRENDS"}, {"funnel_viz_type": "trends"}),
    (FunnelParameters, {"funnel_window_interval_unit": "Hour"}, {"funnel_window_interval_unit": "hour"}),
    (FunnelParameters, {"breakdown_type": "Events"}, {"breakdown_type": "event"}),
    (
        FunnelParameters,
        {"breakdown_attribution_type": "Last_Touch"},
        {"breakdown_attribution_type": "last_touch"},
    ),
    (FunnelParameters, {"format": "CSV"}, {"format": "csv"}),
    (
        FunnelParameters,
        {"breakdowns": [{"property": "plan", "type": "PERSON"}]},
        {"breakdowns": [{"property": "plan", "type": "person"}]},
    ),
    (
        FunnelParameters,
        {"breakdowns": [{"property": "plan", "type": "", "normalize_url": "", "histogram_bin_count": ""}]},
        {"breakdowns": [{"property": "plan"}]},
    ),
    (
        FunnelParameters,
        {"events": [{"id": "a", "math": "Total", "type": "EVENTS"}, B, C]},
        {"events": [{"id": "a", "math": "total", "type": "events"}, B, C]},
    ),
    (
        FunnelParameters,
        {"events": [{"id": "a", "math": "", "type": "", "order": "", "properties": ""}, B, C]},
        {"events": [A, B, C]},
    ),
    (
        FunnelParameters,
        {"exclusions": [{"id": 3, "type": "Actions", "funnel_from_step": 0, "funnel_to_step": 1}]},
        {"exclusions": [{"id": 3, "type": "actions", "funnel_from_step": 0, "funnel_to_step": 1}]},
    ),
    (
        FunnelParameters,
        {"properties": [{"key": "a", "value": "", "operator": "", "type": "", "negation": ""}]},
        {"properties": [{"key": "a", "value": ""}]},
    ),
    (
        FunnelParameters,
        {"properties": [{"key": "a", "value": "b", "operator": None, "type": None, "negation": None}]},
        {"properties": [{"key": "a", "value": "b"}]},
    ),
    (
        FunnelParameters,
        {"properties": [{"key": "a", "value": "B", "operator": "IContains", "type": "Person"}]},
        {"properties": [{"key": "a", "value": "B", "operator": "icontains", "type": "person"}]},
    ),
    (
        FunnelParameters,
        {"properties": [{"value": 3, "operator": "NOT_IN", "type": "Static-Cohort"}]},
        {"properties": [{"key": "id", "value": 3, "operator": "not_in", "type": "cohort"}]},
    ),
    (
        FunnelParameters,
        {"properties": {"type": "or", "values": [{"type": "And", "values": []}]}},
        {"properties": {"type": "OR", "values": [{"type": "AND", "values": []}]}},
    ),
    (
        FunnelParameters,
        {"properties": {"a__GT": 5}},
        {"properties": [{"key": "a", "operator": "gt", "value": 5}]},
    ),
    (
        ListParameters,
        {"properties": [{**BEHAVIOUR, "type": "Behavioral", "time_interval": "DAY", "event_type": ""}]},
        {"properties": [{**BEHAVIOUR, "time_interval": "day"}]},
    ),
    (ListParameters, {"order_by": "-Updated_At"}, {"order_by": "-updated_at"}),
    (ListParameters, {"order_by": "", "cohort": "", "is_identified": ""}, {}),
    (TrendParameters, {"entity_type": "Events"}, {"entity_type": "events"}),
    (TrendParameters, {"entity_math": "DAU"}, {"entity_math": "dau"}),
    (TrendParameters, {"interval": "", "entity_order": ""}, {}),
    (
        StickinessParameters,
        {"stickiness_days": 1, "interval": "Month"},
        {"stickiness_days": 1, "interval": "month"},
    ),
    (LifecycleParameters, {"lifecycle_type": "NEW"}, {"lifecycle_type": "new"}),
    (
        CorrelationParameters,
        {**WHOLE, "funnel_correlation_type": "Properties", "funnel_correlation_person_converted": ""},
        {**WHOLE, "funnel_correlation_type": "properties"},
    ),
    (EventsParameters, {"orderBy": ["Timestamp"], "action_id": ""}, {"orderBy": ["timestamp"]}),
    (DeletionStatusParameters, {"status": "Pending", "person_uuid": ""}, {"status": "pending"}),
    (ChangesParameters, {"order": "OLDEST", "from": ""}, {"order": "oldest"}),
]  # fmt: skip


@pytest.mark.parametrize(("model", "sent", "meant"), SAME)
def test_empty_values_are_absent_and_enumerations_ignore_case(
    model: type[Parameters], sent: dict[str, Any], meant: dict[str, Any]
) -> None:
    base = WHOLE if model is FunnelParameters else {}
    understood = parsed(model, {**base, **sent})
    assert understood == parsed(model, {**base, **meant})
    # A value that was given and one that was not can mean different things.
    assert understood.model_fields_set == parsed(model, {**base, **meant}).model_fields_set


def test_steps_of_actions_follow_the_same_rule() -> None:
    sent = {"event": "", "url": "/a", "url_matching": "Regex", "text": "", "text_matching": ""}
    step = ActionStep.model_validate(sent)
    assert step == ActionStep.model_validate({"url": "/a", "url_matching": "regex"})


def objects(model: type[ParameterObject] = ParameterObject) -> Iterator[type[ParameterObject]]:
    for each in model.__subclasses__():
        yield each
        yield from objects(each)


def required(model: type[ParameterObject]) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.is_required()]


def flags(model: type[ParameterObject]) -> list[str]:
    return [name for name, field in model.model_fields.items() if field.annotation is bool]


@pytest.mark.parametrize(
    ("model", "name"),
    [(model, name) for model in objects(Parameters) if not required(model) for name in flags(model)],
)
def test_a_flag_without_a_value_in_the_query_string_is_true(model: type[Parameters], name: str) -> None:
    for text in ("", "=", "=true", "=1", "=TRUE"):
        request = Request(APIRequestFactory().get(f"/?{name}{text}"))
        assert (text, getattr(read(model, request)[0], name)) == (text, True)
    for text in ("=false", "=0", "=no"):
        request = Request(APIRequestFactory().get(f"/?{name}{text}"))
        assert (text, getattr(read(model, request)[0], name)) == (text, False)


def test_an_empty_text_in_a_body_is_no_bare_flag() -> None:
    for name in ("delete_events", "keep_person"):
        assert read(DeletionParameters, in_body({name: ""}))[0] == DeletionParameters()
        assert getattr(read(DeletionParameters, in_query({name: ""}))[0], name) is True
