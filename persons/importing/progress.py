"""How far each file has been imported. Noted in the transaction that takes the rows: killed at any point,
an import goes on behind the last row that was taken."""

from collections import Counter
from dataclasses import dataclass

from persons.importing.files import SourceFile
from persons.models import ImportedFile


@dataclass(slots=True)
class Progress:
    """A file on its way into a project: how many of its rows are done, and what became of them."""

    stored: ImportedFile
    kind: str

    @classmethod
    def of(cls, project_id: int, kind: str, file: SourceFile) -> "Progress":
        """What is known of the file, whatever it was called before; read as another kind it is another."""
        fingerprint = f"{kind[0]}{file.fingerprint[:63]}"
        stored, _ = ImportedFile.objects.get_or_create(project_id=project_id, fingerprint=fingerprint)
        return cls(stored, kind)

    @property
    def rows(self) -> int:
        return self.stored.rows

    @property
    def is_finished(self) -> bool:
        return self.stored.is_finished

    def note(self, rows: int, counts: Counter[str]) -> None:
        """Rows up to this one are done; within the transaction that does them, which may be repeated."""
        total = Counter(self.stored.counts) + counts
        ImportedFile.objects.filter(pk=self.stored.pk).update(rows=rows, counts=dict(total))

    def noted(self) -> None:
        """The transaction has been committed."""
        self.stored.refresh_from_db()

    def finish(self) -> None:
        """There are no more rows."""
        ImportedFile.objects.filter(pk=self.stored.pk).update(is_finished=True)
        self.stored.refresh_from_db()
