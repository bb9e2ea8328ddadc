from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from persons.api.actors import persons_by_uuid
from persons.api.answers.persons import FoundPersons
from persons.api.parameters.batches import DistinctIdsParameters, UuidsParameters
from persons.api.rows import rows
from persons.api.views.base import ProjectViewSet
from persons.models import PersonDistinctId
from persons.openapi.operation import describe

# What is in an answer of many persons, each of whom may have very many.
MAX_DISTINCT_IDS = 10


class BatchView(ProjectViewSet):
    """``/api/projects/:project_id/persons/batch_by_.../``: many persons at once, without ids of nobody."""

    scope_object = "person"
    read_only_post = True
    postgres_only = frozenset({"by_distinct_ids", "by_uuids"})

    @describe(DistinctIdsParameters, FoundPersons)
    def by_distinct_ids(self, request: Request, **kwargs: Any) -> Response:
        """Many persons at once, by their distinct ids."""
        asked = self.parameters(DistinctIdsParameters, request)
        owners = PersonDistinctId.objects.filter(
            project=self.project, distinct_id__in=asked.distinct_ids, person__isnull=False
        ).values_list("distinct_id", "person__uuid")
        by_id = dict(owners)
        found = self._found(set(by_id.values()))
        known = (each for each in asked.distinct_ids if by_id.get(each) in found)
        return Response({"results": {each: found[by_id[each]] for each in known}})

    @describe(UuidsParameters, FoundPersons)
    def by_uuids(self, request: Request, **kwargs: Any) -> Response:
        """Many persons at once, by their uuids."""
        asked = self.parameters(UuidsParameters, request)
        found = self._found(set(asked.uuids))
        return Response({"results": {str(uuid): fields for uuid, fields in found.items()}})

    def _found(self, uuids: set[UUID]) -> dict[UUID, Any]:
        persons = persons_by_uuid(self.project, list(uuids))
        return {row["uuid"]: _shortened(row) for row in rows(self.project, persons.values())}


def _shortened(row: dict[str, Any]) -> dict[str, Any]:
    shown = row["distinct_ids"][:MAX_DISTINCT_IDS]
    more = row["distinct_ids_count"] > len(shown)
    return {**row, "distinct_ids": shown, "distinct_ids_truncated": more}
