"""`events` and `actions`: what happened (spec/posthog-behaviour.md 0.5, spec/decisions.md section 6)."""

from collections.abc import Collection
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic.json_schema import SkipJsonSchema

from clickhouse.query.filters import EVERYTHING, Entity, both
from clickhouse.query.trends import Statistic
from persons.api.parameters.door import (
    Json,
    ParameterObject,
    Parameters,
    Refused,
    Unsupported,
    Whole,
    refuse,
    type_of,
)
from persons.api.parameters.filters import action_entity, filter_of
from persons.api.parameters.leaves import Context
from persons.api.parameters.properties import FILTERS, PropertiesParameter
from persons.errors import not_supported
from persons.openapi.fields import Named, told

STATISTICS: tuple[str, ...] = get_args(Statistic)
# Says what is counted of an event, not which events there are.
_PER_ACTOR = tuple(f"{kind}_count_per_actor" for kind in STATISTICS)
COUNTING_MATH = (
    "total", "dau", "weekly_active", "monthly_active", "unique_session", "hogql", *STATISTICS, *_PER_ACTOR,
)  # fmt: skip
FIRST_TIME = "first_time_for_user"
# `unique_group` leaves out the events without a group, so no endpoint may ignore it.
MATH = (
    *COUNTING_MATH, "unique_group", FIRST_TIME, "first_time_for_user_with_filters",
    "first_matching_event_for_user",
)  # fmt: skip
Math = Annotated[Literal[MATH], Named("Math")]  # type: ignore[valid-type]


# An example of `events`.
STEPS = [{"id": "sign up"}, {"id": "note created", "properties": FILTERS[0]}, {"id": "paid"}]


class EntityParameter(ParameterObject):
    """What events and actions have in common."""

    model_config = ConfigDict(extra="allow", frozen=True)
    # Labels, and what PostHog reads in lists of events alone. `math_hogql` belongs to a math that is refused,
    # or that has no effect.
    harmless: ClassVar[frozenset[str]] = frozenset(
        {"name", "custom_name", "uuid", "index", "key", "days", "kind", "version", "response", "limit",
         "orderBy", "math_hogql"}
    )  # fmt: skip

    order: Annotated[
        Whole | None,
        told("Its place. Those without one keep their place in the request, actions before events.", 0),
    ] = None
    math: Annotated[
        Math | None,
        told(
            "What of the events counts. In a funnel `first_time_for_user`: only the first such event that a "
            "person ever did; maths that count have no effect there.",
            "total",
        ),
    ] = None
    math_property: Annotated[
        Annotated[str, Field(max_length=10_000)] | None,
        told("Of which property of the events `math` is computed."),
    ] = None
    math_property_type: SkipJsonSchema[Any] = None
    math_multiplier: SkipJsonSchema[Any] = None
    math_property_revenue_currency: SkipJsonSchema[Any] = None
    math_group_type_index: SkipJsonSchema[Any] = None
    properties: Annotated[PropertiesParameter, told("Which of the events count.")] = None
    optionalInFunnel: Refused = None
    fixedProperties: Refused = None
    # `id` has the name of the event.
    event: Refused = None
    # Several events as one.
    nodes: Refused = None
    nestedFilters: Refused = None
    # Tables of a data warehouse.
    table_name: Refused = None
    id_field: Refused = None
    timestamp_field: Refused = None
    distinct_id_field: Refused = None
    dw_source_type: Refused = None
    aggregation_target_field: Refused = None


class EventParameter(EntityParameter):
    """An event by its name."""

    model_config = ConfigDict(title="Event")

    id: Annotated[
        Annotated[str, Field(min_length=1, max_length=400)] | None,
        told("The name of the event; null is every event.", "sign up"),
    ]
    type: Literal["events"] = "events"


class ActionParameter(EntityParameter):
    """An action by its id."""

    model_config = ConfigDict(title="ActionEntity")

    id: Annotated[Whole, told("The id of the action.", 3)]
    type: Literal["actions"] = "actions"


def _known(kind: Any) -> Any:
    if kind not in ("events", "actions"):
        raise refuse("Must be events or actions.")
    return kind


