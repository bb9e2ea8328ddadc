from django.db import models


class EventUuid(models.Model):
    """That an event has been taken, so that it is never taken twice (spec/ingestion.md section 3).

    No foreign key: a check per event for something that the outbox's own foreign key ensures already.
    """

    pk = models.CompositePrimaryKey("project_id", "uuid")
    project_id = models.BigIntegerField()
    uuid = models.UUIDField()

    def __str__(self) -> str:
        return str(self.uuid)
