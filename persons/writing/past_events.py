"""The events of persons who were deleted without them: they may be asked for later."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from persons.models import ActivityLog, Actor, Deletion
from persons.writing import statements


def delete_past_events(
    project_id: int,
    by: Actor,
    now: datetime,
    *,
    distinct_ids: Collection[str] = (),
    persons: Collection[UUID] = (),
) -> int:
    """Let the events go of persons who are gone, found by a distinct id that they had or by their uuid.

    Returns how many persons that were: those whose events have been asked for before are not among them.
    What came after the deletion is not theirs and stays.
    """
    with transaction.atomic():
        statements.hold_project(project_id)
        left = Deletion.objects.filter(project=project_id, with_events=False, keeps_person=False)
        found = left.filter(Q(distinct_ids__overlap=list(distinct_ids)) | Q(person_uuid__in=persons))
        # In order: two who ask for the same must not wait for each other.
        deletions = list(found.order_by("pk").select_for_update())
        for deletion in deletions:
            deletion.with_events, deletion.verified_at = True, None
            deletion.user, deletion.key, deletion.created_at = by.user, by.key, now
        Deletion.objects.bulk_update(
            deletions, ["with_events", "verified_at", "user", "key", "created_at"], batch_size=1_000
        )
        ActivityLog.objects.bulk_create(
            ActivityLog(
                project_id=project_id,
                user=by.user,
                key=by.key,
                activity=ActivityLog.Activity.EVENTS_DELETED,
                person_uuid=deletion.person_uuid,
                detail={"distinct_ids": len(deletion.distinct_ids), "with_events": True},
            )
            for deletion in deletions
        )
    return len(deletions)
