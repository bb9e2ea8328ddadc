"""What every analytics endpoint answers with (spec/decisions.md section 3)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from rest_framework.request import Request

from clickhouse.query.dates import DateRange
from persons.api.actors import actors
from persons.api.paging import page_url
from persons.api.parameters.door import Paging
from persons.models import Project


def envelope(
    request: Request,
    project: Project,
    found: Sequence[UUID],
    *,
    page: Paging,
    date_range: DateRange,
    now: datetime,
    total: int | None = None,
) -> dict[str, Any]:
    """One page of actors. ``found`` has one id more than the page when there is a next one; ``total`` is the
    number of actors over all pages, where it was asked for."""
    wanted = found[: page.limit]
    people = actors(project, wanted)
    answer = {
        "results": [{"people": people, "count": len(people)}],
        "next": page_url(request, offset=page.offset + page.limit) if len(found) > page.limit else None,
        "initial": page_url(request, offset=0) if page.offset else page_url(request),
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
