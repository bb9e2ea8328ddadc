"""What PostgreSQL knows of distinct ids that may be on hold (spec/decisions.md section 12)."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from persons.models import PersonDistinctId


class State(StrEnum):
    """What a distinct id is to a project."""

    UNSEEN = "never seen"
    LIVE = "live"
    ON_HOLD = "on hold"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class KnownId:
    """A distinct id: its state, whose it is, and what its reset would show.

    `person` is None for an id that nobody has: whose events all came without a person profile, or which was
    released and has not come back yet. `hidden_person`, with as many distinct ids as `hidden_ids`, is whoever
    was made by what came since the deletion. `version` is None of an id that was never seen.
    """

    distinct_id: str
    state: State
    version: int | None = None
    generation: int = 0
    person: UUID | None = None
    person_key: int | None = None
    hidden_person: UUID | None = None
    hidden_ids: int = 0


def known_ids(project_id: int, distinct_ids: Collection[str]) -> list[KnownId]:
    """What is known of these distinct ids, in their order."""
    found = PersonDistinctId.objects.filter(project=project_id, distinct_id__in=distinct_ids)
    rows = {row.distinct_id: row for row in found.select_related("person", "hidden_person")}
    hidden = [row.hidden_person_id for row in rows.values() if row.hidden_person_id]
    siblings = Counter(
        PersonDistinctId.objects.filter(hidden_person__in=hidden).values_list("hidden_person", flat=True)
    )
    return [
        _known(rows[each], siblings) if each in rows else KnownId(each, State.UNSEEN) for each in distinct_ids
    ]


def _known(row: PersonDistinctId, siblings: Counter[int]) -> KnownId:
    hidden, person = row.hidden_person, row.person
    return KnownId(
        distinct_id=row.distinct_id,
        state=state_of(row),
        version=row.version,
        generation=row.generation,
        person=person.uuid if person else None,
        person_key=person.pk if person else None,
        hidden_person=hidden.uuid if hidden else None,
        hidden_ids=siblings[hidden.pk] if hidden else 0,
    )


def state_of(row: PersonDistinctId) -> State:
    """The state of a stored distinct id."""
    if row.on_hold:
        return State.ON_HOLD
    return State.RELEASED if row.generation and row.person_id is None else State.LIVE
