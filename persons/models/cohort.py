from typing import Any

from django.db import models
from django.db.models.functions import Now

from persons.models.json import Decoder, Encoder
from persons.models.project import Project
from persons.models.user import User


class Cohort(models.Model):
    """Persons under one name: those who were put there (static), or those of whom its filters hold now."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="cohorts")
    name = models.CharField(max_length=400)
    description = models.TextField(default="", blank=True)
    is_static = models.BooleanField(default=False)
    filters = models.JSONField(
        default=dict, encoder=Encoder, decoder=Decoder, help_text="`properties`: a group of filters."
    )
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name

    @property
    def properties(self) -> Any:
        """The filters of a dynamic cohort."""
        return self.filters.get("properties")


class CohortMember(models.Model):
    """That whoever owns a distinct id is in a static cohort: members follow their ids through merges and
    splits."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, db_index=False, related_name="+")
    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, db_index=False, related_name="members")
    distinct_id = models.CharField(max_length=400)
    version = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cohort", "distinct_id"], name="cohort_member_once")]
        indexes = [models.Index(fields=["project", "distinct_id"], name="cohorts_of_distinct_id")]

    def __str__(self) -> str:
        return self.distinct_id
