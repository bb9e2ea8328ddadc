"""How a transaction changes who is who: read, decide, lock, compare, write, tell ClickHouse.

Nothing is locked while reading. Before writing, the rows that will change are locked in a fixed order and
compared with what was read; if anybody was faster, the whole transaction is tried again.
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import psycopg.errors
import structlog
from django.db import IntegrityError, OperationalError, transaction

from persons.errors import Unavailable
from persons.identity import Known, Outcome, Person
from persons.observability import metrics
from persons.writing import statements
from persons.writing.members import forget_members
from persons.writing.rows import outbox_rows

_ATTEMPTS = 12
_log = structlog.get_logger(__name__)
Result = TypeVar("Result")


class Overtaken(Exception):
    """Another transaction changed what this one had read."""


class PersonGone(Exception):
    """Another transaction deleted the person."""


@dataclass(slots=True)
class Snapshot:
    """What was known when the transaction read, and the database keys of its persons."""

    known: Known = field(default_factory=Known)
    keys: dict[UUID, int] = field(default_factory=dict)

    def add(self, found: Sequence[statements.StoredId]) -> None:
        """Take note of stored distinct ids and their persons."""
        for mapping, person, key in found:
            self.known.mappings[mapping.distinct_id] = mapping
            if person and key:
                self.known.persons.setdefault(person.uuid, person)
                self.keys[person.uuid] = key

    def add_persons(self, found: Sequence[tuple[int, Person]]) -> None:
        """Take note of stored persons, given with their keys."""
        for key, person in found:
            self.known.persons[person.uuid] = person
            self.keys[person.uuid] = key

    def add_ids_of(self, persons: Iterable[UUID | None]) -> None:
        """Take note of all distinct ids of persons."""
        if keys := [self.keys[person] for person in persons if person]:
            self.add(statements.stored_ids_of(keys))

    def hidden(self) -> set[UUID]:
        """The persons that cannot be seen."""
        return {uuid for uuid, person in self.known.persons.items() if person.is_hidden}


def repeatedly(project_id: int, attempt: Callable[[], Result]) -> Result:
    """What the attempt returns, made in a transaction, and made again when others were faster.

    Raises Unavailable when others keep changing the same persons, and whatever else the attempt raises.
    """

    def held() -> Result:
        statements.hold_project(project_id)
        return attempt()

    return retried(project_id, held)


def retried(project_id: int, attempt: Callable[[], Result]) -> Result:
    """The same for an attempt that locks the project itself."""
    for number in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                return attempt()
        except (Overtaken, IntegrityError, OperationalError) as error:
            if not _worth_repeating(error):
                raise
            metrics.identity_conflicts.labels("overtaken").inc()
            _log.info(
                "writing.retried", attempt=number + 1, project_id=project_id, reason=type(error).__name__
            )
            time.sleep(random.uniform(0, 0.005 * 2 ** min(number, 6)))  # noqa: S311 - spreads retries
    raise Unavailable


def _worth_repeating(error: Exception) -> bool:
    return isinstance(error, Overtaken) or isinstance(
        error.__cause__,
        psycopg.errors.UniqueViolation
        | psycopg.errors.DeadlockDetected
        | psycopg.errors.SerializationFailure,
    )


def write(project_id: int, snapshot: Snapshot, outcome: Outcome, now: datetime) -> int:
    """Make what was decided true in PostgreSQL, and put it on its way to ClickHouse.

    Returns the number of the arrival: what comes later gets a higher one. Raises what makes `repeatedly`
    try again when the snapshot is no longer what is stored.
    """
    _lock_unchanged(project_id, snapshot, outcome)
    keys = _write(project_id, snapshot, outcome)
    forget_members(project_id, _came_or_went(snapshot.known, outcome))
    # The arrival number is taken under the locks, so that for one person the order of the numbers is the
    # order in which its changes were decided.
    arrival = statements.next_arrival()
    statements.insert_outbox(project_id, outbox_rows(project_id, outcome, keys, now, arrival=arrival))
    return arrival


def _lock_unchanged(project_id: int, snapshot: Snapshot, outcome: Outcome) -> None:
    """Lock the stored rows that are about to change. Raises Overtaken when one is not as it was read.

    The owner of an id counts as changed: who attaches an id to a person, and who merges that person away,
    wait for each other.
    """
    known = snapshot.known
    owners = {mapping.person for mapping in outcome.mappings.values() if mapping.person}
    persons = {uuid for uuid in {*outcome.persons, *outcome.deleted, *owners} if uuid in known.persons}
    if persons:
        versions = statements.lock_persons([snapshot.keys[uuid] for uuid in persons])
        if versions != {uuid: known.persons[uuid].version for uuid in persons}:
            raise Overtaken
    moved = outcome.mappings.keys() & known.mappings.keys()
    if moved:
        versions_of_ids = statements.lock_ids(project_id, moved)
        if versions_of_ids != {name: known.mappings[name].version for name in moved}:
            raise Overtaken
    if losing := [snapshot.keys[uuid] for uuid in _losing_ids(snapshot, outcome)]:
        own = {stored.mapping.distinct_id for stored in statements.stored_ids_of(losing)}
        if not own <= moved:
            raise Overtaken


def _losing_ids(snapshot: Snapshot, outcome: Outcome) -> set[UUID]:
    """The persons of whom every distinct id changes: those that go, and those that come out of hiding."""
    released = {
        uuid for uuid in snapshot.hidden() & outcome.persons.keys() if not outcome.persons[uuid].is_hidden
    }
    return released | (outcome.deleted.keys() & snapshot.known.persons.keys())


def _came_or_went(known: Known, outcome: Outcome) -> list[str]:
    """The distinct ids that went on hold, and those whose hold has ended."""
    return [
        distinct_id
        for distinct_id, mapping in outcome.mappings.items()
        if distinct_id in known.mappings and known.mappings[distinct_id].on_hold != mapping.on_hold
    ]


def _write(project_id: int, snapshot: Snapshot, outcome: Outcome) -> dict[UUID, int]:
    """Returns the keys of all persons that were known or made."""
    known, keys = snapshot.known, snapshot.keys
    persons, ids = outcome.persons, outcome.mappings
    statements.update_persons(project_id, [persons[uuid] for uuid in persons if uuid in known.persons])
    statements.touch_persons({keys[uuid]: outcome.seen.get(uuid) for uuid in _touched(known, outcome)})
    keys = keys | statements.insert_persons(
        project_id, [persons[uuid] for uuid in persons if uuid not in known.persons]
    )
    statements.update_ids(project_id, [ids[name] for name in ids if name in known.mappings], keys)
    statements.insert_ids(project_id, [ids[name] for name in ids if name not in known.mappings], keys)
    _remove(project_id, snapshot, outcome)
    return keys


def _touched(known: Known, outcome: Outcome) -> set[UUID]:
    """The persons that have changed without a new version: they were seen, or got a distinct id."""
    owners = {mapping.person for mapping in outcome.mappings.values() if mapping.person in known.persons}
    return {each for each in owners if each} - outcome.persons.keys() | outcome.seen.keys()


def _remove(project_id: int, snapshot: Snapshot, outcome: Outcome) -> None:
    known = snapshot.known
    gone = [uuid for uuid in outcome.deleted if uuid in known.persons]
    heirs = {
        mapping.person: outcome.mappings[distinct_id].person
        for distinct_id, mapping in known.mappings.items()
        if mapping.person in outcome.deleted
    }
    keys = [snapshot.keys[uuid] for uuid in gone]
    statements.bury_persons(project_id, keys, [heirs.get(uuid) for uuid in gone])
    statements.delete_persons(keys)
