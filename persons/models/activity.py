from dataclasses import dataclass

from django.db import models
from django.db.models.functions import Now

from persons.models.json import Decoder, Encoder
from persons.models.key import PersonalAPIKey
from persons.models.project import Project
from persons.models.user import User


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a user, and the key it is done with, if it is not done in the admin site."""

    user: User | None
    key: PersonalAPIKey | None = None


class ActivityLog(models.Model):
    """What was done to a project's persons that its events alone do not tell, and by whom."""

    class Activity(models.TextChoices):
        MERGE_REFUSED = "merge_refused"
        DISTINCT_ID_RESET = "distinct_id_reset"
        DELETED = "deleted"
        EVENTS_DELETED = "events_deleted"
        SPLIT = "split"
        UPDATED = "updated"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="activity", db_index=False)
    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", help_text="Null: an event did it."
    )
    key = models.ForeignKey(PersonalAPIKey, on_delete=models.SET_NULL, null=True, related_name="+")
    activity = models.CharField(max_length=40, choices=Activity.choices)
    person_uuid = models.UUIDField(null=True)
    detail = models.JSONField(default=dict, encoder=Encoder, decoder=Decoder)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name, verbose_name_plural = "activity entry", "activity entries"
        indexes = [
            models.Index(fields=["project", "-id"], name="activity_of_project"),
            models.Index(fields=["person_uuid", "-id"], name="activity_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.activity} {self.person_uuid or ''}"
