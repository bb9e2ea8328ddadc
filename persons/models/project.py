import functools
import uuid
import zoneinfo

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now

from persons.models.json import Decoder, Encoder
from persons.models.secrets import PROJECT_TOKEN_PREFIX, random_token
from persons.models.user import User


def validate_timezone(name: str) -> None:
    """Raises ValidationError unless it is a name of the IANA time zone database."""
    # These two mean something else on every machine.
    if name in {"localtime", "Factory"} or name not in zoneinfo.available_timezones():
        raise ValidationError(
            f"{name!r} is not a known time zone. Use a name like 'UTC' or 'Europe/Berlin'.", code="invalid"
        )


def default_display_name_properties() -> list[str]:
    return ["email", "name", "username"]


class WeekStartDay(models.IntegerChoices):
    SUNDAY = 0
    MONDAY = 1


class DistinctIdReuse(models.TextChoices):
    """What ends the hold that a deletion puts on a distinct id (spec/decisions.md section 12)."""

    AFTER_RESET = "after_reset"
    IMMEDIATELY = "immediately"


class Project(models.Model):
    """What PostHog calls a project or a team: one body of events and persons, with its own token."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=200)
    api_token = models.CharField(
        max_length=200,
        unique=True,
        editable=False,
        default=functools.partial(random_token, PROJECT_TOKEN_PREFIX),
        help_text="What SDKs send events with. Not a secret.",
    )
    timezone = models.CharField(max_length=64, default="UTC", validators=[validate_timezone])
    week_start_day = models.SmallIntegerField(choices=WeekStartDay.choices, default=WeekStartDay.SUNDAY)
    test_account_filters = models.JSONField(default=list, blank=True, encoder=Encoder, decoder=Decoder)
    person_display_name_properties = ArrayField(
        models.CharField(max_length=400), default=default_display_name_properties, blank=True
    )
    distinct_id_reuse = models.CharField(
        max_length=20,
        choices=DistinctIdReuse.choices,
        db_default=DistinctIdReuse.AFTER_RESET,
        default=DistinctIdReuse.AFTER_RESET,
        help_text="When a deleted distinct id may be used again: after a reset, or with its next event.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    members = models.ManyToManyField(User, through="Membership", related_name="projects")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """That a user may see a project, and how much they may do there in the admin site."""

    class Level(models.TextChoices):
        VIEWER = "viewer"
        ADMIN = "admin"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    level = models.CharField(max_length=10, choices=Level.choices, default=Level.ADMIN)

    class Meta:
        verbose_name = "member"
        constraints = [models.UniqueConstraint(fields=["user", "project"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.project} ({self.level})"
