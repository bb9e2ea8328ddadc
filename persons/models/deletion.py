from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from persons.models.key import PersonalAPIKey
from persons.models.project import Project
from persons.models.user import User


class Deletion(models.Model):
    """That a person was deleted, or its events, and whether ClickHouse has removed what was to go.

    What is to go is what had come, up to a number of arrival, for the distinct ids that the person had then.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    person_uuid = models.UUIDField()
    distinct_ids = ArrayField(models.TextField())
    generations = ArrayField(
        models.PositiveIntegerField(), help_text="Of the distinct ids, in their order, as events have it."
    )
    versions = ArrayField(
        models.BigIntegerField(), default=list, help_text="Of the distinct ids, as an event found them."
    )
    arrival = models.BigIntegerField(help_text="What came with this number or a higher one stays.")
    keeps_person = models.BooleanField()
    with_events = models.BooleanField()
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    key = models.ForeignKey(PersonalAPIKey, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    verified_at = models.DateTimeField(null=True, help_text="When ClickHouse was seen to have none of it.")

    class Meta:
        indexes = [
            models.Index(fields=["project", "-id"], name="deletions_of_project"),
            models.Index(fields=["project", "person_uuid"], name="deletions_of_person"),
            GinIndex(fields=["distinct_ids"], name="deletions_of_distinct_id"),
            models.Index(fields=["id"], name="deletions_pending", condition=Q(verified_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.person_uuid} ({'events' if self.keeps_person else 'person'})"
