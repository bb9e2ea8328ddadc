"""What property filters mean: from their parameters to a Filter, with the project's actions and cohorts
looked up (spec/decisions.md section 5).

Every function raises a 400 whose attr begins with the path it was given.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import TypeAdapter, ValidationError
from rest_framework.exceptions import ValidationError as Refusal

from clickhouse.query.conditions import Condition, Contains, Equals, Matches
from clickhouse.query.dates import days_of, parse_moment
from clickhouse.query.filters import (
    EVERYTHING,
    ElementValue,
    Entity,
    EventColumn,
    EventProperty,
    Filter,
    InStaticCohort,
    Performed,
    both,
    contrary,
    either,
)
from clickhouse.query.search import search_filter
from persons.api.parameters.actions import STEPS, ActionStep
from persons.api.parameters.conditions import check_pattern
from persons.api.parameters.door import Flag, Parameters, Text, as_400
from persons.api.parameters.leaves import Context, leaf, moment_of, selected
from persons.api.parameters.properties import (
    FILTERS,
    BehaviourParameter,
    NodeParameter,
    PropertiesParameter,
    PropertyGroupParameter,
    PropertyParameter,
)
from persons.errors import invalid, moved
from persons.models import Action, Cohort
from persons.openapi.fields import told

MAX_COHORTS, MAX_COHORTS_DEEP = 200, 20
_PROPERTIES: TypeAdapter[Any] = TypeAdapter(PropertiesParameter)


Search = Annotated[
    Text,
    told(
        "Of the persons found, those whose email, name or any distinct id contains this text, or whose uuid "
        "it is.",
        "example.com",
    ),
]


class EventFilterParameters(Parameters):
    """Which events count, and which of the resulting persons are shown."""

    properties: Annotated[PropertiesParameter, told("Which events count.", *FILTERS)] = None
    filter_test_accounts: Annotated[Flag, told("Adds the project's `test_account_filters`.", True)] = False
    search: Search = None


def event_filter(context: Context, asked: EventFilterParameters) -> Filter:
    """What they mean together."""
    filters = [filter_of(context, asked.properties, "properties")]
    if asked.filter_test_accounts:
        kept = context.project.test_account_filters
        filters.append(stored_filter(context, kept, "filter_test_accounts"))
    return both(*filters, search_filter(asked.search))


def filter_of(context: Context, properties: Any, path: str) -> Filter:
    """What a PropertiesParameter means."""
    match properties:
        case None:
            return EVERYTHING
        case PropertyGroupParameter():
            return _node(context, properties, path)
        case _:
            return both(*_nodes(context, properties, path))


def stored_filter(context: Context, properties: Any, path: str) -> Filter:
    """What filters mean that were not sent but kept: those of a project, an action or a cohort."""
    try:
        return filter_of(context, _PROPERTIES.validate_python(properties), path)
    except ValidationError as error:
        raise as_400(error, path) from error


def _nodes(context: Context, nodes: Sequence[NodeParameter], path: str) -> list[Filter]:
    return [_node(context, node, f"{path}.{place}") for place, node in enumerate(nodes)]


def _node(context: Context, node: NodeParameter, path: str) -> Filter:
    match node:
        case PropertyGroupParameter(type="AND"):
            return both(*_nodes(context, node.values, f"{path}.values"))
        case PropertyGroupParameter():
            alternatives = _nodes(context, node.values, f"{path}.values")
            return either(*alternatives) if alternatives else EVERYTHING
        case BehaviourParameter():
            return _behaviour(context, node, path)
        case PropertyParameter(type="cohort"):
            return _in_cohorts(context, node, path)
    if context.of_persons and "type" not in node.model_fields_set:
        node = node.model_copy(update={"type": "person"})
    if context.of_persons and node.type != "person":
        raise invalid(f"{path}.type", "Filters of persons are of the types person, cohort and behavioral.")
    return leaf(context, node, path)


# Cohorts: filters on persons with a name.


def _in_cohorts(context: Context, node: PropertyParameter, path: str) -> Filter:
    if node.operator not in ("exact", "in", "is_not", "not_in"):
        raise invalid(f"{path}.operator", "For a cohort, must be in or not_in.")
    ids = node.value if isinstance(node.value, list) else [node.value]
    if not ids:
        raise invalid(f"{path}.value", "Must be the id of a cohort.")
    found = either(*(in_cohort(context, each, f"{path}.value") for each in ids))
    return contrary(found) if node.negation or node.operator in ("is_not", "not_in") else found


def in_cohort(context: Context, cohort_id: object, path: str) -> Filter:
    """The persons in a cohort, as of now."""
    key = stored_id(cohort_id)
    cohort = Cohort.objects.filter(project=context.project, pk=key).first() if key is not None else None
    if cohort is None:
        raise invalid(path, f"Cohort ID {cohort_id!r} does not exist in this project.")
    return cohort_filter(context, cohort, path)


def cohort_filter(context: Context, cohort: Cohort, path: str) -> Filter:
    """The persons in a cohort: those that were put there, or those of whom its definition holds."""
    if cohort.is_static:
        return InStaticCohort(cohort_id=cohort.pk)
    if cohort.pk in context.cohorts:
        chain = " -> ".join(map(str, (*context.cohorts, cohort.pk)))
        raise invalid(path, f"A cohort cannot depend on itself: {chain}.")
    if len(context.cohorts) >= MAX_COHORTS_DEEP or len(context.expanded) >= MAX_COHORTS:
        allowed = f"{MAX_COHORTS} at most, and {MAX_COHORTS_DEEP} in a row"
        raise invalid(path, f"Depends on too many cohorts. Allowed: {allowed}.")
    context.expanded.append(cohort.pk)
    inside = replace(context, cohorts=(*context.cohorts, cohort.pk), of_persons=True)
    try:
        return stored_filter(inside, cohort.properties, path)
    except Refusal as error:
        # The parameter at fault is the one that was sent, not one of a definition kept long ago.
        raise moved(error, path) from error


def _behaviour(context: Context, node: BehaviourParameter, path: str) -> Filter:
    if not context.of_persons:
        raise invalid(
            f"{path}.type", "Filters of the type behavioral belong into the definition of a cohort."
        )
    inner = replace(context, of_persons=False)
    if node.event_type == "actions":
        entity = action_entity(inner, node.key, f"{path}.key")
    else:
        entity = Entity(names=(str(node.key),))
    filtered = filter_of(inner, node.event_filters, f"{path}.event_filters")
    operator, times = _times(node, path)
    after, before = _period(context, node, path)
    found = Performed(
        event=entity.model_copy(update={"filter": both(entity.filter, filtered)}),
        after=after,
        before=before,
        operator=operator,
        times=times,
    )
    return contrary(found) if node.negation else found


_SIGNS: dict[str | None, Any] = {
    None: "gte", "exact": "eq", "eq": "eq", "gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte",
}  # fmt: skip


def _times(node: BehaviourParameter, path: str) -> tuple[Any, int]:
    if node.value == "performed_event":
        return "gte", 1
    if node.operator_value is None:
        raise invalid(f"{path}.operator_value", "Required: how often.", "required")
    sign = _SIGNS[node.operator]
    least = {"eq": 1, "lte": 1, "lt": 2}.get(sign, 0)
    if node.operator_value < least:
        raise invalid(
            f"{path}.operator_value",
            f"Must be {least} or more: who performed an event did so at least once. For those who did not, "
            "use performed_event with negation.",
        )
    return sign, node.operator_value


_UNITS = {"minute": "M", "hour": "h", "day": "d", "week": "w", "month": "m", "year": "y"}


def _period(context: Context, node: BehaviourParameter, path: str) -> tuple[Any, Any]:
    """From when to when. A day that is given as the end is in it wholly."""
    if node.explicit_datetime is not None:
        after = moment_of(context, node.explicit_datetime, f"{path}.explicit_datetime")
    elif node.time_value is None or node.time_interval is None:
        missing = "time_value" if node.time_value is None else "time_interval"
        raise invalid(f"{path}.{missing}", "Required, unless there is explicit_datetime.", "required")
    else:
        text = f"-{node.time_value}{_UNITS[node.time_interval]}"
        after = moment_of(context, text, f"{path}.time_value")
    if node.explicit_datetime_to is None:
        return after, context.now
    at = f"{path}.explicit_datetime_to"
    before = moment_of(context, node.explicit_datetime_to, at)
    timezone = context.project.timezone
    moment = parse_moment(node.explicit_datetime_to, parameter=at, timezone=timezone, now=context.now)
    return after, days_of(moment, timezone)[1] if moment.form == "date" else before


# Actions: events that mean the same.


def action_entity(context: Context, action_id: object, path: str) -> Entity:
    """The events that an action stands for."""
    key = stored_id(action_id)
    action = Action.objects.filter(project=context.project, pk=key).first() if key is not None else None
    if action is None:
        raise invalid(path, f"Action ID {action_id} does not exist!")
    try:
        steps = STEPS.validate_python(action.steps)
    except ValidationError as error:
        raise as_400(error, path) from error
    return steps_entity(context, steps, path)


def steps_entity(context: Context, steps: Sequence[ActionStep], path: str) -> Entity:
    """The events that match any of an action's steps; none when it has no steps."""
    filters = tuple(_step_filter(context, step, f"{path}.{place}") for place, step in enumerate(steps))
    names = tuple(dict.fromkeys(step.event for step in steps if step.event))
    names_decide = len(names) <= 1 or all(each == EVERYTHING for each in filters)
    if all(step.event for step in steps) and names_decide:
        return Entity(names=names, filter=either(*dict.fromkeys(filters)))
    named = tuple(
        both(EventColumn(column="event", condition=Equals(texts=(step.event,))), each) if step.event else each
        for step, each in zip(steps, filters, strict=True)
    )
    return Entity(names=names if all(step.event for step in steps) else None, filter=either(*named))


