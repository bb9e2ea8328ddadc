"""What every analytics endpoint answers with (spec/decisions.md section 3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from rest_framework.request import Request

from clickhouse.query.dates import DateRange
from clickhouse.recordings import RecordedEvent
from persons.api.actors import actors
from persons.api.paging import page_url
from persons.models import Project


class Page(NamedTuple):
    """Which page it is, and what the parameter is called that says where it begins."""

    limit: int
    offset: int
    parameter: str = "offset"


def envelope(
    request: Request,
    project: Project,
    found: Sequence[UUID],
    *,
    page: Page,
    date_range: DateRange,
    now: datetime,
    values: Mapping[UUID, float | None] | None = None,
    total: int | None = None,
    recorded: Mapping[UUID, Sequence[RecordedEvent]] | None = None,
) -> dict[str, Any]:
    """One page of actors. ``found`` has one id more than the page when there is a next one; ``values`` are
    their values at the data point. ``total`` is the number of actors over all pages, where it was asked
    for."""
    wanted = found[: page.limit]
    people = actors(project, wanted, recorded or {}, values or {})
    following = page_url(request, **{page.parameter: page.offset + page.limit})
    answer = {
        "results": [{"people": people, "count": len(people)}],
        "next": following if len(found) > page.limit else None,
        "initial": page_url(request, **{page.parameter: 0}) if page.offset else page_url(request),
        "missing_persons": len(wanted) - len(people),
        "is_cached": False,
        "last_refresh": now,
        "resolved_date_range": {
            "date_from": date_range.date_from,
            "date_to": date_range.date_to,
            "timezone": date_range.timezone,
        },
    }
    return answer if total is None else {**answer, "total_count": total}
