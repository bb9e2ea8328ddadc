import uuid
from typing import ClassVar

from django.contrib.postgres.indexes import HashIndex
from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KT
from django.db.models.functions import Now

from persons.models.json import Decoder, Encoder
from persons.models.project import Project


class VisiblePersons(models.Manager["Person"]):
    def get_queryset(self) -> models.QuerySet["Person"]:
        return super().get_queryset().filter(is_hidden=False)


class Person(models.Model):
    """One user of the product, as of now. ClickHouse has a copy of every version.

    ``objects`` has those that may be seen; ``everybody`` also those that distinct ids on hold have made.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="persons", db_index=False)
    uuid = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(help_text="When the first event happened, not when it arrived.")
    properties = models.JSONField(default=dict, encoder=Encoder, decoder=Decoder)
    is_identified = models.BooleanField(default=False)
    version = models.BigIntegerField(default=0, help_text="Grows by one with every change.")
    last_seen_at = models.DateTimeField(
        null=True, help_text="Timestamp of a recent event: behind the latest one by less than an hour."
    )
    updated_at = models.DateTimeField(
        db_default=Now(), help_text="When anything of it changed, its distinct ids included."
    )
    is_hidden = models.BooleanField(
        db_default=False, help_text="All its distinct ids are on hold: ClickHouse does not know it yet."
    )

    objects: ClassVar[VisiblePersons] = VisiblePersons()
    everybody: ClassVar[models.Manager["Person"]] = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "uuid"], name="person_uuid_once")]
        indexes = [
            models.Index(fields=["project", "-created_at", "-id"], name="person_list_order"),
            # Without those who are not listed, so that an offset is counted in the index alone.
            models.Index(
                fields=["project", "updated_at", "id"],
                name="person_update_order",
                condition=Q(is_hidden=False),
            ),
            models.Index(
                fields=["project", "last_seen_at", "id"],
                name="person_seen_order",
                condition=Q(is_hidden=False),
            ),
            # A hash, because a B-tree refuses long values, and an email property can be anything.
            HashIndex(KT("properties__email"), name="person_email"),
        ]

    def __str__(self) -> str:
        return str(self.uuid)


def known_as(project: Project, distinct_id: str) -> Q:
    """For persons: whose the distinct id is. With the project, PostgreSQL finds it in one index."""
    return Q(mappings__project=project, mappings__distinct_id=distinct_id)


class PersonTombstone(models.Model):
    """That a person who could be seen is no more: deleted, or merged into another one. For whoever keeps a
    copy of the list. When a split brings the person back, this goes."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, db_index=False, related_name="+")
    uuid = models.UUIDField()
    key = models.BigIntegerField(help_text="Its id.")
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(db_default=Now())
    merged_into = models.UUIDField(null=True, help_text="Who it became part of, who may be gone too.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "uuid"], name="tombstone_once")]
        indexes = [models.Index(fields=["project", "deleted_at", "key"], name="tombstone_order")]

    def __str__(self) -> str:
        return str(self.uuid)


class PersonDistinctId(models.Model):
    """Whose an id is.

    Without a person: only events without a person profile have come with it so far, or it is on hold since
    its person was deleted. Events that come meanwhile make the hidden person (spec/decisions.md section 12).
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, db_index=False, related_name="+")
    distinct_id = models.CharField(max_length=400)
    person = models.ForeignKey(
        Person, on_delete=models.CASCADE, null=True, related_name="mappings", db_index=False
    )
    on_hold = models.BooleanField(db_default=False)
    hidden_person = models.ForeignKey(
        Person, on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    version = models.BigIntegerField(default=0)
    generation = models.PositiveIntegerField(db_default=0, help_text="How often it has been deleted.")

    class Meta:
        verbose_name = "distinct id"
        constraints = [
            models.UniqueConstraint(fields=["project", "distinct_id"], name="distinct_id_once"),
            models.CheckConstraint(
                condition=Q(on_hold=True, person=None) | Q(on_hold=False, hidden_person=None),
                name="on_hold_belongs_to_nobody",
            ),
        ]
        indexes = [
            models.Index(fields=["person", "id"], name="distinct_ids_of_person"),
            models.Index(fields=["project", "-id"], name="distinct_ids_on_hold", condition=Q(on_hold=True)),
            models.Index(
                "hidden_person", name="distinct_ids_of_hidden", condition=Q(hidden_person__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.distinct_id
