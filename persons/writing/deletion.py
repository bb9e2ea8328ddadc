"""Deleting persons, and the events they had (spec/decisions.md section 12)."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from persons.identity import Mapping, delete
from persons.models import ActivityLog, Actor, Deletion
from persons.models.history import ARRIVALS_PER_REQUEST, Part, note_deletion, note_split
from persons.writing import statements
from persons.writing.change import Overtaken, Snapshot, repeatedly, write


def delete_persons(
    project_id: int,
    find: Callable[[], Collection[int]],
    by: Actor,
    now: datetime,
    *,
    with_events: bool = False,
    keep_persons: bool = False,
) -> int:
    """Delete persons, their events, or both; returns how many persons that were.

    ``find`` gives their keys; it may be called again, and what it raises is raised. Persons are gone at once,
    from ClickHouse as soon as the outbox gets to it; their distinct ids go on hold. Events are removed later
    (persons/outbox/removal.py). Raises Unavailable, and Django's IntegrityError when the project has been
    deleted.
    """

    def attempt() -> int:
        # Locked before their distinct ids are read: nobody can be faster then, however many there are.
        persons = statements.lock_and_read_persons(find())
        if set(find()) != {key for key, _ in persons}:
            raise Overtaken
        snapshot = Snapshot()
        snapshot.add_persons(persons)
        snapshot.add(statements.stored_ids_of([key for key, _ in persons]))
        mappings = snapshot.known.mappings
        if keep_persons:
            arrival = statements.next_arrival() * ARRIVALS_PER_REQUEST
        else:
            outcome = delete(snapshot.known)
            write(project_id, snapshot, outcome, now)
            arrival = note_deletion(
                project_id, {each: mapping.version for each, mapping in outcome.mappings.items()}, now
            )
        own: dict[object, list[Mapping]] = {person.uuid: [] for _, person in persons}
        for mapping in mappings.values():
            own[mapping.person].append(mapping)
        if with_events or not keep_persons:
            fields = {"arrival": arrival, "with_events": with_events, "keeps_person": keep_persons}
            _note(project_id, {person.uuid: own[person.uuid] for _, person in persons}, by, fields)
        if with_events and keep_persons:
            # The history goes with the events; what they are now stays.
            parts = [
                Part(
                    person.uuid,
                    {mapping.distinct_id: mapping.version for mapping in own[person.uuid]},
                    person.properties,
                )
                for _, person in persons
            ]
            note_split(project_id, parts, now)
        return len(persons)

    return repeatedly(project_id, attempt)


def _note(project_id: int, persons: dict[UUID, list[Mapping]], by: Actor, fields: dict[str, Any]) -> None:
    """Note what is deleted: persons by uuid, with the distinct ids they had."""
    Deletion.objects.bulk_create(
        Deletion(
            project_id=project_id,
            person_uuid=uuid,
            distinct_ids=[mapping.distinct_id for mapping in mappings],
            generations=[mapping.generation for mapping in mappings],
            versions=[mapping.version for mapping in mappings],
            user=by.user,
            key=by.key,
            **fields,
        )
        for uuid, mappings in persons.items()
    )
    activity = ActivityLog.Activity
    ActivityLog.objects.bulk_create(
        ActivityLog(
            project_id=project_id,
            user=by.user,
            key=by.key,
            activity=activity.EVENTS_DELETED if fields["keeps_person"] else activity.DELETED,
            person_uuid=uuid,
            detail={"distinct_ids": len(mappings), "with_events": fields["with_events"]},
        )
        for uuid, mappings in persons.items()
    )
