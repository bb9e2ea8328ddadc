from datetime import UTC, datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from clickhouse.events import earliest_event
from clickhouse.funnel import funnel_count, funnel_persons
from persons.api.envelope import envelope
from persons.api.parameters.funnel import FunnelParameters, funnel_query
from persons.api.parameters.leaves import Context
from persons.api.stores import clickhouse
from persons.api.views.base import ProjectViewSet


class FunnelView(ProjectViewSet):
    """``/api/projects/:project_id/persons/funnel/``"""

    scope_object = "person"
    read_only_post = True

    def funnel(self, request: Request, **kwargs: Any) -> Response:
        """Who got how far through a funnel."""
        asked = self.parameters(FunnelParameters, request)
        store, now = clickhouse(), datetime.now(UTC)
        context = Context(self.project, now)
        query = funnel_query(asked, context, lambda: earliest_event(store, self.project.pk))
        found = funnel_persons(store, query)
        total = funnel_count(store, query) if asked.include_total else None
        return Response(
            envelope(
                request, self.project, found, page=asked, date_range=query.date_range, now=now, total=total
            )
        )
