"""Which persons there are: those of whom a filter holds, as they are now."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.moments import in_utc
from clickhouse.query.filters import Filter, PersonIs, both
from clickhouse.query.persons import PersonsQuery
from clickhouse.sql.filters import from_persons_of, persons_of
from clickhouse.sql.fragment import Fragment, joined, sql

# Of two persons that were created at the same moment, the later one in PostgreSQL comes first.
PAGE = """
SELECT {columns}
{persons}
ORDER BY person.created_at DESC, person.key DESC, person.id DESC
LIMIT {rows:UInt64} OFFSET {offset:UInt64}
""".strip()

COUNT = """
SELECT count()
FROM
(
    {persons}
)
""".strip()

# Whether a cohort has a certain person in it.
MEMBERSHIP = """
SELECT {cohort:Int64} AS cohort
FROM
(
    {persons}
)
""".strip()

_AFTER = "(created_at, key) < ({created_at:DateTime64(6, 'UTC')}, {key:Int64})"
_COHORTS_AT_ONCE = 20


class FoundPerson(NamedTuple):
    """A person, and what orders it among others: when it was created, and PostgreSQL's number for it."""

    uuid: UUID
    created_at: datetime
    key: int


def persons_page(store: ClickHouse, query: PersonsQuery) -> list[FoundPerson]:
    """A page of persons, and one more when there is another page.

    Raises ClickHouseUnavailable, ClickHouseError.
    """
    found = store.rows(_statement(query, "id, created_at, key"))
    return [FoundPerson(uuid, in_utc(created_at), key) for uuid, created_at, key in found]


def page_statement(query: PersonsQuery) -> Fragment:
    """The ids of the same persons."""
    return _statement(query, "id")


def _statement(query: PersonsQuery, columns: str) -> Fragment:
    after = [sql(_AFTER, created_at=query.after[0], key=query.after[1])] if query.after else []
    persons = from_persons_of(query.project_id, query.filter, *after)
    return sql(PAGE, columns=Fragment(columns), persons=persons, rows=query.limit + 1, offset=query.offset)


def count_persons(store: ClickHouse, project_id: int, asked: Filter) -> int:
    """How many persons there are. Raises ClickHouseUnavailable, ClickHouseError."""
    ((count,),) = store.rows(sql(COUNT, persons=persons_of(project_id, asked)))
    return int(count)


def cohorts_of_person(
    store: ClickHouse, project_id: int, person: UUID, cohorts: Mapping[int, Filter]
) -> set[int]:
    """Which of the cohorts, given by id and filter, the person is in.

    Raises ClickHouseUnavailable, ClickHouseError.
    """
    statements = [
        sql(MEMBERSHIP, cohort=cohort, persons=persons_of(project_id, both(PersonIs(uuid=person), asked)))
        for cohort, asked in cohorts.items()
    ]
    found: set[int] = set()
    for start in range(0, len(statements), _COHORTS_AT_ONCE):
        batch = joined("\nUNION ALL\n", statements[start : start + _COHORTS_AT_ONCE])
        found |= {cohort for (cohort,) in store.rows(batch)}
    return found
