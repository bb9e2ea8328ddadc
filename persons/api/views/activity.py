from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from persons.api.answers.changes import ActivityPage
from persons.api.paging import page_url
from persons.api.parameters.changes import ActivityParameters
from persons.api.persons import by_id, person_of
from persons.api.serializers import user_fields
from persons.api.views.base import ProjectViewSet
from persons.models import ActivityLog
from persons.openapi.operation import describe


class ActivityView(ProjectViewSet):
    """What was done to persons, newest first."""

    scope_object = "activity_log"
    postgres_only = frozenset({"of_all", "of_person"})

    @describe(ActivityParameters, ActivityPage, operation_id="persons_all_activity_retrieve")
    def of_all(self, request: Request, **kwargs: Any) -> Response:
        """What was done to the persons of the project."""
        return self._page(request, ActivityLog.objects.filter(project=self.project))

    @describe(ActivityParameters, ActivityPage)
    def of_person(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """What was done to a person.

        Also to one that has been deleted, by its uuid.
        """
        entries = ActivityLog.objects.filter(project=self.project)
        uuid = by_id(person_id, "id").get("uuid")
        if isinstance(uuid, UUID) and (own := entries.filter(person_uuid=uuid)).exists():
            return self._page(request, own)
        return self._page(request, entries.filter(person_uuid=person_of(self.project, person_id).uuid))

    def _page(self, request: Request, entries: QuerySet[ActivityLog]) -> Response:
        asked = self.parameters(ActivityParameters, request)
        count, start = entries.count(), (asked.page - 1) * asked.limit
        page = entries.select_related("user", "key").order_by("-pk")[start : start + asked.limit]
        more = start + asked.limit < count
        return Response(
            {
                "results": [_fields(entry) for entry in page],
                "next": page_url(request, page=asked.page + 1) if more else None,
                "previous": page_url(request, page=asked.page - 1) if asked.page > 1 else None,
                "total_count": count,
            }
        )


def _fields(entry: ActivityLog) -> dict[str, Any]:
    return {
        "id": entry.pk,
        "user": user_fields(entry.user) if entry.user else None,
        "key": {"id": entry.key.pk, "label": entry.key.label} if entry.key else None,
        "activity": entry.activity,
        "scope": "Person",
        "item_id": entry.person_uuid,
        "detail": entry.detail,
        "created_at": entry.created_at,
    }
