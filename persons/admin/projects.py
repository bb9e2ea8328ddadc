from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminTextInputWidget

from persons.admin.access import administers, choose_project, user_of, visible_projects
from persons.models import Membership, Project, User

# What a project has once it is saved.
_FOR_USE = "For SDKs and the API"


class MembershipForm(forms.ModelForm[Membership]):
    """A member, named by email address: to choose from a list would show who else there is."""

    user = forms.ModelChoiceField(
        User.objects.all(),
        to_field_name="email",
        label="Email address",
        widget=UnfoldAdminEmailInputWidget(),
        error_messages={"invalid_choice": "There is no user with this email address. A superuser adds one."},
    )

    class Meta:
        model = Membership
        fields = ("user", "level")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["user"] = self.instance.user.email
            self.fields["user"].disabled = True


class MembershipInline(TabularInline):
    model = Membership
    form = MembershipForm
    verbose_name_plural = "Members"
    extra = 0
    hide_title = True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def _may_change(self, request: HttpRequest, obj: Project | None) -> bool:
        return obj is None or administers(user_of(request), obj.pk)

    def has_add_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return self._may_change(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return self._may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return self._may_change(request, obj)


@admin.register(Project)
class ProjectAdmin(ModelAdmin):
    list_display = ("name", "id", "timezone", "distinct_id_reuse", "created_at")
    search_fields = ("name", "api_token")
    readonly_fields = ("api_token", "uuid", "created_at", "test_account_filters")
    fieldsets = (
        (None, {"fields": ("name", "timezone", "week_start_day", "person_display_name_properties")}),
        ("Distinct ids", {"fields": ("distinct_id_reuse",)}),
        # The API checks filters before it takes them.
        (_FOR_USE, {"fields": ("api_token", "uuid", "test_account_filters", "created_at")}),
    )
    inlines = (MembershipInline,)
    warn_unsaved_form = True
    formfield_overrides = {ArrayField: {"widget": UnfoldAdminTextInputWidget}}

    def get_fieldsets(self, request: HttpRequest, obj: Project | None = None) -> Any:
        shown = super().get_fieldsets(request, obj)
        return shown if obj else [each for each in shown if each[0] != _FOR_USE]

    def get_urls(self) -> list[URLPattern]:
        choose = path(
            "<str:project_id>/choose/",
            self.admin_site.admin_view(self.choose),
            name="persons_project_choose",
        )
        return [choose, *super().get_urls()]

    def choose(self, request: HttpRequest, project_id: str) -> HttpResponse:
        """Make it the project that lists are about."""
        choose_project(request, project_id)
        return redirect("admin:index")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return visible_projects(user_of(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        return obj is not None and administers(user_of(request), obj.pk)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        # Deleting a project has to reach ClickHouse too: DELETE /api/projects/:id/ does that.
        return False
