"""Undoing a merge: distinct ids of a person become persons of their own (spec/ingestion.md section 6)."""

from collections.abc import Callable, Collection
from datetime import datetime

from persons.identity import Known, split
from persons.models import ActivityLog, Actor
from persons.models.history import Part, note_split
from persons.writing import statements
from persons.writing.change import PersonGone, Snapshot, repeatedly, write

_MOST_LOGGED = 100


class NotOnThisPerson(ValueError):
    """The distinct ids cannot be split off the person. The message is for whoever asked."""


def split_off(project_id: int, key: int, distinct_ids: Collection[str], by: Actor, now: datetime) -> None:
    """Make a person of each of these distinct ids of a person, who is given by its key.

    Raises NotOnThisPerson, PersonGone when there is no such person any more, Unavailable, and Django's
    IntegrityError when the project has been deleted.
    """

    def chosen(known: Known) -> Collection[str]:
        if unknown := [each for each in distinct_ids if each not in known.mappings]:
            raise NotOnThisPerson(f"not on this person: {unknown[:_MOST_LOGGED]}")
        if known.mappings.keys() <= set(distinct_ids):
            raise NotOnThisPerson("At least one distinct id must stay with the person.")
        return distinct_ids

    repeatedly(project_id, lambda: _split(project_id, key, chosen, by, now))


def split_all_but(project_id: int, key: int, main: str | None, by: Actor, now: datetime) -> None:
    """Make a person of each distinct id but `main`, or but the oldest if it is None.

    Raises what `split_off` raises.
    """

    def chosen(known: Known) -> Collection[str]:
        if main is None:
            return list(known.mappings)[1:]
        if main not in known.mappings:
            raise NotOnThisPerson(f"not on this person: {[main]}")
        return known.mappings.keys() - {main}

    repeatedly(project_id, lambda: _split(project_id, key, chosen, by, now))


def _split(
    project_id: int, key: int, chosen: Callable[[Known], Collection[str]], by: Actor, now: datetime
) -> None:
    # Locked before its distinct ids are read: it gets and loses none meanwhile.
    persons = statements.lock_and_read_persons([key])
    if not persons:
        raise PersonGone
    snapshot = Snapshot()
    snapshot.add_persons(persons)
    snapshot.add(statements.stored_ids_of([key]))
    distinct_ids = sorted(set(chosen(snapshot.known)))
    if not distinct_ids:
        return
    ((_, person),) = persons
    outcome = split(project_id, person, distinct_ids, snapshot.known)
    write(project_id, snapshot, outcome, now)
    staying = {
        each: mapping.version
        for each, mapping in snapshot.known.mappings.items()
        if each not in outcome.mappings
    }
    parts = [Part(person.uuid, staying, person.properties)]
    parts += [
        Part(uuid, {each: mapping.version}, {})
        for each, mapping in outcome.mappings.items()
        if (uuid := mapping.person)
    ]
    note_split(project_id, parts, now)
    ActivityLog.objects.create(
        project_id=project_id,
        user=by.user,
        key=by.key,
        activity=ActivityLog.Activity.SPLIT,
        person_uuid=person.uuid,
        detail={
            "distinct_ids": len(distinct_ids),
            "new_persons": {each: outcome.mappings[each].person for each in distinct_ids[:_MOST_LOGGED]},
        },
    )
