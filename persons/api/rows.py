"""Persons as the rows of a list, whichever form the list has."""

from collections.abc import Generator, Iterable, Sequence
from itertools import islice
from typing import Any

from django.db.models import Count

from persons.api.actors import MAX_DISTINCT_IDS, person_fields
from persons.models import PersonDistinctId, PersonTombstone, Project

AT_ONCE = 1000


def person_row(project: Project, person: Any, distinct_ids_count: int) -> dict[str, Any]:
    """A person; needs ``with_distinct_ids``, of which there may be more than those."""
    fields = person_fields(project, person)
    return {
        **fields,
        "distinct_ids_count": distinct_ids_count,
        "distinct_ids_truncated": distinct_ids_count > len(fields["distinct_ids"]),
        "updated_at": person.updated_at,
    }


def rows(project: Project, found: Iterable[Any], *, with_deleted: bool = False) -> Generator[dict[str, Any]]:
    """Persons and, `with_deleted`, tombstones."""
    waiting = iter(found)
    while some := list(islice(waiting, AT_ONCE)):
        persons = [each for each in some if not isinstance(each, PersonTombstone)]
        counts = counts_of(persons)
        for each in some:
            if isinstance(each, PersonTombstone):
                yield _tombstone_row(each)
            else:
                row = person_row(project, each, counts.get(each.pk, len(each.distinct_ids)))
                yield {**row, "is_deleted": False} if with_deleted else row


def counts_of(persons: Sequence[Any], shown: int = MAX_DISTINCT_IDS) -> dict[int, int]:
    """How many distinct ids persons have, by key: of those who have as many as are shown. Nobody else needs
    to be counted."""
    full = [person.pk for person in persons if len(person.distinct_ids) >= shown]
    if not full:
        return {}
    own = PersonDistinctId.objects.filter(person__in=full).values("person")
    return dict(own.annotate(count=Count("pk")).values_list("person", "count"))


def _tombstone_row(tombstone: PersonTombstone) -> dict[str, Any]:
    row = {
        "id": tombstone.key,
        "uuid": tombstone.uuid,
        "type": "person",
        "name": str(tombstone.uuid),
        "distinct_ids": [],
        "properties": {},
        "created_at": tombstone.created_at,
        "is_identified": False,
        "last_seen_at": None,
        "distinct_ids_count": 0,
        "distinct_ids_truncated": False,
        "updated_at": tombstone.deleted_at,
        "is_deleted": True,
        "deleted_at": tombstone.deleted_at,
    }
    return {**row, "merged_into": tombstone.merged_into} if tombstone.merged_into else row
