"""What a view returns for CSV, instead of a page: all persons in one stream, unless a limit was given.

Everything is asked before the first byte leaves, so whoever reads slowly holds neither store.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import repeat
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from clickhouse.sql.fragment import Fragment
from persons.api.actors import with_distinct_ids
from persons.api.csv.file import (
    MAX_PROPERTIES,
    MOST_AT_ONCE,
    CsvFile,
    Row,
    TooManyFiles,
    TooManyProperties,
)
from persons.api.parameters.door import PagingOrCsv
from persons.api.stores import clickhouse
from persons.errors import Unavailable, invalid
from persons.models import Person, Project
from persons.models.naming import display_name

_COLUMNS = ("id", "uuid", "name", "distinct_ids", "created_at", "is_identified")
_VALUE = "value_at_data_point"
_PERSONS_AT_ONCE = 1000
_UUID_BYTES = 16


def actors_csv(
    name: str, project: Project, statement: Fragment, *, limit: int, with_values: bool = False
) -> StreamingHttpResponse:
    """The actors of an analytics question; their ids are uuids.

    The statement returns the ids in the order of the answer and, `with_values`, a value_at_data_point each.
    Raises ClickHouseUnavailable, ClickHouseError.
    """
    columns = (*_COLUMNS, _VALUE) if with_values else _COLUMNS
    rows = (
        Row((person.uuid, *_cells(project, person), *([value] if with_values else [])), person.properties)
        for person, value in _found(project, statement, limit)
    )
    return _answer(name, _file(columns, rows))


def found_csv(name: str, project: Project, statement: Fragment, *, limit: int) -> StreamingHttpResponse:
    """The persons that ClickHouse finds for a list; their ids are integers.

    Raises ClickHouseUnavailable, ClickHouseError.
    """
    found = _found(project, statement, limit)
    return _answer(name, _file(_COLUMNS, (_listed(project, person) for person, _ in found)))


def persons_csv(
    name: str, project: Project, persons: QuerySet[Any], page: PagingOrCsv
) -> StreamingHttpResponse:
    """The persons that PostgreSQL finds for a list. They need ``with_distinct_ids``."""
    asked = _fields(persons)[page.offset : page.offset + page.most]
    # One cursor in one transaction: the persons of one moment, in portions.
    rows = (_listed(project, person) for person in asked.iterator(_PERSONS_AT_ONCE))
    with transaction.atomic(), closing(rows):
        file = _file(_COLUMNS, rows)
    return _answer(name, file)


def listed_csv(name: str, project: Project, persons: Iterable[Any]) -> StreamingHttpResponse:
    """Persons that are in hand, `with_distinct_ids`, as a list has them."""
    return _answer(name, _file(_COLUMNS, (_listed(project, person) for person in persons)))


def _file(columns: Sequence[str], rows: Iterable[Row]) -> CsvFile:
    try:
        return CsvFile(columns, rows)
    except TooManyProperties as error:
        raise invalid(
            "format",
            f"These persons have more than {MAX_PROPERTIES} different properties, too many for the columns "
            "of a table. Ask for fewer persons, or for JSON.",
        ) from error
    except TooManyFiles as error:
        raise Unavailable(
            f"{MOST_AT_ONCE} CSV files are on their way, and there may not be more at once. Try again "
            "when one of them has arrived."
        ) from error


def _answer(name: str, file: CsvFile) -> StreamingHttpResponse:
    # Django would keep PostgreSQL's connection until the last byte is sent. Within somebody's transaction,
    # as tests have one, it must stay.
    if not connection.in_atomic_block:
        connection.close()
    return StreamingHttpResponse(
        file,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Content-Length": str(file.length),
        },
    )


def _found(project: Project, statement: Fragment, limit: int) -> Iterator[tuple[Any, Any]]:
    """The persons whose ids a statement returns, each with what stands beside its id. Those that are gone
    meanwhile are left out."""
    ids, values = bytearray(), list[Any]()

    def take(id_column: Sequence[UUID], *others: Sequence[Any]) -> None:
        ids.extend(b"".join(uuid.bytes for uuid in id_column))
        for column in others:
            values.extend(column)

    clickhouse().read_blocks(statement, take)
    count = min(len(ids) // _UUID_BYTES, limit)
    for start in range(0, count, _PERSONS_AT_ONCE):
        end = min(start + _PERSONS_AT_ONCE, count)
        uuids = [
            UUID(bytes=bytes(ids[place : place + _UUID_BYTES]))
            for place in range(start * _UUID_BYTES, end * _UUID_BYTES, _UUID_BYTES)
        ]
        stored = _fields(with_distinct_ids(Person.objects.filter(project=project, uuid__in=uuids)))
        persons = {person.uuid: person for person in stored}
        for uuid, value in zip(uuids, values[start:end] or repeat(None), strict=False):
            if uuid in persons:
                yield persons[uuid], value


def _fields(persons: QuerySet[Any]) -> QuerySet[Any, Any]:
    """What a row needs of persons. Twice as fast as whole ones."""
    return persons.values_list(
        "pk", "uuid", "properties", "created_at", "is_identified", "distinct_ids", named=True
    )


def _listed(project: Project, person: Any) -> Row:
    return Row((person.pk, *_cells(project, person)), person.properties)


def _cells(project: Project, person: Any) -> tuple[Any, ...]:
    name = display_name(project, person.properties, person.distinct_ids, person.uuid)
    return person.uuid, name, person.distinct_ids, person.created_at, person.is_identified
