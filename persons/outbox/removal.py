"""Removing from ClickHouse what deletions left there: in batches, verified, and begun again after a crash."""

from collections.abc import Callable, Iterator

from django.db import connection
from django.db.models import Max
from django.db.models.functions import Now

from clickhouse import removal
from clickhouse.client import ClickHouse
from persons.models import Deletion, Outbox

_BATCH = 1_000


class Incomplete(Exception):
    """ClickHouse still has rows that it was told to remove."""


def remove_deleted(store: ClickHouse, pause: Callable[[], object]) -> None:
    """Remove what is left of each deletion, and note that nothing is left.

    ``pause`` is called while others are to be waited for, and may raise to give up. Raises ClickHouseError
    and Incomplete; what was not done stays pending.
    """
    while pending := list(Deletion.objects.filter(verified_at=None).order_by("pk")[:_BATCH]):
        _wait_for_stragglers(pause)
        left = 0
        for deletions, remains in _alike(pending):
            rows = removal.remove(store, remains)
            left += rows
            if not rows:
                # Whose events are asked for meanwhile has more to go.
                same = Deletion.objects.filter(with_events=remains.with_events)
                same.filter(pk__in=[each.pk for each in deletions]).update(verified_at=Now())
        if left:
            raise Incomplete(f"{left} rows are there although they have been removed")


def _wait_for_stragglers(pause: Callable[[], object]) -> None:
    """Wait until ClickHouse has every event that was taken by somebody who did not know of the deletion.

    These are in transactions that are older than the one which asks here: first they end, then the outbox
    has nothing of them any more.
    """
    youngest = _number("SELECT pg_current_xact_id()::text")
    while _number("SELECT pg_snapshot_xmin(pg_current_snapshot())::text") < youngest:
        pause()
    last = Outbox.objects.aggregate(last=Max("pk"))["last"]
    while last is not None and Outbox.objects.filter(pk__lte=last).exists():
        pause()


def _number(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


def _alike(pending: list[Deletion]) -> Iterator[tuple[list[Deletion], removal.Remains]]:
    """The deletions in groups that one statement can do."""
    for deletions in _groups(pending):
        # Of an id that was deleted twice, the first one found counts: the latest.
        parts = [part for each in reversed(deletions) for part in _ids_of(each)]
        ids, generations, versions, arrivals = zip(*parts, strict=True) if parts else ((), (), (), ())
        yield (
            deletions,
            removal.Remains(
                project_id=deletions[0].project_id,
                distinct_ids=ids,
                generations=generations,
                versions=versions,
                arrivals=arrivals,
                with_events=deletions[0].with_events,
                # Of a person that is gone, everything goes: what comes later is of another generation.
                is_whole=not deletions[0].keeps_person,
            ),
        )


def _groups(pending: list[Deletion]) -> Iterator[list[Deletion]]:
    """Those of one project and kind, in which an id has one generation only: what a deletion has left of an
    earlier one is not for a later one to remove."""
    groups: dict[tuple[int, bool, bool], list[tuple[dict[str, int], list[Deletion]]]] = {}
    for deletion in pending:
        kind = deletion.project_id, deletion.with_events, deletion.keeps_person
        own = dict(zip(deletion.distinct_ids, deletion.generations, strict=True))
        of_kind = groups.setdefault(kind, [])
        for generations, group in of_kind:
            if all(generations.get(name, generation) == generation for name, generation in own.items()):
                generations.update(own)
                group.append(deletion)
                break
        else:
            of_kind.append((own, [deletion]))
    for of_kind in groups.values():
        for _, group in of_kind:
            yield group


def _ids_of(deletion: Deletion) -> Iterator[tuple[str, int, int, int]]:
    # Of deletions from before versions were noted there are none.
    versions = deletion.versions or [-1] * len(deletion.distinct_ids)
    for columns in zip(deletion.distinct_ids, deletion.generations, versions, strict=True):
        yield *columns, deletion.arrival
