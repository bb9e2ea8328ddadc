"""Stored things as JSON: projects, keys, users."""

from typing import Any

from rest_framework import serializers

from persons.models import PersonalAPIKey, Project, User
from persons.models.key import validate_scope
from persons.models.project import WeekStartDay, validate_timezone


class ProjectSerializer(serializers.ModelSerializer[Project]):
    timezone = serializers.CharField(validators=[validate_timezone], default="UTC")
    week_start_day = serializers.ChoiceField(choices=WeekStartDay.choices, default=WeekStartDay.SUNDAY)
    test_account_filters = serializers.ListField(child=serializers.DictField(), default=list)
    person_display_name_properties = serializers.ListField(
        child=serializers.CharField(max_length=400), required=False
    )

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
            "created_at",
        )
        read_only_fields = ("id", "uuid", "api_token", "created_at")


class PersonalAPIKeySerializer(serializers.ModelSerializer[PersonalAPIKey]):
    scopes = serializers.ListField(
        child=serializers.CharField(max_length=40, validators=[validate_scope]), allow_empty=False
    )
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
