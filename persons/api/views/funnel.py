from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from clickhouse.client import ClickHouse
from clickhouse.correlation import correlation_count, correlation_persons, correlation_statement
from clickhouse.events import earliest_event
from clickhouse.funnel import funnel_count, funnel_persons, funnel_statement
from clickhouse.query.correlation import CorrelationQuery
from clickhouse.query.filters import EVERYTHING
from clickhouse.query.funnel import FunnelQuery
from clickhouse.recordings import RecordedEvent, recorded_events
from persons.api.answers.persons import Actors
from persons.api.envelope import Page, envelope
from persons.api.files.answer import actors_file
from persons.api.parameters.correlation import (
    SMALLEST_CORRELATION,
    CorrelationParameters,
    correlation_query,
)
from persons.api.parameters.funnel import SMALLEST_FUNNEL, FunnelParameters, funnel_query
from persons.api.parameters.leaves import Context
from persons.api.stores import clickhouse
from persons.api.views.base import ProjectViewSet
from persons.openapi.operation import describe

Recorded = Mapping[UUID, Sequence[RecordedEvent]]


class FunnelView(ProjectViewSet):
    """``/api/projects/:project_id/persons/funnel/``"""

    scope_object = "person"
    read_only_post = True

    @describe(FunnelParameters, Actors, example=SMALLEST_FUNNEL)
    def funnel(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Who got how far through a funnel.

        2 to 20 steps. The conversion window runs from step 1; what counts is the furthest step ever reached.
        Persons come in the order of their uuid, each of them once.
        """
        asked = self.parameters(FunnelParameters, request)
        store, now = clickhouse(), datetime.now(UTC)
        context = Context(self.project, now)
        query = funnel_query(asked, context, lambda: earliest_event(store, self.project.pk))
        if asked.format != "json":
            return actors_file(
                asked.format, "funnel", self.project, funnel_statement(query), limit=query.limit
            )
        found = funnel_persons(store, query)
        return Response(
            envelope(
                request,
                self.project,
                found,
                page=Page(query.limit, query.offset),
                date_range=query.date_range,
                now=now,
                total=funnel_count(store, query) if asked.include_total else None,
                recorded=_recorded(store, query, found) if asked.include_recordings else None,
            )
        )

    @describe(CorrelationParameters, Actors, example=SMALLEST_CORRELATION)
    def correlation(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Who of a funnel did something on the way.

        Or had a property. On the way is after step 1 of the path that got furthest, and before its last step,
        or before the end of the window when it did not get there.
        """
        asked = self.parameters(CorrelationParameters, request)
        store, now = clickhouse(), datetime.now(UTC)
        context = Context(self.project, now)
        query = correlation_query(asked, context, lambda: earliest_event(store, self.project.pk))
        if asked.format != "json":
            return actors_file(
                asked.format, "correlation", self.project, correlation_statement(query), limit=query.limit
            )
        found = correlation_persons(store, query)
        return Response(
            envelope(
                request,
                self.project,
                found,
                page=Page(query.limit, query.offset, parameter="funnel_correlation_person_offset"),
                date_range=query.funnel.date_range,
                now=now,
                total=correlation_count(store, query) if asked.include_total else None,
                recorded=_correlated(store, query, found) if asked.include_recordings else None,
            )
        )


def _recorded(store: ClickHouse, query: FunnelQuery, found: Sequence[UUID]) -> Recorded:
    """Of the step that was asked for: the last one that all of these persons have reached."""
    return recorded_events(
        store,
        query.project_id,
        persons=found[: query.limit],
        entity=query.steps[query.furthest[0] - 1],
        date_range=query.date_range,
        asked=query.filter,
    )


def _correlated(store: ClickHouse, query: CorrelationQuery, found: Sequence[UUID]) -> Recorded:
    """Of what was done on the way, else of the first step."""
    funnel = query.funnel
    return recorded_events(
        store,
        funnel.project_id,
        persons=found[: query.limit],
        entity=query.entity or funnel.steps[0],
        date_range=funnel.date_range,
        asked=EVERYTHING if query.entity else funnel.filter,
    )