def _step_filter(context: Context, step: ActionStep, path: str) -> Filter:
    conditions = [filter_of(context, step.properties, f"{path}.properties")]
    if step.url:
        matching = step.url_matching or "contains"
        url = (
            _contains_url(step.url)
            if matching == "contains"
            else text_condition(step.url, matching, f"{path}.url")
        )
        conditions.append(EventProperty(key="$current_url", condition=url))
    if step.tag_name:
        conditions.append(ElementValue(of="tag_name", condition=Equals(texts=(step.tag_name,))))
    if step.text:
        text = text_condition(step.text, step.text_matching or "exact", f"{path}.text")
        conditions.append(ElementValue(of="text", condition=text))
    if step.href:
        href = text_condition(step.href, step.href_matching or "exact", f"{path}.href")
        conditions.append(ElementValue(of="href", condition=href))
    if step.selector:
        conditions.append(selected(step.selector, f"{path}.selector"))
    return both(*conditions)


def text_condition(text: str, matching: str, path: str) -> Condition:
    """How an action's step compares a text: exact, contains or regex."""
    match matching:
        case "contains":
            return Contains(texts=(text,))
        case "regex":
            check_pattern(text, path)
            return Matches(patterns=(text,))
    return Equals(texts=(text,))


def _contains_url(text: str) -> Condition:
    """The address contains the text, in which `%` stands for any characters. Nothing else is a wildcard."""
    parts = [part for part in text.split("%") if part]
    if len(parts) <= 1:
        return Contains(texts=("".join(parts),))
    return Matches(patterns=("(?is)" + ".*".join(map(re.escape, parts)),))


def stored_id(value: object) -> int | None:
    """The id of something stored that a value says, if it says one."""
    text = "" if isinstance(value, bool) else str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
