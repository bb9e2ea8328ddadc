"""`events` and `actions`: what happened (spec/posthog-behaviour.md 0.5, spec/decisions.md section 6)."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from clickhouse.query.entities import Entity
from persons.api.parameters.door import Whole, refuse_unsupported

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


def _no_properties(value: Any) -> Any:
    if value not in (None, [], {}):
        raise refuse_unsupported("Property filters of a step are not supported by this release.")
    return None


class EventParameter(BaseModel):
    """An event by name; ``id: null`` is every event."""

    model_config = ConfigDict(extra="allow", frozen=True)
    harmless: ClassVar[frozenset[str]] = frozenset(
        {"name", "custom_name", "uuid", "index", "key", "math_property", "math_property_type", "math_hogql",
         "math_group_type_index", "math_multiplier", "optionalInFunnel", "days"}
    )  # fmt: skip

    id: Annotated[str, Field(min_length=1, max_length=400)] | None
    type: Literal["events"] = "events"
    order: Whole | None = None
    math: Annotated[Literal[(*_COUNTING_MATH, *_FIRST_TIME_MATH)] | None, AfterValidator(_math)] = None  # type: ignore[valid-type]
    properties: Annotated[Any, BeforeValidator(_no_properties)] = None


def in_order(events: Sequence[EventParameter]) -> tuple[Entity, ...]:
    """The steps: those with ``order`` where it says, the others where they stand in the request."""
    places = [
        (place if event.order is None else event.order, place, event) for place, event in enumerate(events)
    ]
    return tuple(Entity(event=event.id) for _, _, event in sorted(places, key=lambda item: item[:2]))
