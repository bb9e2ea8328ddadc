from datetime import timedelta

from django.db import models
from django.db.models.functions import Now

from persons.models.project import Project

KEPT_FOR = timedelta(days=7)


class IdempotentAnswer(models.Model):
    """What a request with an Idempotency-Key was answered, for when it comes again."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="Of the request: the same key is for the same.")
    status = models.PositiveSmallIntegerField()
    body = models.TextField(help_text="JSON, in the order in which it was written.")
    created_at = models.DateTimeField(db_default=Now(), db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
