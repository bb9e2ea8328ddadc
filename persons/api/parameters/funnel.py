"""``persons/funnel/``: from PostHog's flat parameters to a FunnelQuery (spec/posthog-behaviour.md 1.1)."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from clickhouse.query.funnel import (
    LONGEST_WINDOW,
    MICROSECONDS,
    ConversionWindow,
    FunnelQuery,
    WindowUnit,
    furthest_steps,
)
from persons.api.parameters.dates import DateParameters, date_range
from persons.api.parameters.door import Flag, Paging, Unsupported, Whole, built
from persons.api.parameters.entities import EntityParameters, entities
from persons.api.parameters.filters import EventFilterParameters, event_filter
from persons.api.parameters.leaves import Context
from persons.errors import invalid

MAX_STEPS = 20


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class FunnelParameters(Paging, DateParameters, EntityParameters, EventFilterParameters):
    """The parameters of a funnel's persons. Those in ``unsupported`` exist, and are refused by name."""

    funnel_step: Whole | None = None
    funnel_order_type: Annotated[Literal["ordered", "strict", "unordered"], built("ordered")] = "ordered"
    funnel_viz_type: Annotated[
        Literal["steps", "time_to_convert", "trends"], built("steps", "time_to_convert")
    ] = "steps"
    funnel_window_interval: Annotated[Whole, Field(ge=0)] | None = None
    funnel_window_interval_unit: Annotated[WindowUnit, BeforeValidator(_lower)] = "day"
    funnel_window_days: Annotated[Whole, Field(ge=0)] | None = None
    include_total: Flag = False

    unsupported: ClassVar = (
        *EntityParameters.unsupported,
        Unsupported("exclusions"),
        Unsupported("funnel_custom_steps"),
        Unsupported("funnel_step_breakdown"),
        Unsupported("funnel_from_step"),
        Unsupported("funnel_to_step"),
        Unsupported("entrance_period_start"),
        Unsupported("drop_off"),
        Unsupported("breakdown"),
        Unsupported("breakdowns"),
        Unsupported("breakdown_type"),
        Unsupported("breakdown_value"),
        Unsupported("breakdown_attribution_type"),
        Unsupported("breakdown_attribution_value"),
        Unsupported("breakdown_group_type_index"),
        Unsupported("breakdown_normalize_url"),
        Unsupported("breakdown_histogram_bin_count"),
        Unsupported("aggregation_group_type_index"),
        Unsupported("funnel_aggregate_by_hogql", ("person_id",)),
        Unsupported("include_recordings"),
        Unsupported("sampling_factor", (1, 1.0, "1")),
        # Without funnel_viz_type PostHog reads it as a question for funnel trends.
        Unsupported("display", ("FunnelViz", "ActionsTable", "ActionsPie", "BoldNumber", "ActionsBarValue")),
    )


def funnel_query(
    asked: FunnelParameters, context: Context, earliest_event: Callable[[], datetime | None]
) -> FunnelQuery:
    """The question that the parameters ask. Raises a 400 naming the parameter at fault."""
    number_of_steps = len(asked.events or ()) + len(asked.actions or ())
    if not 2 <= number_of_steps <= MAX_STEPS:
        raise invalid("events", f"Funnels require at least two steps, and at most {MAX_STEPS}.")
    return FunnelQuery(
        project_id=context.project.pk,
        steps=entities(context, asked),
        date_range=date_range(asked, context.project, context.now, earliest_event),
        filter=event_filter(context, asked),
        window=_window(asked),
        furthest=_furthest(asked.funnel_step, number_of_steps),
        limit=asked.limit,
        offset=asked.offset,
    )


def _furthest(funnel_step: int | None, number_of_steps: int) -> tuple[int, ...]:
    try:
        return furthest_steps(funnel_step or 0, number_of_steps)
    except ValueError as error:
        raise invalid(
            "funnel_step", str(error), "required" if funnel_step is None else "invalid_input"
        ) from error


def _window(asked: FunnelParameters) -> ConversionWindow:
    """0 and absent stand for PostHog's default of 14 days; the older `funnel_window_days` counts when the
    interval is absent (spec/decisions.md section 6)."""
    name, value = "funnel_window_interval", asked.funnel_window_interval or 14
    unit = asked.funnel_window_interval_unit
    if asked.funnel_window_interval is None and asked.funnel_window_days:
        name, value, unit = "funnel_window_days", asked.funnel_window_days, "day"
    longest = LONGEST_WINDOW // MICROSECONDS[unit]
    if value > longest:
        raise invalid(name, f"Must be from 0 to {longest} {unit}s.")
    return ConversionWindow(value=value, unit=unit)
