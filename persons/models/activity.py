from django.db import models
from django.db.models.functions import Now

from persons.models.json import Decoder, Encoder
from persons.models.project import Project
from persons.models.user import User


class ActivityLog(models.Model):
    """What was done to a project's persons that its events alone do not tell, and by whom."""

    class Activity(models.TextChoices):
        MERGE_REFUSED = "merge_refused"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="activity", db_index=False)
    user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", help_text="Null: an event did it."
    )
    activity = models.CharField(max_length=40, choices=Activity.choices)
    person_uuid = models.UUIDField(null=True)
    detail = models.JSONField(default=dict, encoder=Encoder, decoder=Decoder)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["project", "-id"], name="activity_of_project"),
            models.Index(fields=["person_uuid", "-id"], name="activity_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.activity} {self.person_uuid or ''}"
