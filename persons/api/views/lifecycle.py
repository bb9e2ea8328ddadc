from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from clickhouse.lifecycle import (
    lifecycle_count,
    lifecycle_persons,
    lifecycle_recordings,
    lifecycle_statement,
)
from persons.api.answers.persons import Actors
from persons.api.parameters.lifecycle import SMALLEST_LIFECYCLE, LifecycleParameters, lifecycle_query
from persons.api.views.analytics import Analysis, AnalyticsView
from persons.openapi.operation import describe


class LifecycleView(AnalyticsView):
    """``/api/projects/:project_id/persons/lifecycle/``"""

    @describe(LifecycleParameters, Actors, example=SMALLEST_LIFECYCLE)
    def lifecycle(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Who was new, returning, resurrecting or dormant in a period."""
        return self.answer(request, self.parameters(LifecycleParameters, request), _LIFECYCLE)


_LIFECYCLE = Analysis(
    name="lifecycle",
    query=lifecycle_query,
    statement=lifecycle_statement,
    persons=lifecycle_persons,
    count=lifecycle_count,
    recorded=lifecycle_recordings,
    date_range=lambda query: query.periods.dates(query.date_range.timezone),
)
