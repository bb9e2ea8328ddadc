from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from persons.api.parameters.door import Paging
from persons.api.views.base import ProjectViewSet

# What clients of PostHog read besides, and this service does not keep: the names of the lists.
NOT_KEPT = ("annotations", "dashboards", "experiments", "feature_flags", "insights")


class NotKeptView(ProjectViewSet):
    """A list of PostHog's that is always empty here, so that clients that read everything go on. Any key that
    sees the project may ask: there is nothing to be seen."""

    schema = None  # of the OpenAPI description
    postgres_only = frozenset({"list"})

    def list(self, request: Request, **kwargs: Any) -> Response:
        self.parameters(Paging, request)
        return Response({"count": 0, "next": None, "previous": None, "results": []})
