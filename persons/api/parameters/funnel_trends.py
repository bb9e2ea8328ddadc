"""Persons of funnel trends: those whose path began in one bucket (spec/posthog-behaviour.md 4.6)."""

from collections.abc import Sequence
from typing import Annotated
from zoneinfo import ZoneInfo

from clickhouse.query.conditions import Span
from clickhouse.query.dates import Interval
from clickhouse.query.funnel import Exclusion
from clickhouse.query.wall_clock import bucket
from persons.api.parameters.door import Flag, Parameters, Text
from persons.api.parameters.funnel_steps import StepRange
from persons.api.parameters.leaves import Context, moment_of
from persons.errors import invalid, not_supported
from persons.openapi.fields import told

# With what else an example of trends works.
TRENDS = {"funnel_viz_type": "trends", "entrance_period_start": "2024-03-11", "interval": "week"}


class TrendsParameters(Parameters):
    """Which bucket, and whether those who converted or those who did not."""

    entrance_period_start: Annotated[
        Text,
        told(
            "In trends, and required there: a moment in the period in which the path began, the hour, day, "
            "week or month of `interval`.",
            "2024-03-11",
            needs={"funnel_viz_type": "trends"},
        ),
    ] = None
    drop_off: Annotated[
        Flag,
        told(
            "In trends: those who did not get to `funnel_to_step`, instead of those who did. Not together "
            "with `exclusions`.",
            True,
            needs=TRENDS,
        ),
    ] = False


def entrance(context: Context, asked: TrendsParameters, interval: Interval) -> Span:
    """The bucket that the start of the period is in."""
    at = "entrance_period_start"
    if asked.entrance_period_start is None:
        missing = "Actors parameter `funnelTrendsEntrancePeriodStart` must be provided funnel trends persons!"
        raise invalid(at, missing, "required")
    moment, zone = moment_of(context, asked.entrance_period_start, at), ZoneInfo(context.project.timezone)
    start, end = bucket(moment, interval, zone, week_start_day=context.project.week_start_day)
    return Span(start=start, end=end)


def clipped(exclusions: Sequence[Exclusion], to_step: int) -> tuple[Exclusion, ...]:
    """What of the exclusions concerns the way to a step."""
    return tuple(
        each.model_copy(update={"to_step": min(each.to_step, to_step)})
        for each in exclusions
        if each.from_step < to_step
    )


def furthest_of_bucket(
    asked: TrendsParameters, between: StepRange, exclusions: Sequence[Exclusion]
) -> tuple[int, ...]:
    """The furthest steps, counted from 1: the last one, or from the first one on those before the last."""
    from_step, to_step = between
    if not asked.drop_off:
        return (to_step + 1,)
    if exclusions:
        # Whose path was spoilt would be neither here nor there.
        raise not_supported(
            "exclusions", "Exclusions are not supported with drop_off in funnel trends by this release."
        )
    return tuple(range(from_step + 1, to_step + 1))
