from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from clickhouse.client import ClickHouse
from clickhouse.correlation import correlation_count, correlation_persons, correlation_statement
from clickhouse.funnel import funnel_count, funnel_persons, funnel_statement
from clickhouse.query.correlation import CorrelationQuery
from clickhouse.query.filters import EVERYTHING
from clickhouse.query.funnel import FunnelQuery
from clickhouse.recordings import recorded_events
from persons.api.answers.persons import Actors
from persons.api.parameters.correlation import (
    SMALLEST_CORRELATION,
    CorrelationParameters,
    correlation_query,
)
from persons.api.parameters.funnel import SMALLEST_FUNNEL, FunnelParameters, funnel_query
from persons.api.views.analytics import Analysis, AnalyticsView, Recorded
from persons.openapi.operation import describe


class FunnelView(AnalyticsView):
    """``/api/projects/:project_id/persons/funnel/``"""

    @describe(FunnelParameters, Actors, example=SMALLEST_FUNNEL)
    def funnel(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Who got how far through a funnel.

        2 to 20 steps. The conversion window runs from step 1; what counts is the furthest step ever reached.
        Persons come in the order of their uuid, each of them once.
        """
        return self.answer(request, self.parameters(FunnelParameters, request), _FUNNEL)

    @describe(CorrelationParameters, Actors, example=SMALLEST_CORRELATION)
    def correlation(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Who of a funnel did something on the way.

        Or had a property. On the way is after step 1 of the path that got furthest, and before its last step,
        or before the end of the window when it did not get there.
        """
        return self.answer(request, self.parameters(CorrelationParameters, request), _CORRELATION)


def _recorded(store: ClickHouse, query: FunnelQuery, shown: Sequence[UUID]) -> Recorded:
    """Of the step that was asked for: the last one that all of these persons have reached."""
    return recorded_events(
        store,
        query.project_id,
        persons=shown,
        entity=query.steps[query.furthest[0] - 1],
        date_range=query.date_range,
        asked=query.filter,
    )


def _correlated(store: ClickHouse, query: CorrelationQuery, shown: Sequence[UUID]) -> Recorded:
    """Of what was done on the way, else of the first step."""
    funnel = query.funnel
    return recorded_events(
        store,
        funnel.project_id,
        persons=shown,
        entity=query.entity or funnel.steps[0],
        date_range=funnel.date_range,
        asked=EVERYTHING if query.entity else funnel.filter,
    )


_FUNNEL = Analysis(
    name="funnel",
    query=funnel_query,
    statement=funnel_statement,
    persons=funnel_persons,
    count=funnel_count,
    recorded=_recorded,
    date_range=lambda query: query.date_range,
)
_CORRELATION = Analysis(
    name="correlation",
    query=correlation_query,
    statement=correlation_statement,
    persons=correlation_persons,
    count=correlation_count,
    recorded=_correlated,
    date_range=lambda query: query.funnel.date_range,
    offset="funnel_correlation_person_offset",
)
