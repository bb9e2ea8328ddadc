from datetime import UTC, datetime
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from clickhouse.events import earliest_event
from clickhouse.lifecycle import (
    lifecycle_count,
    lifecycle_persons,
    lifecycle_recordings,
    lifecycle_statement,
)
from persons.api.answers.persons import Actors
from persons.api.envelope import Page, envelope
from persons.api.files.answer import actors_file
from persons.api.parameters.leaves import Context
from persons.api.parameters.lifecycle import SMALLEST_LIFECYCLE, LifecycleParameters, lifecycle_query
from persons.api.stores import clickhouse
from persons.api.views.base import ProjectViewSet
from persons.openapi.operation import describe


class LifecycleView(ProjectViewSet):
    """``/api/projects/:project_id/persons/lifecycle/``"""

    scope_object = "person"
    read_only_post = True

    @describe(LifecycleParameters, Actors, example=SMALLEST_LIFECYCLE)
    def lifecycle(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Who was new, returning, resurrecting or dormant in a period."""
        asked = self.parameters(LifecycleParameters, request)
        store, now = clickhouse(), datetime.now(UTC)
        context = Context(self.project, now)
        query = lifecycle_query(asked, context, lambda: earliest_event(store, self.project.pk))
        if asked.format != "json":
            return actors_file(
                asked.format, "lifecycle", self.project, lifecycle_statement(query), limit=query.limit
            )
        found = lifecycle_persons(store, query)
        shown = found[: query.limit]
        return Response(
            envelope(
                request,
                self.project,
                found,
                page=Page(query.limit, query.offset),
                date_range=query.periods.dates(self.project.timezone),
                now=now,
                total=lifecycle_count(store, query) if asked.include_total else None,
                recorded=lifecycle_recordings(store, query, shown) if asked.include_recordings else None,
            )
        )
