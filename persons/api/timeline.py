"""How a person's properties went on from event to event (spec/posthog-behaviour.md section 11)."""

from array import array
from collections.abc import Sequence
from typing import Any, NamedTuple

from clickhouse.client import ClickHouse
from clickhouse.history import HistoryColumns
from clickhouse.query.history import HistoryQuery
from clickhouse.query.timeline import TimelineQuery
from clickhouse.timeline import read_moments
from persons.history import moment_of, updates_of, walk_history
from persons.identity import same_json
from persons.identity.replay import Replay

# A point holds all properties.
MAX_POINTS = 10_000
_ABSENT: Any = object()


class TooManyPoints(Exception):
    """The properties that are looked at changed more often than there may be points."""


class Moments(NamedTuple):
    """When events happened: microseconds since 1970, and arrivals. There may be millions."""

    timestamps: "array[int]"
    arrivals: "array[int]"

    def add(self, timestamps: Sequence[int], arrivals: Sequence[int]) -> None:
        self.timestamps.extend(timestamps)
        self.arrivals.extend(arrivals)


def timeline(store: ClickHouse, query: TimelineQuery, keys: Sequence[str]) -> list[dict[str, Any]]:
    """A point for the first event, and for each that finds a value of the keys changed since the one before.

    Raises TooManyPoints, ClickHouseUnavailable, ClickHouseError.
    """
    moments = Moments(array("q"), array("Q"))
    read_moments(store, query, moments.add)
    if not moments.timestamps:
        return []
    history = HistoryQuery(
        project_id=query.project_id,
        distinct_ids=query.distinct_ids,
        numbers=(0,) * len(query.distinct_ids),
        until=query.date_range.date_to,
    )
    points = _Points(Replay(query.person), moments, keys)
    walk_history(store, history, [points])
    return points.end()


class _Points:
    """Replays updates and looks at the properties after each event."""

    def __init__(self, replay: Replay, moments: Moments, keys: Sequence[str]) -> None:
        self.replay = replay
        self._moments = moments
        self._keys = keys
        self._next = 0
        self._values: list[Any] = []
        self._found: list[dict[str, Any]] = []

    def take(self, part: HistoryColumns) -> None:
        for update in updates_of(part):
            # An event's own update has come before the event is looked at.
            self._look_until(update[0], update[1])
            self.replay.take((update,))

    def end(self) -> list[dict[str, Any]]:
        self._look_until(2**63, 0)
        return self._found

    def _look_until(self, timestamp: int, arrival: int) -> None:
        timestamps, arrivals = self._moments
        while self._next < len(timestamps):
            moment = timestamps[self._next], arrivals[self._next]
            if moment >= (timestamp, arrival):
                return
            self._next += 1
            self.replay.catch_up(*moment)
            self._look(moment[0])

    def _look(self, timestamp: int) -> None:
        properties = self.replay.properties
        values = [properties.get(key, _ABSENT) for key in self._keys]
        if not self._found or not all(map(_same, values, self._values)):
            if len(self._found) == MAX_POINTS:
                raise TooManyPoints
            self._found.append(
                {
                    "timestamp": moment_of(timestamp),
                    "properties": dict(properties),
                    "relevant_event_count": 0,
                }
            )
            self._values = values
        self._found[-1]["relevant_event_count"] += 1


def _same(one: Any, other: Any) -> bool:
    return one is other or (one is not _ABSENT and other is not _ABSENT and same_json(one, other))
