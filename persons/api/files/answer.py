"""What a view returns for a file, instead of a page: all persons in one stream, unless a limit was given.

Everything is asked before the first byte leaves, so whoever reads slowly holds neither store.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from itertools import repeat
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from clickhouse.sql.fragment import Fragment
from persons.api.actors import in_columns, person_fields, with_distinct_ids
from persons.api.files.csv import MAX_PROPERTIES, CsvFile, Row, TooManyProperties
from persons.api.files.ndjson import NdjsonFile
from persons.api.files.spool import MOST_AT_ONCE, Spool, TooManyFiles
from persons.api.parameters.person_fields import OF_DELETED, columns_of, keys_of, pick
from persons.api.rows import AT_ONCE, rows
from persons.errors import Unavailable, invalid
from persons.models import Person, Project
from persons.stores import clickhouse

Rows = Iterable[Mapping[str, Any]]
Fields = tuple[str, ...] | None

_COLUMNS = ("id", "uuid", "name", "distinct_ids", "created_at", "is_identified")
_VALUE = "value_at_data_point"
_UUID_BYTES = 16


def actors_file(
    form: str, name: str, project: Project, statement: Fragment, *, limit: int, with_values: bool = False
) -> StreamingHttpResponse:
    """The actors of an analytics question; their ids are uuids.

    The statement returns the ids in the order of the answer and, `with_values`, a value_at_data_point each.
    Raises ClickHouseUnavailable, ClickHouseError.
    """

    def row(person: Any, value: Any) -> dict[str, Any]:
        fields = {**person_fields(project, person), "id": person.uuid}
        return {**fields, _VALUE: value} if with_values else fields

    columns = (*_COLUMNS, _VALUE) if with_values else _COLUMNS
    found = (row(person, value) for person, value in _found(project, statement, limit))
    return _answer(name, form, _spooled(form, columns, found))


def found_file(
    form: str, name: str, project: Project, statement: Fragment, *, limit: int, fields: Fields
) -> StreamingHttpResponse:
    """The persons that ClickHouse finds for a list; their ids are integers.

    Raises ClickHouseUnavailable, ClickHouseError.
    """
    found = rows(project, (person for person, _ in _found(project, statement, limit)))
    return rows_file(form, name, nullcontext(found), fields=fields)


def rows_file(
    form: str,
    name: str,
    found: AbstractContextManager[Rows],
    *,
    fields: Fields = None,
    with_deleted: bool = False,
    complete_until: datetime | None = None,
) -> StreamingHttpResponse:
    """Persons as rows of a list, which are there while the context is."""
    columns = [*_COLUMNS, *(["updated_at", *OF_DELETED] if with_deleted else [])]
    if fields is not None:
        columns = columns_of(fields)
        if with_deleted and "is_deleted" not in columns:
            columns.append("is_deleted")
    with found as whole:
        picked = whole if fields is None else (pick(row, fields) for row in whole)
        file = _spooled(form, columns, picked, keys_of(fields or ()))
    answer = _answer(name, form, file)
    if complete_until is not None:
        answer["X-Complete-Until"] = complete_until.isoformat().replace("+00:00", "Z")
    return answer


def _spooled(form: str, columns: Sequence[str], found: Rows, keys: Sequence[str] = ()) -> Spool:
    try:
        if form == "ndjson":
            return NdjsonFile(found)
        return CsvFile(columns, map(_in_columns(columns), found), keys)
    except TooManyProperties as error:
        raise invalid(
            "format",
            f"These persons have more than {MAX_PROPERTIES} different properties, too many for the columns "
            "of a table. Ask for fewer persons, for some fields, or for JSON.",
        ) from error
    except TooManyFiles as error:
        raise Unavailable(
            f"{MOST_AT_ONCE} files are on their way, and there may not be more at once. Try again "
            "when one of them has arrived."
        ) from error


def _in_columns(columns: Sequence[str]) -> Callable[[Mapping[str, Any]], Row]:
    return lambda row: Row([row.get(name) for name in columns], row.get("properties", {}))


def _answer(name: str, form: str, file: Spool) -> StreamingHttpResponse:
    # Django would keep PostgreSQL's connection until the last byte is sent. Within somebody's transaction,
    # as tests have one, it must stay.
    if not connection.in_atomic_block:
        connection.close()
    return StreamingHttpResponse(
        file,
        content_type=file.content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}.{form}"',
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
    for start in range(0, count, AT_ONCE):
        end = min(start + AT_ONCE, count)
        uuids = [
            UUID(bytes=bytes(ids[place : place + _UUID_BYTES]))
            for place in range(start * _UUID_BYTES, end * _UUID_BYTES, _UUID_BYTES)
        ]
        persons = {person.uuid: person for person in _stored(project, uuids)}
        for uuid, value in zip(uuids, values[start:end] or repeat(None), strict=False):
            if uuid in persons:
                yield persons[uuid], value


def _stored(project: Project, uuids: Sequence[UUID]) -> QuerySet[Any, Any]:
    return in_columns(with_distinct_ids(Person.objects.filter(project=project, uuid__in=uuids)))
