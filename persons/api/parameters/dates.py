from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator

from clickhouse.query.dates import DateError, DateRange, Interval, resolve_date_range
from persons.api.parameters.door import Flag, Parameters, Text
from persons.errors import invalid
from persons.models import Project


class DateParameters(Parameters):
    """The range of a question (spec/decisions.md section 4)."""

    date_from: Text = None
    date_to: Text = None
    explicit_date: Flag = False
    # PostHog has buckets of a minute for charts only; persons come by the hour.
    interval: Annotated[Interval, BeforeValidator(lambda value: "hour" if value == "minute" else value)] = (
        "day"
    )


def date_range(
    asked: DateParameters, project: Project, now: datetime, earliest_event: Callable[[], datetime | None]
) -> DateRange:
    """The moments that the dates of the request stand for. Raises a 400 naming the date."""
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
