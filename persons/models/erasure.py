from django.db import models, transaction
from django.db.models.functions import Now

from persons.models.activity import ActivityLog
from persons.models.cohort import CohortMember
from persons.models.deletion import Deletion
from persons.models.event import EventUuid
from persons.models.idempotency import IdempotentAnswer
from persons.models.importing import ImportedFile, ImportedPerson, UnsettledProperties
from persons.models.outbox import Outbox
from persons.models.person import Person, PersonDistinctId, PersonTombstone
from persons.models.project import Project


class ProjectErasure(models.Model):
    """A deleted project whose rows ClickHouse still has to remove."""

    team_id = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"project {self.team_id}"


def erase(project: Project) -> None:
    """Delete everything of a project: at once here, in ClickHouse as soon as the outbox gets to it."""
    with transaction.atomic():
        # Events that are being taken now either are in before this line, or fail with their foreign key.
        Project.objects.select_for_update().get(pk=project.pk)
        ProjectErasure.objects.create(team_id=project.pk)
        # One statement each: Django's own cascade would load every person into memory.
        for model in (
            EventUuid,
            Outbox,
            ActivityLog,
            Deletion,
            IdempotentAnswer,
            ImportedFile,
            ImportedPerson,
            UnsettledProperties,
            CohortMember,
            PersonDistinctId,
            Person,
            PersonTombstone,
        ):
            model._base_manager.filter(project_id=project.pk)._raw_delete(using="default")
        project.delete()
