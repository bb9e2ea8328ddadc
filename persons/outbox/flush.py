"""Sending what is pending (design.md, "Exactly once").

Rows get a batch before they are sent, and that is committed. Whatever happens then, the same rows are sent
again under the same batch, and ClickHouse drops what it has already. Only then are they deleted.
"""

import uuid
from collections.abc import Iterator

from django.db import transaction
from django.db.models.functions import Coalesce, Length

from clickhouse.client import ClickHouse
from clickhouse.layout import stored_rows
from clickhouse.sql.fragment import sql
from persons.models import ClickHouseTable, Outbox, ProjectErasure
from persons.observability import metrics

# One batch is held in memory, and is one part in ClickHouse: large enough to make few, small enough to hold.
_MAX_LINES = 50_000
_MAX_BYTES = 32 * 1024 * 1024
_MAX_ROWS = 2_000


def drain(store: ClickHouse) -> int:
    """Send everything that is pending, batch by batch; returns how many ClickHouse rows that was.

    Raises ClickHouseError; what was not sent stays, under the same batch.
    """
    sent = sum(iter(lambda: send_batch(store), 0))
    for erasure in ProjectErasure.objects.order_by("pk"):
        for table in ClickHouseTable:
            store.command(
                sql(
                    "DELETE FROM {table} WHERE team_id = {team_id:Int64}",
                    table=stored_rows(table.value, store.cluster),
                    team_id=erasure.team_id,
                )
            )
        erasure.delete()
    return sent


def send_batch(store: ClickHouse) -> int:
    """Send the batch that was begun, else a new one; returns how many ClickHouse rows it had, 0 for none."""
    batch = _begun() or _begin()
    if batch is None:
        return 0
    columns = "table", "lines", "packed", "line_count"
    rows = list(Outbox.objects.filter(batch=batch).order_by("pk").values_list(*columns))
    for table in ClickHouseTable:
        lines = [Outbox.read(text, packed) for name, text, packed, _ in rows if name == table]
        if lines:
            store.insert_json(table, b"\n".join(lines), token=str(batch))
    Outbox.objects.filter(batch=batch).delete()
    sent: int = sum(count for _, _, _, count in rows)
    metrics.flushed_rows.observe(sent)
    return sent


def _begun() -> uuid.UUID | None:
    return Outbox.objects.filter(batch__isnull=False).values_list("batch", flat=True).first()


def _begin() -> uuid.UUID | None:
    batch = uuid.uuid4()
    with transaction.atomic():
        keys = list(_as_much_as_fits())
        # Somebody who does not know yet that he is no longer the only one may begin the same rows.
        begun = Outbox.objects.filter(pk__in=keys, batch=None).update(batch=batch)
    return batch if begun else None


def _as_much_as_fits() -> Iterator[int]:
    pending = Outbox.objects.filter(batch=None).order_by("pk")
    sizes = pending.annotate(length=Coalesce("size", Length("lines")))[:_MAX_ROWS]
    lines = size = 0
    for key, line_count, text_length in sizes.values_list("pk", "line_count", "length"):
        lines, size = lines + line_count, size + text_length
        if lines > line_count and (lines > _MAX_LINES or size > _MAX_BYTES):
            return
        yield key
