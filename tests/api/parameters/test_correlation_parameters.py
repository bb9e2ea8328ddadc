"""From the parameters of a correlation to the question they ask."""

from typing import Any

import pytest
from rest_framework.exceptions import ValidationError

from clickhouse.query.conditions import Contains, Equals
from clickhouse.query.correlation import CorrelationQuery
from clickhouse.query.filters import (
    EVERYTHING,
    AllOf,
    AnyOf,
    ElementValue,
    Entity,
    EventProperty,
    Filter,
    PersonProperty,
)
from persons.api.parameters.correlation import CorrelationParameters, correlation_query
from persons.api.parameters.door import read
from persons.api.parameters.leaves import Context
from persons.models import Action, Project
from tests.api.parameters.helpers import NOW, correlation_of, funnel_of, in_body, in_query

A, B = {"id": "a"}, {"id": "b"}
STEPS: dict[str, Any] = {"events": [A, B]}
WATCHED = {"id": "watched", "type": "events"}
WHOLE: dict[str, Any] = {**STEPS, "funnel_correlation_person_entity": WATCHED}
PROJECT = Project(pk=1)
PRO = PersonProperty(key="plan", condition=Equals(texts=("pro",)))
IS_PRO = {"key": "plan", "value": "pro", "type": "person"}


def test_by_default_those_who_entered_are_looked_at() -> None:
    assert correlation_of(PROJECT, WHOLE) == CorrelationQuery(
        funnel=funnel_of(PROJECT, {**STEPS, "funnel_step": 1}),
        entity=Entity(names=("watched",)),
        excluded_names=("a", "b"),
    )


@pytest.mark.parametrize(
    "sent",
    [
        {"funnel_step": 2},
        {"funnel_step": "-2"},
        {"funnel_custom_steps": [2]},
        {"funnel_step": 1, "funnel_order_type": "strict", "funnel_window_interval": 3},
        {"funnel_step": 1, "properties": [IS_PRO], "search": "ada"},
        {"funnel_step": 1, "funnel_viz_type": "time_to_convert"},
        {"funnel_step": 1, "breakdown": "x", "funnel_step_breakdown": 5},
    ],
)
def test_the_funnel_is_asked_for_as_everywhere(sent: dict[str, Any]) -> None:
    assert correlation_of(PROJECT, {**WHOLE, **sent}).funnel == funnel_of(PROJECT, {**STEPS, **sent})


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (WATCHED, Entity(names=("watched",))),
        ({"id": None, "type": "events"}, Entity()),
        ({**WATCHED, "math": "total", "order": 0, "name": "Watched"}, Entity(names=("watched",))),
        (
            {**WATCHED, "properties": [{"key": "film", "value": "x", "operator": "icontains"}]},
            Entity(names=("watched",), filter=EventProperty(key="film", condition=Contains(texts=("x",)))),
        ),
        (
            {
                "id": "$autocapture",
                "type": "events",
                "properties": [{"key": "tag_name", "value": ["button"], "type": "element"}],
            },
            Entity(
                names=("$autocapture",),
                filter=ElementValue(of="tag_name", condition=Equals(texts=("button",))),
            ),
        ),
    ],
)
@pytest.mark.parametrize("kind", ["events", "event_with_properties"])
def test_what_they_did_is_an_event_with_its_own_filters(
    sent: dict[str, Any], meant: Entity, kind: str
) -> None:
    asked = {**STEPS, "funnel_correlation_person_entity": sent, "funnel_correlation_type": kind}
    assert correlation_of(PROJECT, asked).entity == meant


def test_what_they_did_can_be_an_action_and_names_of_actions_are_not_left_out(project: Project) -> None:
    done = Action.objects.create(project=project, name="x", steps=[{"event": "watched"}])
    step = Action.objects.create(project=project, name="y", steps=[{"event": "c"}])
    asked = {
        "events": [A, {"id": None}, A],
        "actions": [{"id": step.pk}],
        "funnel_correlation_person_entity": {"id": done.pk, "type": "actions"},
    }
    query = correlation_of(project, asked)
    assert (query.entity, query.excluded_names) == (Entity(names=("watched",)), ("a",))


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ([IS_PRO], PRO),
        ([{"key": "plan", "value": ["pro"], "type": "person", "operator": "exact"}], PRO),
        ([IS_PRO, IS_PRO], AllOf(filters=(PRO, PRO))),
        ({"type": "OR", "values": [IS_PRO, IS_PRO]}, AnyOf(filters=(PRO, PRO))),
    ],
)
def test_what_was_true_of_them_is_part_of_the_funnels_filter(sent: Any, meant: Filter) -> None:
    asked = {
        **STEPS,
        "funnel_correlation_type": "properties",
        "funnel_correlation_property_values": sent,
    }
    query = correlation_of(PROJECT, asked)
    assert (query.entity, query.funnel.filter) == (None, meant)
    shop = {"key": "shop", "value": "x"}
    beside = correlation_of(PROJECT, {**asked, "properties": [shop]}).funnel.filter
    assert isinstance(beside, AllOf)
    assert beside.filters[0] == EventProperty(key="shop", condition=Equals(texts=("x",)))
    assert beside.filters[1:] == (meant.filters if isinstance(meant, AllOf) else (meant,))


def test_values_do_not_count_for_events_nor_events_for_values() -> None:
    both = {**WHOLE, "funnel_correlation_property_values": [IS_PRO]}
    assert correlation_of(PROJECT, both).funnel.filter == EVERYTHING
    assert correlation_of(PROJECT, {**both, "funnel_correlation_type": "properties"}).entity is None


