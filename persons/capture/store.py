"""The one transaction that takes events: what they do to persons, and the outbox rows that say so.

Reads everything a batch mentions at once, lets persons/identity decide, and writes once per table. Nothing
is locked while reading. Before writing, the rows that will change are locked in a fixed order and compared
with what was read; if anybody was faster, the whole transaction is tried again.
"""

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import psycopg.errors
import structlog
from django.db import IntegrityError, OperationalError, models, transaction
from django.db.models.expressions import Func, Value

from persons.capture import rows
from persons.errors import Unavailable
from persons.identity.process import mentioned_ids, merge_ids, process
from persons.identity.values import Event, Known, Mapping, Note, Outcome, RefusedMerge
from persons.identity.values import Person as PersonState
from persons.models import ActivityLog, EventUuid, Outbox, Person, PersonDistinctId, Project

_ATTEMPTS = 12
Stored = TypeVar("Stored", bound=models.Model)
_log = structlog.get_logger(__name__)


class _Overtaken(Exception):
    """Another transaction changed what this one had read."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What was known when the transaction read, and the database keys of it."""

    known: Known
    person_pks: dict[UUID, int]


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
    if isinstance(error, _Overtaken):
        return True
    return isinstance(
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
    _lock_unchanged(project_id, snapshot, outcome)
    pks = _write_persons(project_id, snapshot, outcome)
    _write_mappings(project_id, snapshot, outcome, pks)
    merged_away = [pk for uuid, pk in snapshot.person_pks.items() if uuid in outcome.deleted]
    if merged_away:
        # Their distinct ids have moved, so there is nothing for Django to cascade to.
        Person.objects.filter(pk__in=merged_away)._raw_delete(using="default")
    EventUuid.objects.bulk_create(
        EventUuid(project_id=project_id, uuid=uuid) for uuid in sorted(event.uuid for event in fresh)
    )
    Outbox.objects.bulk_create(
        rows.outbox_rows(project_id, outcome, now, arrival=_arrival_number(project_id))
    )
    ActivityLog.objects.bulk_create(_refused_merge(project_id, refusal) for refusal in outcome.refused_merges)
    return outcome.notes


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


def _never_seen(project_id: int, events: Sequence[Event]) -> list[Event]:
    by_uuid: dict[UUID, Event] = {}
    for event in events:
        by_uuid.setdefault(event.uuid, event)
    seen = EventUuid.objects.filter(project_id=project_id, uuid__in=list(by_uuid)).values_list(
        "uuid", flat=True
    )
    for uuid in seen:
        del by_uuid[uuid]
    return list(by_uuid.values())


def _snapshot(project_id: int, events: Sequence[Event]) -> _Snapshot:
    mappings = PersonDistinctId.objects.filter(project_id=project_id).select_related("person")
    found = list(mappings.filter(distinct_id__in=mentioned_ids(events)))
    if in_merges := merge_ids(events):
        merging = {row.person_id for row in found if row.distinct_id in in_merges and row.person_id}
        found += mappings.filter(person__in=merging)
    known, pks = Known(), {}
    for row in found:
        person = row.person
        known.mappings[row.distinct_id] = Mapping(
            row.distinct_id, person.uuid if person else None, row.version
        )
        if person and person.uuid not in known.persons:
            pks[person.uuid] = person.pk
            known.persons[person.uuid] = PersonState(
                uuid=person.uuid,
                created_at=person.created_at,
                properties=person.properties,
                is_identified=person.is_identified,
                version=person.version,
                last_seen_at=person.last_seen_at,
            )
    return _Snapshot(known, pks)


def _lock_unchanged(project_id: int, snapshot: _Snapshot, outcome: Outcome) -> None:
    """Lock the stored rows that are about to change. Raises _Overtaken when one is not as it was read.

    The owner of an id counts as changed: who attaches an id to a person, and who merges that person away,
    wait for each other.
    """
    known = snapshot.known
    owners = {mapping.person for mapping in outcome.mappings.values() if mapping.person}
    persons = {uuid for uuid in {*outcome.persons, *outcome.deleted, *owners} if uuid in known.persons}
    if persons:
        rows = Person.objects.select_for_update().filter(project_id=project_id, uuid__in=persons)
        versions = dict(rows.order_by("pk").values_list("uuid", "version"))
        if versions != {uuid: known.persons[uuid].version for uuid in persons}:
            raise _Overtaken
    moved = {name: mapping for name, mapping in outcome.mappings.items() if name in known.mappings}
    if moved:
        rows_of_ids = PersonDistinctId.objects.select_for_update(of=("self",)).filter(
            project_id=project_id, distinct_id__in=moved
        )
        versions_of_ids = dict(rows_of_ids.order_by("pk").values_list("distinct_id", "version"))
        if versions_of_ids != {name: known.mappings[name].version for name in moved}:
            raise _Overtaken
    merged_away = [snapshot.person_pks[uuid] for uuid in outcome.deleted if uuid in known.persons]
    if merged_away:
        own = PersonDistinctId.objects.filter(person__in=merged_away).values_list("distinct_id", flat=True)
        if not moved.keys() >= set(own):
            raise _Overtaken


def _write_persons(project_id: int, snapshot: _Snapshot, outcome: Outcome) -> dict[UUID, int]:
    """Write new and changed persons; returns the database keys of all persons known now."""
    new: list[Person] = []
    changed: list[Person] = []
    for state in outcome.persons.values():
        person = Person(
            project_id=project_id,
            uuid=state.uuid,
            created_at=state.created_at,
            properties=state.properties,
            is_identified=state.is_identified,
            version=state.version,
            last_seen_at=state.last_seen_at,
        )
        (changed if state.uuid in snapshot.person_pks else new).append(person)
    _insert(Person, new)
    _upsert(
        Person,
        changed,
        key=("project", "uuid"),
        fields=("created_at", "properties", "is_identified", "version", "last_seen_at"),
    )
    Person.objects.bulk_update(
        [Person(pk=snapshot.person_pks[uuid], last_seen_at=seen) for uuid, seen in outcome.seen.items()],
        fields=["last_seen_at"],
    )
    return snapshot.person_pks | {person.uuid: person.pk for person in new}


def _write_mappings(project_id: int, snapshot: _Snapshot, outcome: Outcome, pks: dict[UUID, int]) -> None:
    new: list[PersonDistinctId] = []
    changed: list[PersonDistinctId] = []
    for state in outcome.mappings.values():
        mapping = PersonDistinctId(
            project_id=project_id,
            distinct_id=state.distinct_id,
            person_id=pks[state.person] if state.person else None,
            version=state.version,
        )
        (changed if state.distinct_id in snapshot.known.mappings else new).append(mapping)
    _insert(PersonDistinctId, sorted(new, key=lambda mapping: mapping.distinct_id))
    _upsert(PersonDistinctId, changed, key=("project", "distinct_id"), fields=("person", "version"))


def _insert(model: type[Stored], objects: Sequence[Stored]) -> None:
    """Raises IntegrityError when one is there already: somebody else was faster."""
    if objects:
        model._default_manager.bulk_create(objects)


def _upsert(
    model: type[Stored], objects: Sequence[Stored], *, key: Iterable[str], fields: Iterable[str]
) -> None:
    if objects:
        model._default_manager.bulk_create(
            objects, update_conflicts=True, unique_fields=list(key), update_fields=list(fields)
        )


def _arrival_number(project_id: int) -> int:
    """A number that grows from transaction to transaction. Taken under the locks, so that for one person
    the order of the numbers is the order in which its changes were decided."""
    number = Func(Value("persons_outbox_id_seq"), function="nextval", output_field=models.BigIntegerField())
    return int(Project.objects.filter(pk=project_id).values_list(number, flat=True).first() or 0)
