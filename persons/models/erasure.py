from django.db import models
from django.db.models.functions import Now


class ProjectErasure(models.Model):
    """A deleted project whose rows ClickHouse still has to remove."""

    team_id = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"project {self.team_id}"
