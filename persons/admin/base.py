"""What the pages have in common."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin

from persons.admin.access import current_project, user_of, visible_projects
from persons.admin.lists import BoundedList, BoundedPaginator


class RowsOfProjects(ModelAdmin):
    """Pages of what belongs to projects, to look at: lists are about the current project, and a page of one
    thing opens for whoever may see its project."""

    list_per_page = 50
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    # What somebody reads who finds the list empty.
    when_empty = ""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[BoundedList]:
        return BoundedList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if request.resolver_match and str(request.resolver_match.url_name).endswith("_changelist"):
            return rows.filter(project=current_project(request))
        return rows.filter(project__in=visible_projects(user_of(request)))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def page(request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    """A page of ours inside the site's frame."""
    request.current_app = admin.site.name
    frame = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"persons/admin/{template}", frame)
