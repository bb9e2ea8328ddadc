from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator

from clickhouse.query.dates import DateError, DateRange, Interval, resolve_date_range
from persons.api.parameters.door import Flag, Parameters, Text
from persons.errors import invalid
from persons.models import Project
from persons.openapi.fields import Named, told

# PostHog has buckets of a minute for charts only; persons come by the hour.
AskedInterval = Annotated[
    Annotated[Interval, Named("Interval")],
    BeforeValidator(lambda value: "hour" if value == "minute" else value),
]


class DateParameters(Parameters):
    """The range of a question (spec/decisions.md section 4)."""

    date_from: Annotated[
        Text,
        told(
            "Start of the range: ISO 8601, without an offset in the project's time zone; or relative to "
            "now, like `-7d`, `-24h`, `-1mStart`; or `all`, the project's first event. 7 days ago if "
            "absent.",
            "2024-03-01",
            "-90d",
            "all",
        ),
    ] = None
    date_to: Annotated[
        Text, told("End of the range, inclusive, in the same forms. Now if absent.", "-1d")
    ] = None
    explicit_date: Annotated[
        Flag, told("Takes the dates as they are; otherwise they are rounded to whole days.", True)
    ] = False
    interval: Annotated[
        AskedInterval,
        told(
            "Decides whether `date_to` is rounded to the end of its hour or of its day, and how long a "
            "period of a trend is. `minute` is understood as `hour`.",
            "week",
        ),
    ] = "day"


def date_range(
    asked: DateParameters, project: Project, now: datetime, earliest_event: Callable[[], datetime | None]
) -> DateRange:
    """The moments that the dates of the request stand for. Raises a 400 naming the date.

    A range that ends before it begins is a mistake, but not if it begins with the first event.
    """
    found = dates_of(asked, project, now, earliest_event)
    if found.date_from > found.date_to and (asked.date_from or "").strip() != "all":
        raise invalid(
            "date_from" if asked.date_from else "date_to",
            f"The range would end with `date_to`, {found.date_to.isoformat()}, before its `date_from`, "
            f"{found.date_from.isoformat()}. Without `date_from` it begins 7 days ago, without `date_to` it "
            "ends now.",
        )
    return found


def dates_of(
    asked: DateParameters, project: Project, now: datetime, earliest_event: Callable[[], datetime | None]
) -> DateRange:
    """The same, whichever comes first."""
    try:
        return resolve_date_range(
            asked.date_from,
            asked.date_to,
            timezone=project.timezone,
            now=now,
            interval=asked.interval,
            explicit_date=asked.explicit_date,
            earliest_event=earliest_event,
        )
    except DateError as error:
        raise invalid(error.parameter, str(error)) from error