@pytest.mark.parametrize(
    ("sent", "converted"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("false", False),
        ("True", True),
        ("1", True),
        ("0", False),
        ("no", False),
        ("", None),
    ],
)
def test_converted_is_true_or_false_in_all_their_forms(sent: Any, converted: bool | None) -> None:
    asked = {**WHOLE, "funnel_correlation_person_converted": sent}
    assert correlation_of(PROJECT, asked).converted is converted
    properties = {"funnel_correlation_type": "properties", "funnel_correlation_property_values": [IS_PRO]}
    assert correlation_of(PROJECT, {**asked, **properties}).converted is converted


def test_the_page_has_names_of_its_own() -> None:
    page = {"funnel_correlation_person_limit": "20", "funnel_correlation_person_offset": 40}
    query = correlation_of(PROJECT, {**WHOLE, **page, "limit": 3, "offset": "nonsense"})
    assert (query.limit, query.offset) == (20, 40)
    assert query.funnel == correlation_of(PROJECT, WHOLE).funnel


def test_what_concerns_the_table_of_correlations_is_accepted_without_effect() -> None:
    names = ("names", "exclude_names", "event_names", "exclude_event_names", "event_exclude_property_names")
    table = {f"funnel_correlation_{name}": ["a"] for name in names}
    assert correlation_of(PROJECT, {**WHOLE, **table}) == correlation_of(PROJECT, WHOLE)


WRONG = {"key": "plan", "value": 1, "operator": "equals"}
NO_ENTITY = ("required", "", "No entity for persons specified")
NO_VALUE = ("required", "", "Property Correlation expects atleast one Property to get persons for")
EMPTY: list[Any] = ["", [], {}, "[]", {"type": "AND", "values": []}]
NO_FLAGS: list[Any] = ["nonsense", 2, [], {}]
REFUSED: dict[str, list[tuple[Any, str, str, str]]] = {
    "funnel_correlation_person_entity": [
        ("", *NO_ENTITY),
        ("null", *NO_ENTITY),
        ("{", "invalid_input", "", "JSON"),
        (5, "invalid_input", "", "JSON object"),
        ([WATCHED], "invalid_input", "", "JSON object"),
        ({"id": "a"}, "required", ".type", "required"),
        ({"id": "a", "type": "groups"}, "invalid_input", ".type", "events or actions"),
        ({"id": "a", "type": None}, "invalid_input", ".type", "events or actions"),
        ({"type": "events"}, "required", ".id", "required"),
        ({"id": "", "type": "events"}, "required", ".id", ""),
        ({"id": "a", "type": ""}, "required", ".type", ""),
        ({**WATCHED, "optionalInFunnel": True}, "not_supported", ".optionalInFunnel", "optionalInFunnel"),
        ({"id": "x", "type": "actions"}, "invalid_input", ".id", "whole number"),
        ({"id": 12, "type": "actions"}, "invalid_input", ".id", "Action ID 12 does not exist!"),
        ({**WATCHED, "math": "first_time_for_user"}, "not_supported", ".math", "first_time_for_user"),
        ({**WATCHED, "properties": [WRONG]}, "invalid_input", ".properties.0.operator", "'exact'"),
    ],
    "funnel_correlation_property_values": [
        *((sent, *NO_VALUE) for sent in EMPTY),
        ("[", "invalid_input", "", "JSON"),
        (5, "invalid_input", "", "JSON object"),
        ([IS_PRO, WRONG], "invalid_input", ".1.operator", "'exact'"),
        ([IS_PRO, {"key": "plan"}], "required", ".1.value", ""),
        ([IS_PRO, {**IS_PRO, "type": "group"}], "not_supported", ".1.type", "group"),
    ],
    "funnel_correlation_type": [
        (sent, "invalid_input", "", "'properties'") for sent in ("nonsense", 5, ["events"])
    ],
    "funnel_correlation_person_converted": [
        (sent, "invalid_input", "", "true or false") for sent in NO_FLAGS
    ],
    "funnel_correlation_person_limit": [(sent, "invalid_input", "", "") for sent in (0, 10_001, "x", True)],
    "funnel_correlation_person_offset": [(sent, "invalid_input", "", "") for sent in (-1, "x", True)],
    "funnel_viz_type": [("trends", "invalid_input", "", "whole funnel")],
    "display": [("ActionsLineGraph", "invalid_input", "", "whole funnel")],
    "funnel_step": [(3, "invalid_input", "", "between 1 and 2"), ("x", "invalid_input", "", "whole number")],
    "events": [([A], "invalid_input", "", "two steps")],
    "aggregation_group_type_index": [(0, "not_supported", "", "aggregation_group_type_index")],
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_refused_by_name(name: str) -> None:
    kind = "properties" if name == "funnel_correlation_property_values" else "events"
    for value, code, below, told in REFUSED[name]:
        sent = {**WHOLE, "funnel_correlation_type": kind, name: value}
        for request in (in_body(sent), in_query(sent)):
            with pytest.raises(ValidationError) as refused:
                correlation_query(
                    read(CorrelationParameters, request)[0], Context(PROJECT, NOW), lambda: None
                )
            detail: Any = refused.value.detail
            ((attr, problem),) = detail.items()
            assert (value, problem.code, attr) == (value, code, name + below)
            assert told in problem


def test_what_is_required_depends_on_the_type() -> None:
    for kind, missing in (
        ("events", "funnel_correlation_person_entity"),
        ("event_with_properties", "funnel_correlation_person_entity"),
        ("properties", "funnel_correlation_property_values"),
    ):
        with pytest.raises(ValidationError) as refused:
            correlation_of(PROJECT, {**STEPS, "funnel_correlation_type": kind})
        assert set(refused.value.get_codes()) == {missing}  # type: ignore[arg-type]
