"""`events` and `actions`: what happened (spec/posthog-behaviour.md 0.5, spec/decisions.md section 6)."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from clickhouse.query.filters import Entity, both
from persons.api.parameters.door import Json, Parameters, Unsupported, Whole, refuse_unsupported
from persons.api.parameters.filters import action_entity, filter_of
from persons.api.parameters.leaves import Context
from persons.api.parameters.properties import PropertiesParameter

_COUNTING_MATH = (
    "total", "dau", "weekly_active", "monthly_active", "unique_group", "unique_session", "hogql",
    *(f"{kind}{suffix}" for kind in ("sum", "min", "max", "avg", "median", "p75", "p90", "p95", "p99")
      for suffix in ("", "_count_per_actor")),
)  # fmt: skip
_FIRST_TIME_MATH = (
    "first_time_for_user",
    "first_time_for_user_with_filters",
    "first_matching_event_for_user",
)


def _math(value: str | None) -> str | None:
    if value in _FIRST_TIME_MATH:
        raise refuse_unsupported("math {math} is not supported by this release.", math=repr(value))
    return value


class _EntityParameter(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)
    harmless: ClassVar[frozenset[str]] = frozenset(
        {"name", "custom_name", "uuid", "index", "key", "math_property", "math_property_type", "math_hogql",
         "math_group_type_index", "math_multiplier", "optionalInFunnel", "days"}
    )  # fmt: skip

    order: Whole | None = None
    math: Annotated[Literal[(*_COUNTING_MATH, *_FIRST_TIME_MATH)] | None, AfterValidator(_math)] = None  # type: ignore[valid-type]
    properties: PropertiesParameter = None


class EventParameter(_EntityParameter):
    """An event by name; ``id: null`` is every event."""

    id: Annotated[str, Field(min_length=1, max_length=400)] | None
    type: Literal["events"] = "events"


class ActionParameter(_EntityParameter):
    """An action by its id."""

    id: Whole
    type: Literal["actions"] = "actions"


class EntityParameters(Parameters):
    """What is counted: steps of a funnel, series of a trend."""

    events: Annotated[list[EventParameter] | None, Json] = None
    actions: Annotated[list[ActionParameter] | None, Json] = None

    unsupported: ClassVar[tuple[Unsupported, ...]] = (Unsupported("data_warehouse"),)


def entities(context: Context, asked: EntityParameters) -> tuple[Entity, ...]:
    """Actions, then events; those with `order` where it says, the others where they stand in the request.
    Raises a 400."""
    found = [
        *_entities(context, asked.actions or (), "actions"),
        *_entities(context, asked.events or (), "events"),
    ]
    places = [place if order is None else order for place, (order, _) in enumerate(found)]
    return tuple(
        entity for _, (_, entity) in sorted(zip(places, found, strict=True), key=lambda pair: pair[0])
    )


def _entities(
    context: Context, asked: Sequence[EventParameter | ActionParameter], path: str
) -> list[tuple[int | None, Entity]]:
    return [(each.order, _entity(context, each, f"{path}.{place}")) for place, each in enumerate(asked)]


def _entity(context: Context, asked: EventParameter | ActionParameter, path: str) -> Entity:
    filtered = filter_of(context, asked.properties, f"{path}.properties")
    if isinstance(asked, EventParameter):
        return Entity(names=None if asked.id is None else (asked.id,), filter=filtered)
    action = action_entity(context, asked.id, f"{path}.id")
    return action.model_copy(update={"filter": both(action.filter, filtered)})
