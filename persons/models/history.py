"""What the history of properties must know beside events: merges, splits, deletions.

Call `note_split` and `note_deletion` in the transaction that does it, after its locks are taken: what arrives
later then has a larger number.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from persons.models.outbox import ClickHouseTable, Outbox

# One request has at most 10,000 events.
ARRIVALS_PER_REQUEST = 1 << 16


class Part(NamedTuple):
    """A person that a split has left or made: all of its distinct ids, with their versions, and its
    properties. `is_whole`: these properties and no others, whatever arrives later of the time before."""

    person: UUID
    versions: Mapping[str, int]
    properties: dict[str, Any]
    is_whole: bool = False


def note_split(project_id: int, parts: Iterable[Part], now: datetime) -> None:
    """From now on these persons have exactly these properties."""
    changes = [
        {
            "distinct_id": each,
            "distinct_id_version": version,
            "detail": orjson.dumps(_detail(part, place)).decode(),
        }
        for part in parts
        for place, (each, version) in enumerate(part.versions.items())
    ]
    _note(project_id, "split", changes, now)


def _detail(part: Part, place: int) -> list[Any]:
    if place:
        return [part.person, {}]
    return [part.person, part.properties, *([True] if part.is_whole else [])]


def note_deletion(project_id: int, versions: Mapping[str, int], now: datetime) -> int:
    """What has arrived for these distinct ids until now is nobody's, whoever gets the ids. The versions are
    those that the deletion gave them.

    Returns the arrival before which that was: `clickhouse.removal.Remains` takes it.
    """
    changes = [{"distinct_id": each, "distinct_id_version": version} for each, version in versions.items()]
    return _note(project_id, "deletion", changes, now)


def _note(project_id: int, kind: str, changes: list[dict[str, Any]], now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('persons_outbox_id_seq')")
        arrival: int = cursor.fetchone()[0] * ARRIVALS_PER_REQUEST
    lines = [
        orjson.dumps({"team_id": project_id, "timestamp": now, "arrival": arrival, "kind": kind, **change})
        for change in changes
    ]
    if lines:
        Outbox.objects.create(
            project_id=project_id,
            table=ClickHouseTable.PROPERTY_HISTORY,
            lines=b"\n".join(lines).decode(),
            line_count=len(lines),
        )
    return arrival
