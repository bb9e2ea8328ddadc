"""Property filters as PostHog's clients send them (spec/posthog-behaviour.md 3.1, spec/decisions.md 5).

A list of filters, which must all hold, or a group that joins filters, or groups, with AND or OR. This is
their shape only; persons/api/parameters/filters.py says what they mean.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from persons.api.parameters.door import (
    Flag,
    Json,
    KeepsEmpty,
    ParameterObject,
    Refused,
    Whole,
    refuse,
    refuse_unsupported,
    type_of,
)
from persons.openapi.fields import Mixed, Named, told

MAX_FILTERS = 1_000
MAX_DEPTH = 100

PropertyType = Literal["event", "person", "event_metadata", "cohort", "element"]
UNSUPPORTED_TYPES = frozenset(
    {
        "group", "session", "recording", "hogql", "feature", "flag", "data_warehouse", "log", "log_entry",
        "data_warehouse_person_property", "error_tracking_issue", "log_resource_attribute", "log_attribute",
        "revenue_analytics", "workflow_variable", "person_metadata", "span", "span_attribute", "empty",
    }
)  # fmt: skip
_SYNONYMS = {"events": "event", "static-cohort": "cohort", "precalculated-cohort": "cohort"}

Operator = Literal[
    "exact", "is_not", "icontains", "not_icontains", "regex", "not_regex",
    "gt", "gte", "lt", "lte", "min", "max", "between", "not_between", "is_set", "is_not_set",
    "is_date_exact", "is_date_before", "is_date_after", "in", "not_in",
    "semver_eq", "semver_neq", "semver_gt", "semver_gte", "semver_lt", "semver_lte",
    "semver_tilde", "semver_caret", "semver_wildcard",
]  # fmt: skip
OPERATORS: tuple[str, ...] = get_args(Operator)
UNSUPPORTED_OPERATORS = frozenset(
    {"is_cleaned_path_exact", "flag_evaluates_to", "icontains_multi", "not_icontains_multi"}
)
Behaviour = Literal["performed_event", "performed_event_multiple"]
UNSUPPORTED_BEHAVIOURS = frozenset(
    {
        "performed_event_first_time", "performed_event_sequence", "performed_event_regularly",
        "stopped_performing_event", "restarted_performing_event",
    }
)  # fmt: skip


_TimeUnit = Literal["minute", "hour", "day", "week", "month", "year"]
_CountOperator = Literal["exact", "eq", "gt", "gte", "lt", "lte"]
# Examples of `properties`: a list, and a group.
FILTERS: tuple[Any, ...] = (
    [{"type": "event", "key": "$browser", "value": ["Chrome", "Safari"]}],
    {
        "type": "OR",
        "values": [
            {"type": "person", "key": "email", "operator": "icontains", "value": "example"},
            {"type": "person", "key": "seats", "operator": "gt", "value": 5},
        ],
    },
)


def _refusing(names: frozenset[str], what: str) -> BeforeValidator:
    def check(value: Any) -> Any:
        if isinstance(value, str) and value in names:
            raise refuse_unsupported(f"{what} {{value}} is not supported by this release.", value=repr(value))
        return value

    return BeforeValidator(check)


def _with_type(schema: dict[str, Any]) -> None:
    """Without a type a filter cannot be told from a group by generated clients; requests may leave it out."""
    schema["required"] = ["type", *schema["required"]]
    del schema["properties"]["type"]["default"]


class PropertyParameter(ParameterObject):
    """What a property's value must be."""

    model_config = ConfigDict(
        extra="allow", frozen=True, title="PropertyFilter", json_schema_extra=_with_type
    )
    # Labels, what PostHog compiles of a filter, and what it reads of groups alone.
    harmless: ClassVar[frozenset[str]] = frozenset(
        {"label", "cohort_name", "uuid", "group_type_index", "group_key_names", "bytecode", "bytecode_error",
         "conditionHash", "conditionType"}
    )  # fmt: skip

    type: Annotated[
        Annotated[PropertyType, Named("PropertyFilterType")],
        told(
            "What `key` names: a property of the event, or of its person as it is now; `event`, "
            "`distinct_id` or `timestamp` of the event; always `id`, for a cohort; `text`, `href`, "
            "`tag_name` or `selector` of an element that autocapture saw.",
            "event",
        ),
        _refusing(UNSUPPORTED_TYPES, "The type"),
        BeforeValidator(lambda value: _SYNONYMS.get(value, value) if isinstance(value, str) else value),
    ] = "event"
    key: Annotated[str, KeepsEmpty, told("The name of the property.", "$browser", max_length=10_000)]
    operator: Annotated[
        Annotated[Operator, Named("PropertyOperator")],
        told("How the property's value and this one are compared.", "exact"),
        _refusing(UNSUPPORTED_OPERATORS, "The operator"),
    ] = "exact"
    value: Annotated[
        Any,
        KeepsEmpty,
        told(
            "A text, a number, true or false, or a list of these. Not for `is_set` and `is_not_set`.",
            "Chrome",
        ),
    ] = None
    negation: Annotated[Flag, told("The contrary.", False)] = False

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if "values" in data:
            data = {"value": data["values"], **data}
            del data["values"]
        return {"key": "id", **data} if type_of(data) in _COHORT_TYPES else data


_COHORT_TYPES = ("cohort", "static-cohort", "precalculated-cohort")