class TypedEvent(EventParameter):
    """An event where an action could stand as well."""

    model_config = ConfigDict(title="TypedEvent")

    type: Annotated[Literal["events"], BeforeValidator(_known)]


class TypedAction(ActionParameter):
    """An action where an event could stand as well."""

    model_config = ConfigDict(title="TypedAction")

    type: Annotated[Literal["actions"], BeforeValidator(_known)]


def tag_of_type(entity: Any) -> str:
    """Which of two models an entity is one of. Whatever has no known type is an event with a mistake."""
    return "=actions" if type_of(entity) == "actions" else "=events"


# An event or an action: its `type` says which.
TypedEntity = Annotated[
    Annotated[TypedEvent, Tag("=events")] | Annotated[TypedAction, Tag("=actions")],
    Discriminator(tag_of_type),
    Named("TypedEntity"),
]


class EntityParameters(Parameters):
    """What is counted: steps of a funnel, series of a trend."""

    events: Annotated[
        list[EventParameter] | None,
        Json,
        told(
            "What is counted: the steps of a funnel, say. In a query string also plain names, one after the "
            "other: `events=sign up&events=paid`.",
            STEPS,
        ),
    ] = None
    actions: Annotated[
        list[ActionParameter] | None,
        Json,
        told("The same with actions, by their ids.", [{"id": 3, "order": 2}]),
    ] = None

    unsupported: ClassVar[tuple[Unsupported, ...]] = (Unsupported("data_warehouse"),)


class OneEntityParameters(EntityParameters):
    """The same where exactly one thing is looked at."""

    events: Annotated[
        list[EventParameter] | None, Json, told("What is looked at: exactly one event.", [{"id": "paid"}])
    ] = None
    actions: Annotated[
        list[ActionParameter] | None,
        Json,
        told("Or exactly one action, by its id.", [{"id": 3}], needs={"events": None}),
    ] = None


SentEntity = tuple[EventParameter | ActionParameter, str]


def entities(context: Context, asked: EntityParameters, *, math: Collection[str]) -> tuple[Entity, ...]:
    """What is counted, in order. `math`: what the endpoint can answer of it. Raises a 400."""
    return tuple(entity_of(context, each, path, math=math) for each, path in in_order(asked))


def in_order(asked: EntityParameters) -> list[SentEntity]:
    """Actions, then events; those with `order` where it says, the others where they stand in the request.
    With the path of each."""
    sent: list[SentEntity] = [
        *((each, f"actions.{place}") for place, each in enumerate(asked.actions or ())),
        *((each, f"events.{place}") for place, each in enumerate(asked.events or ())),
    ]
    places = [place if each.order is None else each.order for place, (each, _) in enumerate(sent)]
    return [each for _, each in sorted(zip(places, sent, strict=True), key=lambda pair: pair[0])]


def entity_of(
    context: Context,
    asked: EventParameter | ActionParameter,
    path: str,
    *,
    math: Collection[str] = COUNTING_MATH,
) -> Entity:
    """What an event or an action stands for. Raises a 400 whose attr begins with `path`."""
    if asked.math is not None and asked.math not in math:
        raise not_supported(f"{path}.math", f"math {asked.math!r} is not supported here by this release.")
    if asked.math in _PER_ACTOR and asked.math_group_type_index is not None:
        raise not_supported(f"{path}.math_group_type_index", "Groups are not supported by this release.")
    first_time = asked.math == FIRST_TIME
    filtered = filter_of(context, asked.properties, f"{path}.properties")
    if isinstance(asked, EventParameter):
        names = None if asked.id is None else (asked.id,)
        return Entity(names=names, first_time=first_time, filter=filtered)
    action = action_entity(context, asked.id, f"{path}.id")
    if first_time and action.filter != EVERYTHING:
        # The first of the action's events is asked for, not the first of all that have their names.
        raise not_supported(
            f"{path}.math",
            f"math {asked.math!r} is not supported by this release for an action that looks at more than "
            "the names of events.",
        )
    return action.model_copy(update={"first_time": first_time, "filter": both(action.filter, filtered)})
