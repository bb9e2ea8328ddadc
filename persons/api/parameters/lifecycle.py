"""``persons/lifecycle/``: from its parameters to a LifecycleQuery (spec/posthog-behaviour.md 1.4)."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, ClassVar, get_args
from zoneinfo import ZoneInfo

from clickhouse.query.lifecycle import LifecycleQuery, LifecycleType
from persons.api.parameters.dates import DateParameters, dates_of
from persons.api.parameters.door import Flag, IncludeTotal, PagingOrFile, Text, Unsupported
from persons.api.parameters.entities import COUNTING_MATH, OneEntityParameters, entities
from persons.api.parameters.filters import EventFilterParameters, event_filter
from persons.api.parameters.leaves import Context, moment_of
from persons.errors import Invalid, invalid
from persons.openapi.fields import Named, told


class LifecycleParameters(PagingOrFile, DateParameters, OneEntityParameters, EventFilterParameters):
    """Which persons, of which period of which range. Those in ``unsupported`` are refused by name."""

    target_date: Annotated[
        Text,
        told(
            "A moment in the period that is asked about, the hour, day, week or month of `interval`; "
            "ISO 8601 or relative.",
            "-1d",
            required=True,
        ),
    ] = None
    lifecycle_type: Annotated[
        Annotated[LifecycleType, Named("LifecycleType")] | None,
        told(
            "`returning`: did it in the period and in the one before. `dormant`: in that one, but "
            "not in this one. `new`: in this one, was created in it, and in none before. `resurrecting`: in "
            "this one, not in the one before, and is not new.",
            *get_args(LifecycleType),
            required=True,
        ),
    ] = None
    include_recordings: Annotated[
        Flag, told("Fills `matched_recordings` with the sessions of the persons' events.", True)
    ] = False
    include_total: IncludeTotal = False

    unsupported: ClassVar = (
        *OneEntityParameters.unsupported,
        Unsupported("aggregation_group_type_index"),
        Unsupported("sampling_factor", (1, 1.0, "1")),
    )
    harmless: ClassVar = frozenset({"display"})


# The least that a lifecycle needs.
SMALLEST_LIFECYCLE = {"events": [{"id": "paid"}], "target_date": "-1d", "lifecycle_type": "new"}


def lifecycle_query(
    asked: LifecycleParameters, context: Context, earliest_event: Callable[[], datetime | None]
) -> LifecycleQuery:
    """The question that the parameters ask. Raises a 400 naming the parameter at fault."""
    if asked.target_date is None:
        raise _missing("target_date", "Must include specified date")
    if asked.lifecycle_type is None:
        raise _missing("lifecycle_type", "Must include lifecycle type")
    if len(asked.events or ()) + len(asked.actions or ()) != 1:
        raise invalid("events", "Lifecycle takes exactly one event or action.")
    (entity,) = entities(context, asked, math=COUNTING_MATH)
    target = moment_of(context, asked.target_date, "target_date")
    dates = dates_of(asked, context.project, context.now, earliest_event)
    # What is not given is where the target is, rather than PostHog's last seven days.
    last = dates.date_to if asked.date_to else target
    first = dates.date_from if asked.date_from else min(target, last)
    query = LifecycleQuery(
        project_id=context.project.pk,
        entity=entity,
        lifecycle_type=asked.lifecycle_type,
        target_date=target,
        date_range=dates.model_copy(update={"date_from": first, "date_to": last}),
        interval=asked.interval,
        week_start_day=context.project.week_start_day,
        filter=event_filter(context, asked),
        limit=asked.most,
        offset=asked.offset,
    )
    if not query.can_have_persons:
        raise _outside(query)
    return query


def _missing(name: str, detail: str) -> Invalid:
    return Invalid(name, detail, "required", also={"message": "Missing parameter"})


def _outside(query: LifecycleQuery) -> Exception:
    """Nobody could be found, whatever happened: an empty answer would pass for one."""
    if query.periods.start >= query.periods.end:
        return invalid("date_from", "Must not be later than date_to, or without it than target_date.")
    zone = ZoneInfo(query.date_range.timezone)
    start, end = (each.astimezone(zone).isoformat() for each in query.periods)
    return invalid(
        "target_date",
        f"Must be within the range of date_from and date_to, that is from {start} and before {end}; for "
        f"dormant also in the {query.interval} after it.",
    )
