"""Deleting a project, and everything it has."""

from persons.models import (
    ActivityLog,
    CohortMember,
    Deletion,
    EventUuid,
    IdempotentAnswer,
    ImportedFile,
    ImportedPerson,
    Outbox,
    Person,
    PersonDistinctId,
    PersonTombstone,
    Project,
    ProjectErasure,
    UnsettledProperties,
)
from persons.writing import statements
from persons.writing.change import retried


def erase_project(project_id: int) -> bool:
    """Delete everything of a project: at once in PostgreSQL, in ClickHouse as soon as the outbox gets to it.

    Returns False when another request has deleted it already. Raises Unavailable when the transaction keeps
    failing.
    """
    return retried(project_id, lambda: _erase(project_id))


def _erase(project_id: int) -> bool:
    # Transactions that change persons end first, and later ones wait: they lock the rows that go.
    statements.lock_project(project_id)
    # What refers to the project without that lock is committed before this line, or fails at its COMMIT.
    project = Project.objects.select_for_update().filter(pk=project_id).first()
    if project is None:
        return False
    ProjectErasure.objects.create(team_id=project_id)
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
        model._base_manager.filter(project_id=project_id)._raw_delete(using="default")
    project.delete()
    return True
