"""``persons/funnel/``: from PostHog's flat parameters to a FunnelQuery (spec/posthog-behaviour.md 1.1)."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from clickhouse.query.filters import Entity, both
from clickhouse.query.funnel import (
    LONGEST_WINDOW,
    MAX_STEPS,
    MICROSECONDS,
    ConversionWindow,
    FunnelQuery,
    Order,
    WindowUnit,
)
from persons.api.parameters.dates import DateParameters, date_range
from persons.api.parameters.door import Flag, IncludeTotal, PagingOrFile, Unsupported, Whole
from persons.api.parameters.entities import (
    COUNTING_MATH,
    FIRST_TIME,
    STEPS,
    EntityParameters,
    entities,
)
from persons.api.parameters.filters import EventFilterParameters, event_filter
from persons.api.parameters.funnel_breakdown import FunnelBreakdownParameters, breakdown
from persons.api.parameters.funnel_exclusions import ExclusionParameters, exclusions
from persons.api.parameters.funnel_steps import StepParameters, furthest, step_range
from persons.api.parameters.funnel_trends import TrendsParameters, clipped, entrance, furthest_of_bucket
from persons.api.parameters.leaves import Context
from persons.errors import invalid, not_supported
from persons.openapi.fields import DescribedAs, Named, told

_MATH = frozenset({*COUNTING_MATH, FIRST_TIME})


class FunnelDefinition(
    DateParameters,
    EntityParameters,
    EventFilterParameters,
    StepParameters,
    ExclusionParameters,
    FunnelBreakdownParameters,
    TrendsParameters,
):
    """A funnel, and whom of it is asked for. Those in ``unsupported`` exist, and are refused by name."""

    funnel_order_type: Annotated[
        Annotated[Order, Named("FunnelOrderType")],
        told("`strict`: nothing else in between. `unordered`: in any order, within one window.", "strict"),
    ] = "ordered"
    funnel_viz_type: Annotated[
        Annotated[Literal["steps", "time_to_convert", "trends"], Named("FunnelVizType")] | None,
        told(
            "`steps` and `time_to_convert` mean the same persons. `trends`: those whose path began in one "
            "period, see `entrance_period_start`.",
            "time_to_convert",
        ),
    ] = None
    # Has no effect, but that PostHog reads a line graph without funnel_viz_type as funnel trends.
    display: Annotated[
        Any,
        DescribedAs(str),
        told(
            "Without `funnel_viz_type`, `ActionsLineGraph` means `trends`. No effect otherwise.",
            "ActionsLineGraph",
            needs={"entrance_period_start": "2024-03-11"},
        ),
    ] = None
    funnel_window_interval: Annotated[
        Annotated[Whole, Field(ge=0)] | None,
        told(
            "How long after step 1 the other steps may come, the last microsecond included. 14 if absent or "
            "0.",
            30,
        ),
    ] = None
    funnel_window_interval_unit: Annotated[
        Annotated[WindowUnit, Named("FunnelWindowUnit")],
        told("Its unit. A month has 31 days.", "hour", needs={"funnel_window_interval": 48}),
    ] = "day"
    funnel_window_days: Annotated[
        Annotated[Whole, Field(ge=0)] | None,
        told("The same in days, when `funnel_window_interval` is absent.", 7),
    ] = None
    include_recordings: Annotated[
        Flag,
        told(
            "Fills `matched_recordings` with the sessions of the events of the step that was reached.", True
        ),
    ] = False
    include_total: IncludeTotal = False

    unsupported: ClassVar = (
        *EntityParameters.unsupported,
        *FunnelBreakdownParameters.unsupported,
        Unsupported("aggregation_group_type_index"),
        Unsupported("funnel_aggregate_by_hogql", ("person_id",)),
        Unsupported("sampling_factor", (1, 1.0, "1")),
    )

    @property
    def is_of_trends(self) -> bool:
        """Whether it is one bucket of funnel trends that is asked about."""
        if self.funnel_viz_type is None:
            return str(self.display).lower() == "actionslinegraph"
        return self.funnel_viz_type == "trends"


# The least that a funnel needs.
SMALLEST_FUNNEL = {"events": STEPS, "funnel_step": 2}


class FunnelParameters(PagingOrFile, FunnelDefinition):
    """The parameters of a funnel's persons."""


def funnel_query(
    asked: FunnelParameters, context: Context, earliest_event: Callable[[], datetime | None]
) -> FunnelQuery:
    """The question that the parameters ask. Raises a 400 naming the parameter at fault."""
    return unpaged_query(asked, context, earliest_event).model_copy(
        update={"limit": asked.most, "offset": asked.offset}
    )


def unpaged_query(
    asked: FunnelDefinition, context: Context, earliest_event: Callable[[], datetime | None]
) -> FunnelQuery:
    """The same without regard to pages."""
    steps, order = _steps(asked, context), asked.funnel_order_type
    between = step_range(asked, len(steps))
    spoilers = exclusions(context, asked, steps, order)
    bucket = None
    if asked.is_of_trends:
        if order == "unordered":
            raise not_supported("funnel_order_type", "Funnel trends are not supported for unordered funnels.")
        bucket = entrance(context, asked, asked.interval)
        # How it goes on after the last step that is asked about does not matter.
        steps, spoilers = steps[: between.to_step + 1], clipped(spoilers, between.to_step)
        reached = furthest_of_bucket(asked, between, spoilers)
    else:
        reached = furthest(asked, len(steps))
    by = breakdown(context, asked, len(steps))
    return FunnelQuery(
        project_id=context.project.pk,
        steps=steps,
        date_range=date_range(asked, context.project, context.now, earliest_event),
        filter=both(event_filter(context, asked), by.of_persons),
        order=order,
        window=_window(asked),
        exclusions=spoilers,
        breakdown=by.of_events,
        entrance=bucket,
        furthest=reached,
    )


def _steps(asked: FunnelDefinition, context: Context) -> tuple[Entity, ...]:
    number_of_steps = len(asked.events or ()) + len(asked.actions or ())
    if not 2 <= number_of_steps <= MAX_STEPS:
        raise invalid("events", f"Funnels require at least two steps, and at most {MAX_STEPS}.")
    return entities(context, asked, math=_MATH)


def _window(asked: FunnelDefinition) -> ConversionWindow:
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
