from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from persons.admin.access import user_of, visible_projects
from persons.admin.base import page
from persons.models import ALL_SCOPES, PersonalAPIKey


class KeyForm(forms.ModelForm[PersonalAPIKey]):
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in ALL_SCOPES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What the key may do; * is everything. Writing implies reading.",
    )
    scoped_projects = forms.TypedMultipleChoiceField(
        coerce=int,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        label="Limited to projects",
        help_text="None chosen: every project of the key's user.",
    )


@admin.register(PersonalAPIKey)
class KeyAdmin(ModelAdmin):
    """Keys are made, shown once, and revoked; never changed. Everybody has their own, superusers see all."""

    form = KeyForm
    when_empty = "A key lets a program read or change persons in your name."
    list_display = ("label", "mask_value", "user", "what_it_may", "last_used_at", "created_at")
    list_select_related = ("user",)
    search_fields = ("label", "user__email", "mask_value")
    autocomplete_fields = ("user",)
    readonly_fields = ("mask_value", "created_at", "last_used_at")

    @admin.display(description="scopes")
    def what_it_may(self, key: PersonalAPIKey) -> str:
        return ", ".join(key.scopes)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PersonalAPIKey]:
        keys: QuerySet[PersonalAPIKey] = super().get_queryset(request)
        return keys if user_of(request).is_superuser else keys.filter(user=user_of(request))

    def get_fields(self, request: HttpRequest, obj: PersonalAPIKey | None = None) -> list[str]:
        asked = ["label", "scopes", "scoped_projects"]
        if user_of(request).is_superuser:
            asked.insert(0, "user")
        return asked if obj is None else [*asked, *self.readonly_fields]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "scoped_projects" in form.base_fields:
            choices = visible_projects(user_of(request)).values_list("pk", "name")
            form.base_fields["scoped_projects"].choices = list(choices)
        return form

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        only_save = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**only_save, **(extra_context or {})})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"user": user_of(request).pk, "scopes": ["person:read"]}

    def save_model(
        self, request: HttpRequest, obj: PersonalAPIKey, form: ModelForm[PersonalAPIKey], change: bool
    ) -> None:
        if not user_of(request).is_superuser:
            obj.user = user_of(request)
        obj.shown_once = obj.give_value()  # type: ignore[attr-defined]
        obj.save()

    def response_add(
        self, request: HttpRequest, obj: PersonalAPIKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page that shows the key, this once. Not a message: those wait in a cookie."""
        value = obj.shown_once  # type: ignore[attr-defined]
        return page(request, "key.html", "New API key", key=obj, value=value, opts=self.opts)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PersonalAPIKey | None = None) -> bool:
        return obj is None or user_of(request).is_superuser or obj.user_id == user_of(request).pk
