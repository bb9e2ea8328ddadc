from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from clickhouse.client import ClickHouse
from clickhouse.query.trends import TrendsQuery
from clickhouse.recordings import recorded_events
from clickhouse.trends import trends_count, trends_persons, trends_statement
from persons.api.answers.persons import Actors
from persons.api.parameters.trends import (
    SMALLEST_STICKINESS,
    SMALLEST_TREND,
    StickinessParameters,
    TrendParameters,
    stickiness_query,
    trend_query,
)
from persons.api.views.analytics import Analysis, AnalyticsView, Recorded
from persons.openapi.operation import describe

_MOST_RECORDED = 100


class TrendsView(AnalyticsView):
    """``/api/projects/:project_id/persons/trends/`` and ``.../stickiness/``"""

    @describe(TrendParameters, Actors, example=SMALLEST_TREND)
    def trends(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Who did something, and how much.

        `value_at_data_point` is the number of each person: by `entity_math`, the largest first. With
        `date_from`, but for `all`, and `interval`, and without `date_to`: only the interval that begins at
        `date_from`, as for a point of a chart.
        """
        return self.answer(request, self.parameters(TrendParameters, request), _TRENDS)

    @describe(StickinessParameters, Actors, example=SMALLEST_STICKINESS)
    def stickiness(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Who did something in exactly so many intervals.

        `value_at_data_point` is that number. The maths make no difference but for `first_time_for_user`.
        """
        return self.answer(request, self.parameters(StickinessParameters, request), _STICKINESS)


def _recorded(store: ClickHouse, query: TrendsQuery, shown: Sequence[UUID]) -> Recorded:
    return recorded_events(
        store,
        query.project_id,
        persons=shown,
        entity=query.entity,
        date_range=query.date_range,
        asked=query.filter,
        most=_MOST_RECORDED,
    )


_TRENDS = Analysis(
    name="trends",
    query=trend_query,
    statement=trends_statement,
    persons=lambda store, query: dict(trends_persons(store, query)),
    count=trends_count,
    recorded=_recorded,
    date_range=lambda query: query.date_range,
    with_values=True,
)
_STICKINESS = replace(_TRENDS, name="stickiness", query=stickiness_query)
