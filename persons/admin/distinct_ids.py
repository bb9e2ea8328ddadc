from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import display

from persons.admin import reset
from persons.admin.access import administers, current_project, user_of
from persons.admin.base import RowsOfProjects
from persons.models import PersonDistinctId
from persons.writing.holds import State, state_of


class StateFilter(admin.SimpleListFilter):
    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("on_hold", State.ON_HOLD.capitalize()),
            ("released", "Released, not back yet"),
            ("live", State.LIVE.capitalize()),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        released = Q(on_hold=False, person=None, generation__gt=0)
        match self.value():
            case "on_hold":
                return queryset.filter(on_hold=True)
            case "released":
                return queryset.filter(released)
            case "live":
                return queryset.filter(~released, on_hold=False)
        return queryset


@admin.register(PersonDistinctId)
class DistinctIdAdmin(RowsOfProjects):
    """All distinct ids, and the page that resets some."""

    list_display = ("distinct_id", "state", "owner", "version", "times_deleted")
    list_filter = (StateFilter,)
    list_select_related = ("person", "hidden_person")
    list_display_links = None
    search_fields = ("distinct_id__startswith",)
    search_help_text = "The beginning of a distinct id"
    ordering = ("-id",)
    when_empty = "They come with events."
    sortable_by = ()
    actions = ("reset_chosen",)

    def get_urls(self) -> list[URLPattern]:
        page = path(
            "reset/", self.admin_site.admin_view(reset.reset_page), name="persons_persondistinctid_reset"
        )
        return [page, *super().get_urls()]

    @display(label={"on hold": "warning", "released": "info", "live": "success"})
    def state(self, row: PersonDistinctId) -> str:
        return str(state_of(row))

    @admin.display(description="person")
    def owner(self, row: PersonDistinctId) -> str:
        if row.person is not None:
            address = reverse("admin:persons_person_change", args=[row.person.pk])
            return format_html('<a class="pa-link pa-mono" href="{}">{}</a>', address, row.person.uuid)
        return "hidden until it is reset" if row.hidden_person is not None else ""

    @admin.display(description="deleted")
    def times_deleted(self, row: PersonDistinctId) -> str:
        return {0: "never", 1: "once"}.get(row.generation, f"{row.generation} times")

    def has_reset_permission(self, request: HttpRequest) -> bool:
        project = current_project(request)
        return project is not None and administers(user_of(request), project.pk)

    @admin.action(description="Reset...", permissions=["reset"])
    def reset_chosen(self, request: HttpRequest, rows: QuerySet[PersonDistinctId]) -> HttpResponse | None:
        project = current_project(request)
        ids = list(rows.values_list("distinct_id", flat=True)[: reset.MOST_IDS + 1])
        try:
            return reset.preview(request, project, ids) if project else None
        except reset.NotIds as error:
            messages.error(request, str(error))
            return None
