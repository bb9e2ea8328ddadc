"""The one transaction that takes events: what they do to persons, and the outbox rows that say so.

Reads everything a batch mentions at once, lets persons/identity decide, and writes once per table. Nothing
is locked while reading. Before writing, the rows that will change are locked in a fixed order and compared
with what was read; if anybody was faster, the whole transaction is tried again.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import psycopg.errors
import structlog
from django.db import IntegrityError, OperationalError, transaction

from persons.errors import Unavailable
from persons.identity.process import mentioned_ids, merge_ids, process
from persons.identity.values import Event, Known, Note, Outcome, RefusedMerge
from persons.models import ActivityLog
from persons.writing import statements
from persons.writing.rows import outbox_rows

_ATTEMPTS = 12
_log = structlog.get_logger(__name__)


class _Overtaken(Exception):
    """Another transaction changed what this one had read."""


@dataclass(slots=True)
class _Snapshot:
    """What was known when the transaction read, and the database keys of its persons."""

    known: Known = field(default_factory=Known)
    keys: dict[UUID, int] = field(default_factory=dict)

    def add(self, found: Sequence[statements.StoredId]) -> None:
        for mapping, person, key in found:
            self.known.mappings[mapping.distinct_id] = mapping
            if person and key:
                self.known.persons.setdefault(person.uuid, person)
                self.keys[person.uuid] = key


def take(project_id: int, events: Sequence[Event], now: datetime) -> list[Note]:
    """Store events exactly once and apply what they say about persons. ``now`` is when they arrived.

    Returns what was not done and why. Raises Unavailable when others keep changing the same persons, and
    Django's IntegrityError when the project has been deleted.
    """
    for attempt in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                return _take(project_id, events, now)
        except (_Overtaken, IntegrityError, OperationalError) as error:
            if not _worth_repeating(error):
                raise
            _log.info(
                "capture.retried", attempt=attempt + 1, project_id=project_id, reason=type(error).__name__
            )
            time.sleep(random.uniform(0, 0.005 * 2 ** min(attempt, 6)))  # noqa: S311 - spreads retries
    raise Unavailable


def _worth_repeating(error: Exception) -> bool:
    return isinstance(error, _Overtaken) or isinstance(
        error.__cause__,
        psycopg.errors.UniqueViolation
        | psycopg.errors.DeadlockDetected
        | psycopg.errors.SerializationFailure,
    )


def _take(project_id: int, events: Sequence[Event], now: datetime) -> list[Note]:
    fresh = _never_seen(project_id, events)
    if not fresh:
        return []
    snapshot = _snapshot(project_id, fresh)
    outcome = process(project_id, fresh, snapshot.known)
    statements.release_uuids(project_id, [note.uuid for note in outcome.notes if not note.stored])
    _lock_unchanged(project_id, snapshot, outcome)
    keys = _write(project_id, snapshot, outcome)
    # The arrival number is taken under the locks, so that for one person the order of the numbers is the
    # order in which its changes were decided.
    rows = outbox_rows(project_id, outcome, keys, now, arrival=statements.next_arrival())
    statements.insert_outbox(project_id, rows)
    ActivityLog.objects.bulk_create(_refused_merge(project_id, refusal) for refusal in outcome.refused_merges)
    return outcome.notes


def _never_seen(project_id: int, events: Sequence[Event]) -> list[Event]:
    by_uuid: dict[UUID, Event] = {}
    for event in events:
        by_uuid.setdefault(event.uuid, event)
    fresh = statements.claim_uuids(project_id, by_uuid)
    return [event for uuid, event in by_uuid.items() if uuid in fresh]


def _snapshot(project_id: int, events: Sequence[Event]) -> _Snapshot:
    snapshot = _Snapshot()
    snapshot.add(statements.stored_ids(project_id, mentioned_ids(events)))
    mappings = snapshot.known.mappings
    merging = {mappings[name].person for name in merge_ids(events) if name in mappings}
    if keys := [snapshot.keys[person] for person in merging if person]:
        snapshot.add(statements.stored_ids_of(keys))
    return snapshot


def _lock_unchanged(project_id: int, snapshot: _Snapshot, outcome: Outcome) -> None:
    """Lock the stored rows that are about to change. Raises _Overtaken when one is not as it was read.

    The owner of an id counts as changed: who attaches an id to a person, and who merges that person away,
    wait for each other.
    """
    known = snapshot.known
    owners = {mapping.person for mapping in outcome.mappings.values() if mapping.person}
    persons = {uuid for uuid in {*outcome.persons, *outcome.deleted, *owners} if uuid in known.persons}
    if persons:
        versions = statements.lock_persons([snapshot.keys[uuid] for uuid in persons])
        if versions != {uuid: known.persons[uuid].version for uuid in persons}:
            raise _Overtaken
    moved = outcome.mappings.keys() & known.mappings.keys()
    if moved:
        versions_of_ids = statements.lock_ids(project_id, moved)
        if versions_of_ids != {name: known.mappings[name].version for name in moved}:
            raise _Overtaken
    merged_away = [snapshot.keys[uuid] for uuid in outcome.deleted if uuid in known.persons]
    if merged_away:
        own = {stored.mapping.distinct_id for stored in statements.stored_ids_of(merged_away)}
        if not own <= moved:
            raise _Overtaken


def _write(project_id: int, snapshot: _Snapshot, outcome: Outcome) -> dict[UUID, int]:
    """Returns the keys of all persons that were known or made."""
    known, keys = snapshot.known, snapshot.keys
    persons, ids = outcome.persons, outcome.mappings
    statements.update_persons(project_id, [persons[uuid] for uuid in persons if uuid in known.persons])
    statements.update_last_seen({keys[uuid]: seen for uuid, seen in outcome.seen.items()})
    keys = keys | statements.insert_persons(
        project_id, [persons[uuid] for uuid in persons if uuid not in known.persons]
    )
    statements.update_ids(project_id, [ids[name] for name in ids if name in known.mappings], keys)
    statements.insert_ids(project_id, [ids[name] for name in ids if name not in known.mappings], keys)
    statements.delete_persons([keys[uuid] for uuid in outcome.deleted if uuid in known.persons])
    return keys


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
