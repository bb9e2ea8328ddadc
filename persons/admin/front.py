"""The front page: how the stores are, and what happened lately in the current project."""

from typing import Any

from django.contrib import admin
from django.db import connection
from django.http import HttpRequest

from persons.admin import store
from persons.admin.access import current_project
from persons.models import ActivityLog, Deletion, Outbox, PersonDistinctId, ProjectErasure

admin.site.index_title = "Overview"
admin.site.index_template = "persons/admin/front.html"

_LATEST = 8


def front(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What its template shows."""
    project = current_project(request)
    pending, oldest_seconds = Outbox.backlog()
    context.update(
        project=project,
        postgres=connection.get_database_version()[0],
        clickhouse=store.version(),
        pending=pending,
        oldest_seconds=oldest_seconds,
        removals=Deletion.objects.filter(verified_at=None).count() + ProjectErasure.objects.count(),
    )
    if project is not None:
        context.update(
            on_hold=PersonDistinctId.objects.filter(project=project, on_hold=True).count(),
            activity=ActivityLog.objects.filter(project=project)
            .select_related("user")
            .order_by("-pk")[:_LATEST],
            deletions=Deletion.objects.filter(project=project).order_by("-pk")[:_LATEST],
        )
    return context
