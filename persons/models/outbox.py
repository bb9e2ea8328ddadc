import sys
from datetime import UTC, datetime, timedelta

from django.db import models
from django.db.models import Min, Sum
from django.db.models.functions import Now

from persons.models.project import Project

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# From here on packing costs less than what it saves: PostgreSQL packs too, slowly, and logs what it stores.
_WORTH_PACKING = 64 * 1024
_FAST = 1


class ClickHouseTable(models.TextChoices):
    """Where outbox rows go, in the order in which one batch is inserted: an event comes last, so that
    whoever sees it sees its person as well."""

    PERSON = "person"
    DISTINCT_ID = "person_distinct_id2"
    OVERRIDE = "person_distinct_id_overrides"
    COHORT_MEMBER = "static_cohort_member"
    PROPERTY_HISTORY = "person_property_history"
    EVENTS = "events"


class Outbox(models.Model):
    """Rows on their way to one ClickHouse table, written in the transaction that decided them.

    The foreign key keeps a deleted project from receiving anything: the insert fails, the transaction
    with it.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    table = models.CharField(max_length=40, choices=ClickHouseTable.choices)
    # NULL and not empty where they are packed: whoever does not know of packing must not take it for nothing.
    lines = models.TextField(  # noqa: DJ001
        null=True,
        help_text="JSON objects, one a line, as ClickHouse reads JSONEachRow; or they are packed.",
    )
    packed = models.BinaryField(null=True, help_text="Many lines, as zstd packs them.")
    size = models.PositiveIntegerField(null=True, help_text="Of what is packed, in bytes.")
    line_count = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now())
    batch = models.UUIDField(
        null=True, help_text="Set before the rows are sent; repeated with every attempt."
    )

    class Meta:
        indexes = [
            models.Index("batch", name="outbox_batch", condition=models.Q(batch__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.line_count} rows for {self.table}"

    @staticmethod
    def stored(lines: bytes) -> tuple[str | None, bytes | None, int | None]:
        """How lines are stored: `lines`, `packed` and `size`."""
        if len(lines) < _WORTH_PACKING:
            return lines.decode(), None, None
        return None, zstd.compress(lines, _FAST), len(lines)

    @staticmethod
    def read(lines: str | None, packed: bytes | None = None) -> bytes:
        """The lines that are stored so."""
        return zstd.decompress(packed) if packed is not None else (lines or "").encode()

    @classmethod
    def backlog(cls) -> tuple[int, float]:
        """How many ClickHouse rows are pending, and for how many seconds the oldest has been."""
        found = cls.objects.aggregate(rows=Sum("line_count", default=0), oldest=Min("created_at"))
        age = datetime.now(UTC) - found["oldest"] if found["oldest"] else timedelta()
        return found["rows"], max(age.total_seconds(), 0.0)
