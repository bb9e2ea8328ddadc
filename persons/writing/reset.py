"""Ending the hold that a deletion puts on distinct ids (spec/decisions.md 12.2)."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from persons.identity import Outcome, release
from persons.models import ActivityLog, Actor
from persons.writing import statements
from persons.writing.change import Snapshot, repeatedly, write


class Reset(StrEnum):
    """What the reset of a distinct id did."""

    UNSEEN = "never_seen"
    LIVE = "live"
    RELEASED = "released"


def reset_distinct_ids(
    project_id: int, distinct_ids: Collection[str], by: Actor, now: datetime
) -> dict[str, Reset]:
    """Let distinct ids on hold be used again, in one transaction; returns what that did to each.

    What has come for them since they were deleted becomes visible: the person it made, with all its distinct
    ids. Raises Unavailable, and Django's IntegrityError when the project has been deleted.
    """

    def attempt() -> dict[str, Reset]:
        snapshot = Snapshot()
        snapshot.add(statements.stored_ids(project_id, distinct_ids))
        snapshot.add_ids_of(snapshot.hidden())
        mappings = snapshot.known.mappings
        on_hold = [each for each in distinct_ids if each in mappings and mappings[each].on_hold]
        if on_hold:
            outcome = release(project_id, on_hold, snapshot.known)
            write(project_id, snapshot, outcome, now)
            _log(project_id, on_hold, outcome, by)
        others = {each: Reset.LIVE if each in mappings else Reset.UNSEEN for each in distinct_ids}
        return others | dict.fromkeys(on_hold, Reset.RELEASED)

    return repeatedly(project_id, attempt)


def _log(project_id: int, on_hold: Collection[str], outcome: Outcome, by: Actor) -> None:
    ActivityLog.objects.bulk_create(
        ActivityLog(
            project_id=project_id,
            user=by.user,
            key=by.key,
            activity=ActivityLog.Activity.DISTINCT_ID_RESET,
            person_uuid=outcome.mappings[distinct_id].person,
            detail={"distinct_id": distinct_id},
        )
        for distinct_id in on_hold
    )
