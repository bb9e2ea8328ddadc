"""The transaction that takes a batch of imported events: as capture's, with what only an import knows."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from persons.identity import NO_UPDATE_EVENTS, Elsewhere, Outcome, is_personless, process
from persons.identity import Mapping as Identity
from persons.importing.elsewhere import Target, of_events
from persons.importing.events import ReadEvents
from persons.importing.progress import Progress
from persons.importing.statements import note_names, note_unsettled
from persons.writing import statements
from persons.writing.change import repeatedly, write
from persons.writing.take import may_be_reused, never_seen, note_refused_merges, snapshot_for

_UPDATES = ("$set", "$set_once", "$unset")


def take_events(
    target: Target, read: ReadEvents, rows: int, progress: Progress, now: datetime
) -> Counter[str]:
    """Take events, each once, and note that the file is done up to this row; returns what became of them.

    Properties of persons do not change by that: `settle` does it later. Raises what `take` raises.
    """

    def attempt() -> Counter[str]:
        counts = _take(target, read, now)
        progress.note(rows, counts)
        return counts

    counts = repeatedly(target.project_id, attempt)
    progress.noted()
    return counts


def _take(target: Target, read: ReadEvents, now: datetime) -> Counter[str]:
    project_id = target.project_id
    counts = Counter({"skipped": len(read.bad)})
    fresh = never_seen(project_id, read.events)
    counts["already there"] = len(read.events) - len(fresh)
    if not fresh:
        return counts
    snapshot = snapshot_for(project_id, fresh)
    elsewhere = of_events(target, fresh, read.persons, snapshot)
    reuse = may_be_reused(project_id, snapshot)
    if reuse:
        snapshot.add_ids_of(snapshot.hidden())
    outcome = process(project_id, fresh, snapshot.known, reuse=reuse, elsewhere=elsewhere)
    write(project_id, snapshot, outcome, now)
    note_refused_merges(project_id, outcome)
    note_names(project_id, outcome.names)
    note_unsettled(project_id, _unsettled(outcome, elsewhere))
    refused = [note.uuid for note in outcome.notes if not note.stored]
    statements.release_uuids(project_id, refused)
    counts["taken"] = len(fresh) - len(refused)
    counts["refused"] = len(refused)
    counts["on hold"] = _on_hold(outcome, snapshot.known.mappings)
    return counts


def _unsettled(outcome: Outcome, elsewhere: Elsewhere) -> Iterator[str]:
    """The distinct ids of whoever may have got other properties. What is listed stays as it is."""
    for stored in outcome.events:
        event = stored.event
        if (
            stored.person_id not in elsewhere.listed
            and event.event not in NO_UPDATE_EVENTS
            and any(event.properties.get(key) for key in _UPDATES)
            and not is_personless(event)
        ):
            yield event.distinct_id
    for move in outcome.moves:
        if move.survivor not in elsewhere.listed:
            yield move.distinct_id


def _on_hold(outcome: Outcome, known: Mapping[str, Identity]) -> int:
    """How many of the stored events nobody can see until a reset."""
    mappings = {**known, **outcome.mappings}
    held = {name for name, mapping in mappings.items() if mapping.on_hold}
    return sum(1 for stored in outcome.events if stored.event.distinct_id in held) if held else 0
