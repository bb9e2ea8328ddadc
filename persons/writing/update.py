"""Changing a person's properties by request: an event of ours, taken as any other."""

import uuid
from datetime import datetime
from typing import Any

from persons.identity import Event
from persons.models import ActivityLog, Actor, PersonDistinctId
from persons.writing import statements
from persons.writing.change import PersonGone, repeatedly
from persons.writing.take import take_within


class NotUpdated(ValueError):
    """The properties cannot be changed like that. The message is for whoever asked."""


def update_person(project_id: int, key: int, update: dict[str, Any], by: Actor, now: datetime) -> None:
    """Apply an update, `{"$set": {...}}` or `{"$unset": [...]}`, to a person, given by its key.

    Raises NotUpdated when the rules for events refuse it, PersonGone when there is no such person any more,
    Unavailable, and Django's IntegrityError when the project has been deleted.
    """

    def attempt() -> None:
        # Locked, so that the distinct id is still this person's when the event is taken.
        persons = statements.lock_and_read_persons([key])
        distinct_ids = PersonDistinctId.objects.filter(person=key).order_by("pk")
        distinct_id = distinct_ids.values_list("distinct_id", flat=True).first()
        if not persons or distinct_id is None:
            raise PersonGone
        (name,) = update
        properties = {**update, "$lib": "persons-api"}
        event = Event(0, uuid.uuid4(), name, distinct_id, now, properties)
        if notes := take_within(project_id, [event], now):
            raise NotUpdated("; ".join(note.reason for note in notes))
        ActivityLog.objects.create(
            project_id=project_id,
            user=by.user,
            key=by.key,
            activity=ActivityLog.Activity.UPDATED,
            person_uuid=persons[0][1].uuid,
            detail={name: sorted(update[name])[:100]},
        )

    repeatedly(project_id, attempt)
