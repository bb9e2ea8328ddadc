"""Stored things as JSON: projects, keys, users."""

from typing import Any

from rest_framework import serializers

from persons.models import PersonalAPIKey, Project, User
from persons.models.key import validate_scope
from persons.models.project import WeekStartDay, validate_timezone

MAX_DEPTH = 100


def validate_depth(value: Any) -> None:
    """Raises ValidationError for JSON so deeply nested that it could be stored but not sent to anybody."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        lists = [each.values() if isinstance(each, dict) else each for each in level]
        level = [each for values in lists for each in values if isinstance(each, dict | list)]
        if not level:
            return
    raise serializers.ValidationError(f"May be nested {MAX_DEPTH} levels deep at most.")


class _Text(serializers.CharField):
    """Texts only: the parent would make one of a number."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class ProjectSerializer(serializers.ModelSerializer[Project]):
    name = _Text(max_length=200)
    timezone = _Text(validators=[validate_timezone], default="UTC")
    week_start_day = serializers.ChoiceField(choices=WeekStartDay.choices, default=WeekStartDay.SUNDAY)
    test_account_filters = serializers.ListField(
        child=serializers.DictField(validators=[validate_depth]), default=list
    )
    person_display_name_properties = serializers.ListField(child=_Text(max_length=400), required=False)

    class Meta:
        model = Project
        fields = (
            "id",
            "uuid",
            "name",
            "api_token",
            "timezone",
            "week_start_day",
            "test_account_filters",
            "person_display_name_properties",
            "distinct_id_reuse",
            "created_at",
        )
        read_only_fields = ("id", "uuid", "api_token", "created_at")


class PersonalAPIKeySerializer(serializers.ModelSerializer[PersonalAPIKey]):
    # What the parent has under this name is for browsers.
    label = _Text(max_length=100)  # type: ignore[assignment]
    scopes = serializers.ListField(child=_Text(max_length=40, validators=[validate_scope]), allow_empty=False)
    scoped_projects = serializers.ListField(child=serializers.IntegerField(), default=list)

    class Meta:
        model = PersonalAPIKey
        fields = ("id", "label", "mask_value", "scopes", "scoped_projects", "created_at", "last_used_at")
        read_only_fields = ("id", "mask_value", "created_at", "last_used_at")


def user_fields(user: User) -> dict[str, Any]:
    """A user as others see them."""
    return {
        "id": user.pk,
        "uuid": user.uuid,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "is_staff": user.is_staff,
    }
