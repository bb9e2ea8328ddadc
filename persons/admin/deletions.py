from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display

from persons.admin import reset
from persons.admin.access import administers, current_project, user_of
from persons.admin.base import RowsOfProjects
from persons.admin.texts import as_uuid
from persons.models import Deletion


class RemovalFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("pending", "Waiting for ClickHouse"), ("verified", "Verified")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in {"pending", "verified"}:
            return queryset.filter(verified_at__isnull=self.value() == "pending")
        return queryset


@admin.register(Deletion)
class DeletionAdmin(RowsOfProjects):
    list_display = ("person_uuid", "what", "ids", "by", "created_at", "state", "verified_at")
    list_filter = (RemovalFilter,)
    list_select_related = ("user", "key")
    search_fields = ("person_uuid", "distinct_ids")
    search_help_text = "The uuid of the person, or one of its distinct ids"
    ordering = ("-id",)
    when_empty = "Who was deleted is listed here, and whether ClickHouse has removed what was to go."
    fields = ("person_uuid", "what", "all_ids", "by", "created_at", "state", "verified_at")
    readonly_fields = fields
    actions = ("reset_chosen",)

    @admin.display(description="deleted")
    def what(self, row: Deletion) -> str:
        if row.keeps_person:
            return "events"
        return "person and events" if row.with_events else "person"

    @admin.display(description="distinct ids")
    def ids(self, row: Deletion) -> str:
        shown = ", ".join(each[:40] for each in row.distinct_ids[:2])
        more = len(row.distinct_ids) - 2
        return f"{shown} and {more:,} more" if more > 0 else shown

    @admin.display(description="distinct ids")
    def all_ids(self, row: Deletion) -> str:
        return "\n".join(row.distinct_ids[:1000])

    @admin.display
    def by(self, row: Deletion) -> str:
        user = row.user.email if row.user else ""
        return f"{user} with {row.key.label}" if row.key else user

    @display(label={"waiting for ClickHouse": "warning", "verified": "success"})
    def state(self, row: Deletion) -> str:
        return "verified" if row.verified_at else "waiting for ClickHouse"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        by_uuid = as_uuid(text)
        if by_uuid is not None:
            return queryset.filter(person_uuid=by_uuid), False
        return queryset.filter(distinct_ids__contains=[text]), False

    def has_reset_permission(self, request: HttpRequest) -> bool:
        project = current_project(request)
        return project is not None and administers(user_of(request), project.pk)

    @admin.action(description="Reset their distinct ids...", permissions=["reset"])
    def reset_chosen(self, request: HttpRequest, rows: QuerySet[Deletion]) -> HttpResponse | None:
        project = current_project(request)
        ids = [each for row in rows[: reset.MOST_IDS] for each in row.distinct_ids]
        try:
            return reset.preview(request, project, ids) if project else None
        except reset.NotIds as error:
            messages.error(request, str(error))
            return None
