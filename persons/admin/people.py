"""Persons: found, and each on a page of its own. To look at: they change by events, so that both stores hear
of it."""

from typing import Any
from uuid import UUID

import orjson
from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet
from django.db.models.fields.json import KT
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse

from persons.admin import store
from persons.admin.access import administers, choose_project, current_project, user_of
from persons.admin.base import RowsOfProjects, page
from persons.admin.texts import as_uuid, shown
from persons.models import Person, PersonDistinctId
from persons.models.naming import display_name

_MOST_FOUND = 200
_MOST_IDS = 100
_MOST_EVENTS = 50


@admin.register(Person)
class PersonAdmin(RowsOfProjects):
    list_display = ("name", "first_ids", "created_at", "last_seen_at", "identified")
    list_filter = ("is_identified",)
    list_select_related = ("project",)
    search_fields = ("uuid",)
    search_help_text = "Email address, name, distinct id or uuid"
    ordering = ("-created_at", "-id")
    when_empty = "The first event of somebody makes a person."
    sortable_by = ("created_at",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:key>/events/", view(self.events_view), name="persons_person_events"),
            path("of/<int:project_id>/<uuid:uuid>/", view(self.find_view), name="persons_person_of"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        own = PersonDistinctId.objects.filter(person=OuterRef("pk")).order_by("pk").values("distinct_id")
        return super().get_queryset(request).annotate(some_ids=ArraySubquery(own[:10]))

    @admin.display
    def name(self, person: Any) -> str:
        name = display_name(person.project, person.properties, person.some_ids, person.uuid)
        return shown(name)[:80]

    @admin.display(description="distinct ids")
    def first_ids(self, person: Any) -> str:
        ids = [each[:40] for each in person.some_ids]
        return ", ".join(ids[:2]) + (", ..." if len(ids) > 2 else "")

    @admin.display(description="identified", ordering="is_identified")
    def identified(self, person: Person) -> str:
        return "yes" if person.is_identified else ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """PostgreSQL knows by exact email address, distinct id and uuid; ClickHouse by parts of texts."""
        text, project = search_term.strip(), current_project(request)
        if not text or project is None:
            return queryset, False
        exact = Q(pk__in=PersonDistinctId.objects.filter(project=project, distinct_id=text).values("person"))
        by_email = Person.objects.alias(email=KT("properties__email")).filter(project=project, email=text)
        exact |= Q(pk__in=by_email.values("pk"))
        if uuid := as_uuid(text):
            exact |= Q(uuid=uuid)
        found = store.persons_found(project.pk, text, _MOST_FOUND)
        if found is None:
            messages.warning(
                request,
                "Waiting for ClickHouse: only exact email addresses, distinct ids and uuids are found.",
            )
        elif len(found) == _MOST_FOUND:
            messages.info(request, f"Many persons match; these are the newest {_MOST_FOUND}.")
        return queryset.filter(exact | Q(uuid__in=found or ())), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The page of one person."""
        person = self.get_object(request, object_id)
        if person is None:
            raise Http404("There is no such person.")
        mappings = PersonDistinctId.objects.filter(person=person).order_by("pk")
        return page(
            request,
            "person.html",
            self.name(person),
            opts=self.opts,
            person=person,
            properties=_rendered(person.properties),
            mappings=mappings[:_MOST_IDS],
            ids=mappings.count(),
            may_reset=administers(user_of(request), person.project_id),
        )

    def events_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """The latest events, for the person's page to fetch: ClickHouse may be slow, or away."""
        person = get_object_or_404(self.get_queryset(request), pk=key)
        # One more than the store makes use of.
        rows = PersonDistinctId.objects.filter(person=person)[: store.MOST_IDS + 1]
        events = store.latest_events(
            person.project_id,
            person.uuid,
            [row.distinct_id for row in rows],
            [row.generation for row in rows],
            _MOST_EVENTS,
        )
        listed = [(event, _rendered(orjson.loads(event.properties))) for event in events or ()]
        return render(request, "persons/admin/events.html", {"events": listed, "is_away": events is None})

    def find_view(self, request: HttpRequest, project_id: int, uuid: UUID) -> HttpResponse:
        """From the uuid of a person to its page, or to what was done to it when it is gone."""
        person = self.get_queryset(request).filter(project=project_id, uuid=uuid).first()
        if person is not None:
            return redirect("admin:persons_person_change", person.pk)
        choose_project(request, project_id)
        return redirect(f"{reverse('admin:persons_activitylog_changelist')}?q={uuid}")


def _rendered(properties: dict[str, Any]) -> list[tuple[str, str]]:
    """Properties to read: in alphabetical order, those that SDKs add at the end."""
    names = sorted(properties, key=lambda name: (name.startswith("$"), name.casefold(), name))
    return [(name, shown(properties[name])) for name in names]
