"""The one transaction that takes events: what they do to persons, and the outbox rows that say so.

Reads everything a batch mentions at once, lets persons/identity decide, and writes once per table.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from persons.identity import Event, Note, Outcome, RefusedMerge, mentioned_ids, merge_ids, process
from persons.models import ActivityLog, Project
from persons.models.project import DistinctIdReuse
from persons.observability import metrics
from persons.writing import statements
from persons.writing.change import Snapshot, repeatedly, write


def take(project_id: int, events: Sequence[Event], now: datetime) -> list[Note]:
    """Store events exactly once and apply what they say about persons. ``now`` is when they arrived.

    Returns what was not done and why. Raises Unavailable when others keep changing the same persons, and
    Django's IntegrityError when the project has been deleted.
    """
    return repeatedly(project_id, lambda: take_within(project_id, events, now))


def take_within(project_id: int, events: Sequence[Event], now: datetime) -> list[Note]:
    """The same within an attempt of the caller's."""
    fresh = never_seen(project_id, events)
    if not fresh:
        return []
    snapshot = snapshot_for(project_id, fresh)
    reuse = may_be_reused(project_id, snapshot)
    if reuse:
        snapshot.add_ids_of(snapshot.hidden())
    outcome = process(project_id, fresh, snapshot.known, reuse=reuse)
    statements.release_uuids(project_id, [note.uuid for note in outcome.notes if not note.stored])
    write(project_id, snapshot, outcome, now)
    note_refused_merges(project_id, outcome)
    return outcome.notes


def never_seen(project_id: int, events: Sequence[Event]) -> list[Event]:
    """The events that are taken for the first time: noted as taken, each once."""
    by_uuid: dict[UUID, Event] = {}
    for event in events:
        by_uuid.setdefault(event.uuid, event)
    fresh = statements.claim_uuids(project_id, by_uuid)
    if len(fresh) == len(by_uuid):
        return list(by_uuid.values())
    return [event for uuid, event in by_uuid.items() if uuid in fresh]


def snapshot_for(project_id: int, events: Sequence[Event]) -> Snapshot:
    """What is stored about everything that the events mention."""
    snapshot = Snapshot()
    snapshot.add(statements.stored_ids(project_id, mentioned_ids(events)))
    mappings = snapshot.known.mappings
    snapshot.add_ids_of({mappings[name].person for name in merge_ids(events) if name in mappings})
    return snapshot


def may_be_reused(project_id: int, snapshot: Snapshot) -> bool:
    """Whether an event ends a hold. Asked only where there is one."""
    return any(mapping.on_hold for mapping in snapshot.known.mappings.values()) and (
        Project.objects.filter(pk=project_id, distinct_id_reuse=DistinctIdReuse.IMMEDIATELY).exists()
    )


def note_refused_merges(project_id: int, outcome: Outcome) -> None:
    """Tell the project's activity log of merges that were refused."""
    metrics.identity_conflicts.labels("refused_merge").inc(len(outcome.refused_merges))
    ActivityLog.objects.bulk_create(_refused_merge(project_id, refusal) for refusal in outcome.refused_merges)


def _refused_merge(project_id: int, refusal: RefusedMerge) -> ActivityLog:
    return ActivityLog(
        project_id=project_id,
        activity=ActivityLog.Activity.MERGE_REFUSED,
        person_uuid=refusal.person,
        detail={
            "event": refusal.event,
            "event_uuid": refusal.uuid,
            "timestamp": refusal.timestamp,
            "distinct_id": refusal.distinct_id,
            "other_distinct_id": refusal.other_distinct_id,
            "other_person_uuid": refusal.other_person,
        },
    )
