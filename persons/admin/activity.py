from typing import Any

import orjson
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from persons.admin.access import current_project
from persons.admin.base import RowsOfProjects
from persons.admin.texts import as_uuid
from persons.models import ActivityLog, User


class UserFilter(admin.SimpleListFilter):
    """By those who can have done it: members, and superusers."""

    title = parameter_name = "user"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        project = current_project(request)
        users = User.objects.filter(Q(memberships__project=project) | Q(is_superuser=True)).distinct()
        named = [(str(key), email) for key, email in users.order_by("email").values_list("pk", "email")]
        return [*named, ("event", "An event")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == "event":
            return queryset.filter(user=None)
        return queryset.filter(user=value) if value in {key for key, _ in self.lookup_choices} else queryset


@admin.register(ActivityLog)
class ActivityAdmin(RowsOfProjects):
    list_display = ("created_at", "what", "who", "key", "person_link", "short_detail")
    list_filter = ("activity", UserFilter, "created_at")
    list_select_related = ("user", "key")
    search_fields = ("person_uuid",)
    search_help_text = "The uuid of a person, or a distinct id that was reset"
    ordering = ("-id",)
    when_empty = "Whoever is deleted, reset, split or changed by request is listed here."
    fields = ("created_at", "what", "who", "key", "person_link", "long_detail")
    readonly_fields = fields

    @display(
        description="activity",
        label={
            "Deleted": "danger",
            "Events Deleted": "danger",
            "Merge Refused": "warning",
            "Distinct Id Reset": "success",
        },
    )
    def what(self, row: ActivityLog) -> str:
        return row.get_activity_display()

    @admin.display(description="by")
    def who(self, row: ActivityLog) -> str:
        return row.user.email if row.user else "an event"

    @admin.display(description="person")
    def person_link(self, row: ActivityLog) -> str:
        if row.person_uuid is None:
            return ""
        address = reverse("admin:persons_person_of", args=[row.project_id, row.person_uuid])
        return format_html('<a class="pa-link pa-mono" href="{}">{}</a>', address, row.person_uuid)

    @admin.display(description="detail")
    def short_detail(self, row: ActivityLog) -> str:
        return ", ".join(f"{name}: {_text(value)[:80]}" for name, value in row.detail.items())[:200]

    @admin.display(description="detail")
    def long_detail(self, row: ActivityLog) -> str:
        return format_html(
            '<pre class="pa-pre">{}</pre>', orjson.dumps(row.detail, option=orjson.OPT_INDENT_2).decode()
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        uuid = as_uuid(text)
        if uuid is not None:
            return queryset.filter(person_uuid=uuid), False
        return queryset.filter(detail__distinct_id=text), False


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
