"""What an import has to remember between two batches, and between two runs (docs/importing.md)."""

from django.db import models

from persons.models.json import Decoder, Encoder
from persons.models.project import Project


class ImportedFile(models.Model):
    """How far a file has been imported. Written in the transaction that takes the rows."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    fingerprint = models.CharField(max_length=64, help_text="Of its content, whatever the file is called.")
    rows = models.PositiveBigIntegerField(default=0, help_text="That have been dealt with, from the start.")
    is_finished = models.BooleanField(default=False)
    counts = models.JSONField(default=dict, encoder=Encoder, decoder=Decoder)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "fingerprint"], name="imported_file_once")]

    def __str__(self) -> str:
        return f"{self.fingerprint} ({self.rows} rows)"


class ImportedPerson(models.Model):
    """Who stands here for a person of the service that was imported from, by a distinct id: it is found again
    after merges. Also under the uuid that a listed person has here, if that is another one.

    No foreign key: a check per person for something that the outbox's own foreign key ensures already.
    """

    pk = models.CompositePrimaryKey("project_id", "uuid")
    project_id = models.BigIntegerField()
    uuid = models.UUIDField()
    distinct_id = models.CharField(max_length=400)
    listing = models.CharField(
        max_length=32, default="", help_text="Of what a list of persons said last; empty if none has."
    )
    version = models.BigIntegerField(null=True, help_text="That the list gave, if it gave one.")

    def __str__(self) -> str:
        return str(self.uuid)


class UnsettledProperties(models.Model):
    """That imported events have asked something of the properties of a distinct id's person, and their
    history is still to be replayed."""

    pk = models.CompositePrimaryKey("project_id", "distinct_id")
    project_id = models.BigIntegerField()
    distinct_id = models.CharField(max_length=400)

    def __str__(self) -> str:
        return self.distinct_id
