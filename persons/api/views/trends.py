from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from clickhouse.events import earliest_event
from clickhouse.query.trends import TrendsQuery
from clickhouse.recordings import recorded_events
from clickhouse.trends import trends_count, trends_persons, trends_statement
from persons.api.answers.persons import Actors
from persons.api.envelope import Page, envelope
from persons.api.files.answer import actors_file
from persons.api.parameters.leaves import Context
from persons.api.parameters.trends import (
    SMALLEST_STICKINESS,
    SMALLEST_TREND,
    StickinessParameters,
    TrendParameters,
    stickiness_query,
    trend_query,
)
from persons.api.stores import clickhouse
from persons.api.views.base import ProjectViewSet
from persons.openapi.operation import describe

_MOST_RECORDED = 100


class TrendsView(ProjectViewSet):
    """``/api/projects/:project_id/persons/trends/`` and ``.../stickiness/``"""

    scope_object = "person"
    read_only_post = True

    @describe(TrendParameters, Actors, example=SMALLEST_TREND)
    def trends(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Who did something, and how much.

        `value_at_data_point` is the number of each person: by `entity_math`, the largest first. With
        `date_from`, but for `all`, and `interval`, and without `date_to`: only the interval that begins at
        `date_from`, as for a point of a chart.
        """
        return self._answer(request, "trends", self.parameters(TrendParameters, request), trend_query)

    @describe(StickinessParameters, Actors, example=SMALLEST_STICKINESS)
    def stickiness(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Who did something in exactly so many intervals.

        `value_at_data_point` is that number. The maths make no difference but for `first_time_for_user`.
        """
        asked = self.parameters(StickinessParameters, request)
        return self._answer(request, "stickiness", asked, stickiness_query)

    def _answer(
        self, request: Request, name: str, asked: Any, question: Callable[..., TrendsQuery]
    ) -> HttpResponseBase:
        store, now = clickhouse(), datetime.now(UTC)
        query = question(asked, Context(self.project, now), lambda: earliest_event(store, self.project.pk))
        if asked.format != "json":
            statement = trends_statement(query)
            return actors_file(
                asked.format, name, self.project, statement, limit=query.limit, with_values=True
            )
        found = trends_persons(store, query)
        uuids = [actor.uuid for actor in found]
        recorded = None
        if asked.include_recordings:
            recorded = recorded_events(
                store,
                query.project_id,
                persons=uuids[: query.limit],
                entity=query.entity,
                date_range=query.date_range,
                asked=query.filter,
                most=_MOST_RECORDED,
            )
        return Response(
            envelope(
                request,
                self.project,
                uuids,
                page=Page(query.limit, query.offset),
                date_range=query.date_range,
                now=now,
                values=dict(found),
                total=trends_count(store, query) if asked.include_total else None,
                recorded=recorded,
            )
        )
