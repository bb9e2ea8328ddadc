"""Each change that a person's properties went through: how what `properties_at_time` says, with `$set_once`,
differs from one moment to the next."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.history import HistoryColumns
from clickhouse.query.history import HistoryQuery
from persons.history import NO_EVENT, microseconds, moment_of, updates_of, walk_history
from persons.identity import same_json
from persons.identity.replay import Replay, Update

Order = Literal["newest", "oldest"]
# Where a change stands among all, and what a cursor holds: timestamp, arrival, whether it was the event's
# update that made it and not its merge, the event, the key.
Place = tuple[int, int, bool, str, str]
_ABSENT: Any = object()


class Change(NamedTuple):
    """That a property became another one. What is absent is None, as is a null."""

    place: Place
    operation: str
    before: Any
    after: Any
    event: str
    event_uuid: UUID
    distinct_id: str

    def fields(self) -> dict[str, Any]:
        """As JSON."""
        moment, _, _, _, key = self.place
        return {
            "timestamp": moment_of(moment),
            "operation": self.operation,
            "key": key,
            "before": self.before,
            "after": self.after,
            "event": self.event or None,
            "event_uuid": None if self.event_uuid == NO_EVENT else self.event_uuid,
            "distinct_id": self.distinct_id,
        }


class Window(NamedTuple):
    """Which changes are wanted: the first `limit` in `order`, after the cursor if there is one."""

    start: datetime | None
    end: datetime | None
    key: str | None
    order: Order
    limit: int
    cursor: Place | None

    def holds(self, change: Change) -> bool:
        """Whether the change is in the window, but for the limit."""
        place, cursor = change.place, self.cursor
        if self.start is not None and place[0] < microseconds(self.start):
            return False
        if self.end is not None and place[0] > microseconds(self.end):
            return False
        if self.key is not None and place[4] != self.key:
            return False
        return cursor is None or (place < cursor if self.order == "newest" else place > cursor)


def changes(
    store: ClickHouse, project_id: int, person: UUID, distinct_ids: Sequence[str], window: Window
) -> list[Change]:
    """The changes wanted, and one more when there are more.

    The history is replayed from its beginning, a part of it in memory at a time. Raises
    ClickHouseUnavailable, ClickHouseError.
    """
    query = HistoryQuery(
        project_id=project_id,
        distinct_ids=tuple(distinct_ids),
        numbers=(0,) * len(distinct_ids),
        until=window.end,
        with_events=True,
    )
    tracer = _Tracer(Replay(person), window)
    walk_history(store, query, [tracer])
    return tracer.end()


class _Tracer:
    """Replays a history and keeps those changes that are wanted."""

    def __init__(self, replay: Replay, window: Window) -> None:
        self.replay = replay
        self._window = window
        # In the order of time: of the newest, the oldest fall out; of the oldest, no more come in.
        self._newest = window.order == "newest"
        self._found = deque[Change](maxlen=window.limit + 1 if self._newest else None)

    def take(self, part: HistoryColumns) -> None:
        for update, event, event_uuid in zip(updates_of(part), part.events, part.event_uuids, strict=True):
            self._keep(_of_identity(self.replay, update[0], update[1]))
            self._keep(_of_update(self.replay, update, event, event_uuid))

    def end(self) -> list[Change]:
        end = self._window.end
        self._keep(_of_identity(self.replay, 2**63 if end is None else microseconds(end), 2**64))
        return list(reversed(self._found)) if self._newest else list(self._found)

    def _keep(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if self._window.holds(change) and (self._newest or len(self._found) <= self._window.limit):
                self._found.append(change)


def _of_identity(replay: Replay, moment: int, arrival: int) -> Iterator[Change]:
    """Replay merges and splits up to a moment."""
    while replay.ahead and replay.ahead[0].moment <= (moment, arrival):
        change, before = replay.ahead[0], dict(replay.properties)
        replay.change()
        after = replay.properties
        of_event = (change.event, change.event_uuid, change.event_distinct_id)
        for key in sorted(before.keys() | after.keys()):
            was, became = before.get(key, _ABSENT), after.get(key, _ABSENT)
            if _differ(was, became):
                place = (change.timestamp, change.arrival, False, change.event_uuid.hex, key)
                yield Change(place, change.kind, _shown(was), _shown(became), *of_event)


def _of_update(replay: Replay, update: Update, event: str, event_uuid: UUID) -> Iterator[Change]:
    moment, arrival, distinct_id, _, asks = update
    keys = sorted({key for part in asks if part for key in part})
    before = [replay.properties.get(key, _ABSENT) for key in keys]
    replay.take((update,))
    for key, was in zip(keys, before, strict=True):
        became = replay.properties.get(key, _ABSENT)
        if _differ(was, became):
            setting = "set" if asks[0] and key in asks[0] else "set_once"
            operation = "unset" if became is _ABSENT else setting
            place = (moment, arrival, True, event_uuid.hex, key)
            yield Change(place, operation, _shown(was), _shown(became), event, event_uuid, distinct_id)


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What was added, changed and removed."""
    return {
        "added": {key: value for key, value in after.items() if key not in before},
        "changed": {
            key: {"before": before[key], "after": value}
            for key, value in after.items()
            if key in before and _differ(before[key], value)
        },
        "removed": {key: value for key, value in before.items() if key not in after},
    }


def _differ(was: Any, became: Any) -> bool:
    if was is _ABSENT or became is _ABSENT:
        return was is not became
    return not same_json(was, became)


def _shown(value: Any) -> Any:
    return None if value is _ABSENT else value
