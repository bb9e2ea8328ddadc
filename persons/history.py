"""Persons' properties at moments of the past: rows from ClickHouse, replayed by the rules of identity."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import orjson

from clickhouse.client import ClickHouse
from clickhouse.history import HistoryColumns, read_history
from clickhouse.query.history import HistoryQuery
from persons.identity.replay import IdentityChange, Replay, Update
from persons.models.json import as_jsonb

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# That of splits and deletions.
NO_EVENT = UUID(int=0)
_UPDATES_AT_ONCE = 1_000
_EXPONENT = re.compile(r"[0-9]e\+")


class Asked(NamedTuple):
    """A person, by today's distinct ids, and the moments at which its properties are wanted, in order."""

    person: UUID
    distinct_ids: Sequence[str]
    moments: Sequence[datetime]


def properties_at(
    store: ClickHouse, project_id: int, asked: Sequence[Asked], *, include_set_once: bool
) -> list[list[dict[str, Any]]]:
    """The properties of each person at each of its moments, that moment included.

    However long a history is, a part of it is in memory at a time. Raises ClickHouseUnavailable,
    ClickHouseError.
    """
    query = HistoryQuery(
        project_id=project_id,
        distinct_ids=tuple(each for person in asked for each in person.distinct_ids),
        numbers=tuple(number for number, person in enumerate(asked) for _ in person.distinct_ids),
        until=max((moment for person in asked for moment in person.moments), default=None),
    )
    if not query.distinct_ids:
        return [[{} for _ in person.moments] for person in asked]
    walks = [
        _Walk(Replay(each.person, set_once=include_set_once), map(microseconds, each.moments))
        for each in asked
    ]
    walk_history(store, query, walks)
    return [walk.end() for walk in walks]


class _Walk:
    """A replay that stops at moments."""

    def __init__(self, replay: Replay, moments: Iterator[int]) -> None:
        self.replay = replay
        self._ahead = list(moments)[::-1]
        self._found: list[dict[str, Any]] = []

    def take(self, part: HistoryColumns) -> None:
        start, updates = 0, updates_of(part)
        while self._ahead and updates[-1][0] > self._ahead[-1]:
            end = bisect_right(updates, self._ahead[-1], start, key=lambda update: update[0])
            self.replay.take(updates[start:end])
            self._stop()
            start = end
        if self._ahead:
            self.replay.take(updates[start:])

    def end(self) -> list[dict[str, Any]]:
        while self._ahead:
            self._stop()
        return self._found

    def _stop(self) -> None:
        self.replay.catch_up(self._ahead.pop())
        self._found.append(dict(self.replay.properties))


class Walker(Protocol):
    """Who goes through the history of a person."""

    replay: Replay

    def take(self, part: HistoryColumns) -> None:
        """Some updates, not very many, the next ones in order."""


def walk_history(store: ClickHouse, query: HistoryQuery, walkers: Sequence[Walker]) -> None:
    """Lead each walker, by the query's numbers, through the history of its person.

    Raises ClickHouseUnavailable, ClickHouseError.
    """

    def take(block: HistoryColumns) -> None:
        for part in _parts(block):
            walker = walkers[part.numbers[0]]
            if part.kinds[0] == "update":
                walker.take(part)
            else:
                walker.replay.expect(_identity_changes(part))

    read_history(store, query, take)


def _parts(block: HistoryColumns) -> Iterator[HistoryColumns]:
    """A block in parts of one person, identity changes or a few updates: Python gets slow where many objects
    live."""
    start, numbers, kinds = 0, block.numbers, block.kinds
    while start < len(numbers):
        end = bisect_right(numbers, numbers[start], start)
        updates = bisect_left(kinds, True, start, end, key=lambda kind: kind == "update")
        end = min(end, start + _UPDATES_AT_ONCE) if updates == start else updates
        yield HistoryColumns._make(column[start:end] for column in block)
        start = end


def _identity_changes(part: HistoryColumns) -> Iterator[IdentityChange]:
    for place, (kind, detail) in enumerate(zip(part.kinds, _documents(part.details), strict=True)):
        distinct_id = part.distinct_ids[place]
        yield IdentityChange(
            timestamp=part.moments[place],
            arrival=part.arrivals[place],
            distinct_id=distinct_id,
            kind=kind,
            person=detail[0] if detail else "",
            other=detail[1] if kind == "merge" else "",
            properties=detail[1] if kind == "split" else {},
            event=part.events[place] if part.events else "",
            event_uuid=part.event_uuids[place] if part.event_uuids else NO_EVENT,
            event_distinct_id=detail[2] if kind == "merge" else distinct_id,
            version=part.versions[place],
            is_whole=kind == "split" and len(detail) > 2,
        )


def updates_of(part: HistoryColumns) -> list[Update]:
    """The updates in the form in which they are replayed."""
    documents = _documents(part.details)
    return list(zip(part.moments, part.arrivals, part.distinct_ids, part.versions, documents, strict=True))


def _documents(texts: Sequence[str]) -> list[Any]:
    """Many small documents are read several times faster as one."""
    text = "[" + ",".join([each or "null" for each in texts]) + "]"
    documents: list[Any] = orjson.loads(text)
    return as_jsonb(documents) if _EXPONENT.search(text) else documents


def microseconds(moment: datetime) -> int:
    """Since 1970, as the replay counts them."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(microseconds: int) -> datetime:
    """The moment that many microseconds after the beginning of 1970."""
    return _EPOCH + microseconds * _MICROSECOND