def _name_or_id(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise refuse("Must be the name of an event, or the id of an action.")
    return value


class BehaviourParameter(ParameterObject):
    """What a person did in a period; in definitions of cohorts, and in filters on lists of persons."""

    model_config = ConfigDict(extra="allow", frozen=True, title="BehaviouralFilter")
    harmless: ClassVar[frozenset[str]] = frozenset(
        {"bytecode", "bytecode_error", "conditionHash", "conditionType", "label", "uuid"}
    )

    type: Literal["behavioral"]
    key: Annotated[
        str | int,
        Mixed,
        BeforeValidator(_name_or_id),
        told("The name of the event, or the id of the action.", "paid"),
    ]
    event_type: Annotated[
        Annotated[Literal["events", "actions"], Named("EntityType")], told("What `key` names.", "events")
    ] = "events"
    value: Annotated[
        Annotated[Behaviour, Named("Behaviour")],
        told("Once at least, or as often as `operator` and `operator_value` say.", "performed_event"),
        _refusing(UNSUPPORTED_BEHAVIOURS, "The behaviour"),
    ]
    time_value: Annotated[
        Annotated[Whole, Field(ge=1, le=100_000)] | None, told("In the last so many of `time_interval`.", 30)
    ] = None
    time_interval: Annotated[
        Annotated[_TimeUnit, Named("TimeUnit")] | None, told("The unit of `time_value`.", "day")
    ] = None
    explicit_datetime: Annotated[
        str | None, told("Instead of these two: from when on, a date, or relative to now.", "2024-03-01")
    ] = None
    explicit_datetime_to: Annotated[str | None, told("And until when.", "2024-03-31")] = None
    operator: Annotated[
        Annotated[_CountOperator, Named("CountOperator")] | None,
        told("How `operator_value` and the number of events are compared. `gte` if absent.", "gte"),
    ] = None
    operator_value: Annotated[Annotated[Whole, Field(ge=0, le=10**12)] | None, told("How often.", 3)] = None
    negation: Annotated[Flag, told("The person did not.", False)] = False
    event_filters: Annotated["PropertiesParameter", told("Which of those events count.")] = None
    # Of behaviours that are refused.
    total_periods: Refused = None
    min_periods: Refused = None
    seq_event: Refused = None
    seq_event_type: Refused = None
    seq_time_value: Refused = None
    seq_time_interval: Refused = None


class PropertyGroupParameter(ParameterObject):
    """Filters, or groups, joined with AND or OR; not both in one group."""

    model_config = ConfigDict(extra="allow", frozen=True, title="PropertyGroup")

    type: Annotated[Literal["AND", "OR"], Named("PropertyGroupType"), told("How they are joined.", "AND")]
    values: "Annotated[list[NodeParameter], BeforeValidator(_not_mixed), told('What is joined.')]"


def _is_group(node: Any) -> bool:
    if not isinstance(node, Mapping):
        return isinstance(node, PropertyGroupParameter)
    return type_of(node) in ("and", "or") or ("values" in node and "key" not in node)


def _not_mixed(values: Any) -> Any:
    if isinstance(values, list):
        groups = sum(map(_is_group, values))
        if 0 < groups < len(values):
            raise refuse("Property list cannot contain both PropertyGroup and Property objects.")
    return values


# Tags begin with "=": the door leaves them out of the paths that it names.
def _tag_of_node(node: Any) -> str:
    if _is_group(node):
        return "=group"
    return "=behaviour" if type_of(node) == "behavioral" else "=property"


NodeParameter = Annotated[
    Annotated[PropertyGroupParameter, Tag("=group")]
    | Annotated[PropertyParameter, Tag("=property")]
    | Annotated[BehaviourParameter, Tag("=behaviour")],
    Discriminator(_tag_of_node),
    Named("PropertyNode"),
]


def _normalised(value: Any) -> Any:
    """Other ways to write filters, as a list or a group. Raises a refusal for what is too much."""
    if value in (None, "", {}, []):
        return None
    if isinstance(value, dict) and not _is_group(value):
        value = [value] if "key" in value and {"value", "operator", "values"} & set(value) else _named(value)
    if isinstance(value, list | dict):
        _check_size(value)
    return value


def _named(filters: dict[str, Any]) -> list[dict[str, Any]]:
    """PostHog's oldest form: `{"email__icontains": "x"}`."""
    found = []
    for name, value in filters.items():
        key, _, operator = name.rpartition("__")
        if key and operator.lower() in OPERATORS:
            found.append({"key": key, "operator": operator, "value": value})
        else:
            found.append({"key": name, "value": value})
    return found


def _check_size(document: Any) -> None:
    level, filters = [document], 0
    for _ in range(MAX_DEPTH):
        # A group without values is refused by the model, which can say what is missing.
        groups = [each.get("values") if isinstance(each, dict) else each for each in level]
        members = [member for group in groups if isinstance(group, list) for member in group]
        level = [member for member in members if _is_group(member) and "values" in member]
        filters += len(members) - len(level)
        if filters > MAX_FILTERS:
            raise refuse("There may be at most {most} filters.", most=MAX_FILTERS)
        if not level:
            return
    raise refuse("Groups may be nested {most} levels deep at most.", most=MAX_DEPTH)


PropertiesParameter = Annotated[
    Annotated[
        Annotated[PropertyGroupParameter, Tag("=group")]
        | Annotated[list[NodeParameter], BeforeValidator(_not_mixed), Tag("=list")],
        Discriminator(lambda value: "=list" if isinstance(value, list) else "=group"),
        Named("PropertyFilters"),
    ]
    | None,
    BeforeValidator(_normalised),
    Json,
]
