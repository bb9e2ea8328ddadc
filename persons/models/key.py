from datetime import UTC, datetime, timedelta
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from persons.models.secrets import PERSONAL_KEY_PREFIX, hashed, masked, random_token
from persons.models.user import User

# An object is something a key may read or write; "write" implies "read".
SCOPE_OBJECTS = ("action", "activity_log", "cohort", "person", "personal_api_key", "project", "query")
ALL_SCOPES = ("*", *(f"{name}:{access}" for name in SCOPE_OBJECTS for access in ("read", "write")))
_BETWEEN_NOTES = timedelta(minutes=1)


def validate_scope(scope: str) -> None:
    """Raises ValidationError unless a key can be given this scope."""
    if scope not in ALL_SCOPES:
        raise ValidationError(f"{scope!r} is not a scope. Allowed: {', '.join(ALL_SCOPES)}.", code="invalid")


class PersonalAPIKey(models.Model):
    """A key that acts for its user on /api/ (spec/decisions.md section 2).

    Only the hash of the key is stored. The value is known when the key is made, never again.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="personal_api_keys")
    label = models.CharField(max_length=100)
    mask_value = models.CharField(max_length=16, editable=False)
    secure_value = models.CharField(max_length=80, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=40, validators=[validate_scope]))
    scoped_projects = ArrayField(
        models.BigIntegerField(),
        default=list,
        blank=True,
        help_text="Ids of the projects the key is limited to. Empty: every project of its user.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.label} ({self.mask_value})"

    @classmethod
    def issue(
        cls, user: User, label: str, scopes: list[str], scoped_projects: list[int] | None = None
    ) -> tuple[Self, str]:
        """Make a key. Returns it with its value, which is not kept."""
        key = cls(user=user, label=label, scopes=scopes, scoped_projects=scoped_projects or [])
        value = key.give_value()
        key.save()
        return key, value

    def give_value(self) -> str:
        """Give an unsaved key its value, and return that."""
        value = random_token(PERSONAL_KEY_PREFIX)
        self.secure_value, self.mask_value = hashed(value), masked(value)
        return value

    @classmethod
    def find(cls, value: str) -> Self | None:
        """The key with this value, of an active user."""
        return (
            cls.objects.select_related("user")
            .filter(secure_value=hashed(value), user__is_active=True)
            .first()
        )

    def touch(self) -> None:
        """Note that the key was used; at most one write a minute."""
        if self.last_used_at and datetime.now(UTC) - self.last_used_at < _BETWEEN_NOTES:
            return
        stale = Q(last_used_at=None) | Q(last_used_at__lt=Now() - _BETWEEN_NOTES)
        type(self).objects.filter(stale, pk=self.pk).update(last_used_at=Now())

    def allows(self, scope: str) -> bool:
        """Whether the key holds a scope, by itself, by ``*``, or by the write scope that implies it."""
        implied_by = scope.removesuffix(":read") + ":write" if scope.endswith(":read") else scope
        return bool({"*", scope, implied_by} & set(self.scopes))
