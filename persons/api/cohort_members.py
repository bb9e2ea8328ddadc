"""Who is in a static cohort: rows here, and their copies on the way to ClickHouse, in one transaction.

A person is a member by its distinct ids. Every write has a version above all before it, and the cohort is
locked while it is made: so ClickHouse, which keeps the highest version, ends up with what is stored here.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import orjson
from django.db import connection
from rest_framework.exceptions import NotFound

from persons.api.references import hold
from persons.models import ClickHouseTable, Cohort, CohortMember, Outbox, Person

# What one statement, and one row of the outbox, has of ids.
_CHUNK = 10_000
_MAX_SHOWN = 1_000


class Ids(NamedTuple):
    """Persons by a distinct id of theirs, by their uuids, and by what can be neither."""

    distinct_ids: Sequence[str] = ()
    uuids: Sequence[UUID] = ()
    malformed: Sequence[str] = ()


class NotFoundIds(NamedTuple):
    """Ids that belong to nobody now: the first of them, and how many."""

    first: list[str]
    total: int

    def fields(self) -> dict[str, Any]:
        """As the API shows them."""
        return {"not_found": self.first, "not_found_count": self.total}


# RETURNING names those that were not in it yet; ClickHouse has the others already.
_ADD: LiteralString = """
    , added AS (
        INSERT INTO persons_cohortmember (project_id, cohort_id, distinct_id, version)
        SELECT %(project)s, %(cohort)s, distinct_id, %(version)s FROM found
        ON CONFLICT (cohort_id, distinct_id) DO NOTHING
        RETURNING distinct_id
    )
    SELECT found.sent, added.distinct_id FROM found LEFT JOIN added USING (distinct_id)
"""
_ADD_DISTINCT_IDS: LiteralString = """
    WITH found AS (
        SELECT distinct_id AS sent, distinct_id FROM persons_persondistinctid
        WHERE project_id = %(project)s AND distinct_id = ANY(%(ids)s) AND person_id IS NOT NULL
    )
"""
# Of a person that is named by its uuid, the oldest distinct id.
_ADD_PERSONS: LiteralString = """
    WITH found AS (
        SELECT person.uuid AS sent, oldest.distinct_id
        FROM persons_person AS person
        CROSS JOIN LATERAL (
            SELECT distinct_id FROM persons_persondistinctid
            WHERE person_id = person.id ORDER BY id LIMIT 1
        ) AS oldest
        WHERE person.project_id = %(project)s AND person.uuid = ANY(%(ids)s)
    )
"""
_REMOVE: LiteralString = """
    DELETE FROM persons_cohortmember AS member USING persons_persondistinctid AS id
    WHERE member.cohort_id = %(cohort)s AND id.person_id = %(person)s
      AND id.project_id = %(project)s AND member.distinct_id = id.distinct_id
    RETURNING member.distinct_id
"""


def lock_cohort(cohort: Cohort) -> Cohort:
    """The cohort as it is now. Until the end of the transaction nobody else changes it, or who is in it, and
    its project cannot be deleted. Raises NotFound when it is gone."""
    hold(cohort.project)
    found = Cohort.objects.select_for_update(no_key=True).filter(pk=cohort.pk).first()
    if found is None:
        raise NotFound
    return found


def add(cohort: Cohort, ids: Ids) -> NotFoundIds:
    """Put persons into a cohort that `lock_cohort` has locked; returns the ids that belong to nobody."""
    version = _next_version()
    first, total = list[str](), 0
    for missing in (
        *_added(_ADD_DISTINCT_IDS + _ADD, cohort, ids.distinct_ids, version),
        *_added(_ADD_PERSONS + _ADD, cohort, ids.uuids, version),
        list(dict.fromkeys(ids.malformed)),
    ):
        first += map(str, missing[: _MAX_SHOWN - len(first)])
        total += len(missing)
    return NotFoundIds(first, total)


def _added(statement: LiteralString, cohort: Cohort, ids: Iterable[Any], version: int) -> Iterator[list[Any]]:
    """Chunk by chunk, those of the ids that belong to nobody."""
    for chunk in _chunks(dict.fromkeys(ids)):
        found = _rows(
            statement, project=cohort.project_id, cohort=cohort.pk, version=version, ids=list(chunk)
        )
        _tell_clickhouse(cohort, {added for _, added in found if added is not None}, version)
        known = {sent for sent, _ in found}
        yield [each for each in chunk if each not in known]


def remove(cohort: Cohort, person: Person) -> bool:
    """Take a person out of a locked cohort, by all distinct ids it has now. False: it was not in it."""
    removed = _rows(_REMOVE, project=cohort.project_id, cohort=cohort.pk, person=person.pk)
    for chunk in _chunks(distinct_id for (distinct_id,) in removed):
        _tell_clickhouse(cohort, chunk, _next_version(), is_deleted=True)
    return bool(removed)


def remove_all(cohort: Cohort) -> None:
    """Take everybody out of a locked cohort."""
    members = CohortMember.objects.filter(cohort=cohort)
    version = _next_version()
    for chunk in _chunks(members.values_list("distinct_id", flat=True).iterator(_CHUNK)):
        _tell_clickhouse(cohort, chunk, version, is_deleted=True)
    members._raw_delete(using="default")


def _tell_clickhouse(
    cohort: Cohort, distinct_ids: Iterable[str], version: int, *, is_deleted: bool = False
) -> None:
    fields = {
        "team_id": cohort.project_id,
        "cohort_id": cohort.pk,
        "is_deleted": is_deleted,
        "version": version,
    }
    lines = [orjson.dumps({**fields, "distinct_id": each}) for each in distinct_ids]
    if lines:
        Outbox.objects.create(
            project_id=cohort.project_id,
            table=ClickHouseTable.COHORT_MEMBER,
            lines=b"\n".join(lines).decode(),
            line_count=len(lines),
        )


def _chunks(ids: Iterable[Any]) -> Iterator[Sequence[Any]]:
    rest = iter(ids)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _next_version() -> int:
    ((number,),) = _rows("SELECT nextval('persons_outbox_id_seq')")
    return int(number)


def _rows(statement: LiteralString, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
