"""An import from beginning to end: persons, then events, then the properties that events alone say."""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from clickhouse.client import ClickHouse
from clickhouse.known_persons import ever_there
from persons.importing.elsewhere import Target
from persons.importing.events import ReadEvents, read_events
from persons.importing.files import SourceFile
from persons.importing.listing import take_persons
from persons.importing.persons import ReadPersons, read_persons
from persons.importing.progress import Progress
from persons.importing.rows import Row, rows
from persons.importing.settling import settle
from persons.importing.taking import take_events
from persons.models import Outbox

# A batch is one transaction, and about one part in ClickHouse. Its rows and what becomes of them are
# in memory at once.
_EVENTS_AT_ONCE = 50_000
_PERSONS_AT_ONCE = 2_000
_BYTES_AT_ONCE = 32 * 1024 * 1024
# PostgreSQL takes faster than ClickHouse. What lies between is bounded, so that a long import does not fill
# a disk.
_MOST_PENDING_ROWS = 150_000
_PATIENCE_SECONDS = 0.05
# What reference counts do not free is little, and looking for it takes as long as there are objects.
_BATCHES_PER_COLLECTION = 20


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows that have been read, the number and the position of the last one, and when that was."""

    read: ReadPersons | ReadEvents
    last: int
    position: int
    now: datetime


class BadRows(Exception):
    """Rows that cannot be imported, and nothing of their batch was. The message has the first ones."""


class Watcher(Protocol):
    """Who shows how far an import is."""

    def advanced(self, step: str, done: int) -> None:
        """So much more is done: bytes of the files of a step, or distinct ids of the last one."""

    def bad(self, place: str, reason: str) -> None:
        """A row was left out."""


@dataclass(slots=True)
class Summary:
    """What an import has done: by kind of row, how many came to what end."""

    persons: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    files_done_before: int = 0
    settled: int = 0


@dataclass(frozen=True, slots=True)
class Import:
    """What to import into a project, and how. `flushed` is called to wait until at most so many rows are on
    their way to ClickHouse; `skip_bad` leaves bad rows out instead of stopping before their batch."""

    project_id: int
    store: ClickHouse
    flushed: Callable[[int], None]
    watcher: Watcher
    skip_bad: bool = False

    def run(self, persons: Sequence[SourceFile], events: Sequence[SourceFile]) -> Summary:
        """Import the files, persons first. Raises BadRows, UnreadableFile, ClickHouseError, Unavailable, and
        Django's IntegrityError when the project has been deleted."""
        summary = Summary()
        # What a server took before is to be known to ClickHouse, or its persons' uuids might be given again.
        self.flushed(0)
        target = Target(self.project_id, partial(ever_there, self.store, self.project_id))
        with _collecting_garbage_by_hand():
            for file in persons:
                self._import(file, "persons", target, summary, summary.persons)
            for file in events:
                self._import(file, "events", target, summary, summary.events)
        self.flushed(0)
        for done in settle(self.project_id, self.store, lambda _: self.flushed(0), datetime.now(UTC)):
            summary.settled += done
            self.watcher.advanced("properties", done)
        self.flushed(0)
        return summary

    def _import(
        self, file: SourceFile, kind: str, target: Target, summary: Summary, counts: Counter[str]
    ) -> None:
        progress = Progress.of(self.project_id, kind, file)
        if progress.is_finished:
            summary.files_done_before += 1
            self.watcher.advanced(kind, file.size)
            return
        position = 0
        batches = _read_ahead(_batches(rows(file, progress.rows), kind), kind)
        for number, batch in enumerate(batches, 1):
            self._look_at(batch.read.bad)
            if isinstance(batch.read, ReadPersons):
                counts += take_persons(target, batch.read, batch.last, progress, batch.now)
            else:
                counts += take_events(target, batch.read, batch.last, progress, batch.now)
            self.flushed(_MOST_PENDING_ROWS)
            self.watcher.advanced(kind, max(0, batch.position - position))
            position = max(position, batch.position)
            if number % _BATCHES_PER_COLLECTION == 0:
                gc.collect()
        progress.finish()
        self.watcher.advanced(kind, file.size - position)

    def _look_at(self, bad: Sequence[tuple[Row, str]]) -> None:
        if bad and not self.skip_bad:
            raise BadRows(described(bad))
        for row, reason in bad:
            self.watcher.bad(row.place, reason)


def check(kind: str, file: SourceFile) -> Iterator[tuple[int, list[tuple[Row, str]]]]:
    """Read a file without importing it: batch by batch, how many rows are good, and which are bad. Raises
    UnreadableFile."""
    for found in _batches(rows(file), kind):
        bad = _read(found, kind).read.bad
        yield len(found) - len(bad), bad


def described(bad: Sequence[tuple[Row, str]], most: int = 10) -> str:
    """Bad rows as lines of text, the first ones."""
    lines = [f"{row.place}: {reason}" for row, reason in bad[:most]]
    if len(bad) > most:
        lines.append(f"and {len(bad) - most} more")
    return "\n".join(lines)


def wait_until_flushed(most: int) -> None:
    """Wait until at most so many rows are on their way to ClickHouse; somebody else sends them."""
    while Outbox.backlog()[0] > most:
        time.sleep(_PATIENCE_SECONDS)


@contextmanager
def _collecting_garbage_by_hand() -> Iterator[None]:
    """A batch is many objects that all live until its end: looking for garbage among them again and again
    would take a third of the time."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def _batches(found: Iterator[Row], kind: str) -> Iterator[list[Row]]:
    most = _PERSONS_AT_ONCE if kind == "persons" else _EVENTS_AT_ONCE
    batch: list[Row] = []
    size = 0
    for row in found:
        batch.append(row)
        size += row.size
        if len(batch) == most or size > _BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _read_ahead(batches: Iterator[list[Row]], kind: str) -> Iterator[_Batch]:
    """Each batch, while a thread reads the next one: PostgreSQL works on this one in another process."""
    with ThreadPoolExecutor(1, thread_name_prefix="import-reader") as reader:

        def read_next() -> _Batch | None:
            found = next(batches, None)
            return None if found is None else _read(found, kind)

        ahead = reader.submit(read_next)
        while batch := ahead.result():
            ahead = reader.submit(read_next)
            yield batch


def _read(found: list[Row], kind: str) -> _Batch:
    now = datetime.now(UTC)
    read = read_persons(found) if kind == "persons" else read_events(found, now)
    return _Batch(read, found[-1].number, found[-1].position, now)
