"""``persons/trends/`` and ``persons/stickiness/``: from PostHog's flat parameters to a TrendsQuery
(spec/posthog-behaviour.md 1.3, 5 and 11, spec/decisions.md section 7)."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict

from clickhouse.query.dates import ABSOLUTE, DateError, DateRange, interval_starts, last_days, one_interval
from clickhouse.query.filters import both
from clickhouse.query.trends import Events, Intervals, Measure, Numbers, Sessions, TrendsQuery
from persons.api.parameters.dates import AskedInterval, DateParameters, date_range
from persons.api.parameters.door import Flag, IncludeTotal, PagingOrFile, Unsupported, Whole
from persons.api.parameters.entities import STATISTICS, EntityParameters
from persons.api.parameters.filters import EventFilterParameters, event_filter
from persons.api.parameters.leaves import Context
from persons.api.parameters.target_entity import Target, TargetEntityParameters, target_entity
from persons.api.parameters.trends_breakdown import TrendBreakdownParameters, breakdown_filter
from persons.errors import invalid, not_supported
from persons.openapi.fields import told

# A year by the hour. The starts of all intervals are part of the question.
MAX_INTERVALS = 10_000
# How many days those are active in whom these count.
_ACTIVE_DAYS = {"weekly_active": 7, "monthly_active": 30}
_OF_EVENTS = (None, "", "event_properties", "numerical_event_properties")

EarliestEvent = Callable[[], datetime | None]


def _without_an_interval(schema: dict[str, Any]) -> None:
    """Generated clients would send the default, and ask about one interval where the whole range is meant."""
    del schema["properties"]["interval"]["default"]


class TrendParameters(
    PagingOrFile, DateParameters, TargetEntityParameters, EventFilterParameters, TrendBreakdownParameters
):
    """The parameters of a trend's persons."""

    model_config = ConfigDict(json_schema_extra=_without_an_interval)

    interval: Annotated[
        AskedInterval,
        told(
            "Decides whether `date_to` is rounded to the end of its hour or of its day, and how long an "
            "interval is; `day` if absent. `minute` is understood as `hour`. In trends, an absolute "
            "`date_from` with an interval and without `date_to` means the interval that starts there.",
            "week",
        ),
    ] = "day"
    include_recordings: Annotated[
        Flag,
        told("Fills `matched_recordings` with the sessions of the first hundred events that count.", True),
    ] = False
    include_total: IncludeTotal = False

    unsupported: ClassVar[tuple[Unsupported, ...]] = (
        *EntityParameters.unsupported,
        *TrendBreakdownParameters.unsupported,
        Unsupported("aggregation_group_type_index"),
        Unsupported("sampling_factor", (1, 1.0, "1")),
    )
    harmless = frozenset({"display"})


class StickinessParameters(TrendParameters):
    """The same of stickiness, and in how many intervals they were active."""

    stickiness_days: Annotated[
        Whole,
        told("In how many intervals, exactly: hours, days, weeks or months.", 1, ge=1, le=MAX_INTERVALS),
    ]


# The least that they need.
SMALLEST_TREND = {"entity_id": "paid", "entity_type": "events"}
SMALLEST_STICKINESS = {**SMALLEST_TREND, "stickiness_days": 1}


def trend_query(asked: TrendParameters, context: Context, earliest_event: EarliestEvent) -> TrendsQuery:
    """The question about a trend. Raises a 400 naming the parameter at fault."""
    target = target_entity(context, asked)
    try:
        asked_range = _range(asked, target, date_range(asked, context.project, context.now, earliest_event))
    except DateError as error:
        raise invalid(error.parameter, str(error)) from error
    return _query(asked, context, target, asked_range, _measure(target))


def stickiness_query(
    asked: StickinessParameters, context: Context, earliest_event: EarliestEvent
) -> TrendsQuery:
    """The question about stickiness. Raises a 400 naming the parameter at fault."""
    target = target_entity(context, asked)
    whole = date_range(asked, context.project, context.now, earliest_event)
    week_start_day = context.project.week_start_day
    try:
        starts = interval_starts(whole, asked.interval, week_start_day=week_start_day, most=MAX_INTERVALS)
    except DateError as error:
        raise invalid(error.parameter, str(error)) from error
    query = _query(asked, context, target, whole, Intervals(starts=starts))
    return query.model_copy(update={"value": asked.stickiness_days})


def _query(
    asked: TrendParameters, context: Context, target: Target, asked_range: DateRange, measure: Measure
) -> TrendsQuery:
    return TrendsQuery(
        project_id=context.project.pk,
        entity=target.entity,
        measure=measure,
        date_range=asked_range,
        filter=both(event_filter(context, asked), breakdown_filter(context, asked)),
        limit=asked.most,
        offset=asked.offset,
    )


def _range(asked: TrendParameters, target: Target, whole: DateRange) -> DateRange:
    """A point of a chart when only its start, an absolute date, is given with an interval; the last days for
    persons who count as active in them; else the whole range."""
    starts_point = asked.date_from is not None and ABSOLUTE.fullmatch(asked.date_from.strip())
    if starts_point and asked.date_to is None and "interval" in asked.model_fields_set:
        whole = one_interval(whole, asked.interval)
    days = _ACTIVE_DAYS.get(target.sent.math or "")
    return whole if days is None else last_days(whole, days, clipped=asked.explicit_date)


def _measure(target: Target) -> Measure:
    """What the math of the entity computes."""
    sent, math = target.sent, target.sent.math
    for name, neutral in (("math_multiplier", 1), ("math_property_revenue_currency", None)):
        if getattr(sent, name) not in (None, neutral):
            raise not_supported(
                target.attr(name), f"`{name}` is not supported by this release; leave it out."
            )
    if math == "unique_session":
        return Sessions()
    if math not in STATISTICS:
        return Events()
    if sent.math_property is None:
        at = "entity_math" if target.path is None else target.attr("math_property")
        raise invalid(
            at, f"{math!r} needs math_property, the name of a property, beside it in `events`.", "required"
        )
    if sent.math_property_type not in _OF_EVENTS or sent.math_property == "$session_duration":
        raise not_supported(
            target.attr("math_property"), "Only properties of events are supported by this release."
        )
    return Numbers(key=sent.math_property, statistic=math)
