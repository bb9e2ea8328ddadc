from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from clickhouse.values import distinct_ids, property_values
from persons.api.answers.persons import PropertyValues
from persons.api.paging import page_url
from persons.api.parameters.values import DISTINCT_ID, ValuesParameters, values_query
from persons.api.views.base import ProjectViewSet
from persons.openapi.operation import describe
from persons.stores import clickhouse


class ValuesView(ProjectViewSet):
    """``/api/projects/:project_id/persons/values/``"""

    scope_object = "person"
    queries = {"values"}
    read_only_post = True

    @describe(ValuesParameters, PropertyValues, example={"key": "plan"})
    def values(self, request: Request, **kwargs: Any) -> Response:
        """Which values a person property has, for whoever chooses one."""
        asked = self.parameters(ValuesParameters, request)
        query = values_query(self.project, asked)
        look_up = distinct_ids if asked.key == DISTINCT_ID else property_values
        found = look_up(clickhouse(), query) if query else []
        following = page_url(request, offset=asked.offset + asked.limit)
        return Response(
            {
                "results": [{"name": name, "count": persons} for name, persons in found[: asked.limit]],
                "next": following if len(found) > asked.limit else None,
                "refreshing": False,
            },
            headers={"Cache-Control": "no-store" if asked.wait_until_visible else "max-age=10"},
        )
