"""What PostgreSQL knows: projects and keys, who is who, and what ClickHouse has yet to be told."""

from persons.models.action import Action
from persons.models.activity import ActivityLog, Actor
from persons.models.cohort import Cohort, CohortMember
from persons.models.deletion import Deletion
from persons.models.erasure import ProjectErasure
from persons.models.event import EventUuid
from persons.models.idempotency import IdempotentAnswer
from persons.models.importing import ImportedFile, ImportedPerson, UnsettledProperties
from persons.models.key import ALL_SCOPES, PersonalAPIKey
from persons.models.outbox import ClickHouseTable, Outbox
from persons.models.person import Person, PersonDistinctId, PersonTombstone, known_as
from persons.models.project import Membership, Project
from persons.models.requests import RequestCount
from persons.models.user import User

__all__ = [
    "ALL_SCOPES",
    "Action",
    "ActivityLog",
    "Actor",
    "ClickHouseTable",
    "Cohort",
    "CohortMember",
    "Deletion",
    "EventUuid",
    "IdempotentAnswer",
    "ImportedFile",
    "ImportedPerson",
    "Membership",
    "Outbox",
    "Person",
    "PersonDistinctId",
    "PersonTombstone",
    "PersonalAPIKey",
    "Project",
    "ProjectErasure",
    "RequestCount",
    "UnsettledProperties",
    "User",
    "known_as",
]
