from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest

from persons.models import ALL_SCOPES, Membership, Person, PersonalAPIKey, PersonDistinctId, Project, User

admin.site.site_header = admin.site.site_title = "persons-api"


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    ordering = ("email",)
    list_display = ("email", "first_name", "last_name", "is_staff", "is_active")
    search_fields = ("email", "first_name", "last_name")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("Name", {"fields": ("first_name", "last_name")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "password1", "password2")}),)


class MembershipInline(admin.TabularInline[Membership, Project]):
    model = Membership
    extra = 0


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin[Project]):
    list_display = ("name", "id", "timezone", "created_at")
    search_fields = ("name", "api_token")
    readonly_fields = ("uuid", "api_token", "created_at")
    inlines = (MembershipInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        # Deleting a project has to reach ClickHouse too: DELETE /api/projects/:id/ does that.
        return False


class PersonalAPIKeyForm(forms.ModelForm[PersonalAPIKey]):
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in ALL_SCOPES], widget=forms.CheckboxSelectMultiple
    )


@admin.register(PersonalAPIKey)
class PersonalAPIKeyAdmin(admin.ModelAdmin[PersonalAPIKey]):
    form = PersonalAPIKeyForm
    list_display = ("label", "mask_value", "user", "scopes", "last_used_at", "created_at")
    search_fields = ("label", "user__email", "mask_value")
    readonly_fields = ("mask_value", "created_at", "last_used_at")
    autocomplete_fields = ("user",)

    def save_model(self, request: HttpRequest, obj: PersonalAPIKey, form: Any, change: bool) -> None:
        if not change:
            value = obj.give_value()
            messages.warning(request, f"The key is {value} - it is shown this once. Copy it now.")
        super().save_model(request, obj, form, change)


class DistinctIdInline(admin.TabularInline[PersonDistinctId, Person]):
    model = PersonDistinctId
    fk_name = "person"
    fields = readonly_fields = ("distinct_id", "version")
    can_delete = False
    max_num = 0


@admin.register(Person)
class PersonAdmin(admin.ModelAdmin[Person]):
    """To look at. Persons change by events, so that both stores hear of it."""

    list_display = ("uuid", "project", "created_at", "is_identified", "version")
    list_filter = ("project", "is_identified")
    search_fields = ("=uuid", "=mappings__distinct_id", "=properties__email")
    list_select_related = ("project",)
    show_full_result_count = False
    inlines = (DistinctIdInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Person | None = None) -> bool:
        return False
