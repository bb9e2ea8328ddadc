"""The ids in an uploaded CSV file.

With a header that names a column of ids, that column; otherwise the first one. Every refusal is a 400, or a
413, with the attr `csv`.
"""

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from persons.api.parameters.cohorts import MAX_IDS
from persons.api.parsers import UploadTooLarge
from persons.errors import invalid

# By how sure we can be that the column says who a person is. Spaces, hyphens and underscores do not count.
_UUID_COLUMNS = ("personid", "uuid")
_COLUMNS = (*_UUID_COLUMNS, "distinctid", "distinctids", "id")


class CsvIds(NamedTuple):
    """What a file names, in its order. `malformed`: what stands in a column of uuids and is none."""

    distinct_ids: list[str]
    uuids: list[UUID]
    malformed: list[str]


def ids_in_csv(file: "UploadedFile[bytes]") -> CsvIds:
    """The ids of a file. Blank cells name nobody."""
    text = _text(file)
    name, cells = _column(_rows(text, _delimiter(text)))
    values: list[str] = []
    for cell in cells:
        if len(values) == MAX_IDS:
            raise invalid("csv", f"May have at most {MAX_IDS} rows.")
        values.append(cell)
    if not values:
        raise invalid("csv", "The file names nobody.")
    return _as_uuids(values) if name in _UUID_COLUMNS else CsvIds(values, [], [])


def _text(file: "UploadedFile[bytes]") -> str:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    content: bytes = file.read(limit + 1)
    if len(content) > limit:
        raise UploadTooLarge(f"The file may have {limit} bytes at most.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid("csv", f"Must be UTF-8; byte {error.start + 1} is not.") from error
    if "\0" in text:
        raise invalid("csv", "NUL characters are not allowed.")
    return text


def _delimiter(text: str) -> str:
    """The one that gives the first row a name we know, else the most cells; commas when in doubt."""

    def fits(delimiter: str) -> tuple[bool, int]:
        try:
            row = next(_rows_or_error(text, delimiter), [])
        except csv.Error:
            return False, 0
        return any(_plain(cell) in _COLUMNS for cell in row), len(row)

    return max(",;\t", key=fits)


def _column(rows: Iterator[list[str]]) -> tuple[str | None, Iterator[str]]:
    """The name of the column of ids, if it has one, and its cells."""
    first = next(rows, [])
    names = [_plain(cell) for cell in first]
    name = next((each for each in _COLUMNS if each in names), None)
    if name is None:
        return None, _cells(0, first, rows)
    return name, _cells(names.index(name), [], rows)


def _cells(place: int, first: list[str], rows: Iterator[list[str]]) -> Iterator[str]:
    for row in (first, *rows):
        if place < len(row) and row[place].strip():
            yield row[place]


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from _rows_or_error(text, delimiter)
    except csv.Error as error:
        raise invalid("csv", f"Not a CSV file: {error}.") from error


def _rows_or_error(text: str, delimiter: str) -> Iterator[list[str]]:
    """The rows that are not blank, whichever delimiter it is. Raises csv.Error."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return (row for row in rows if any(cell.strip().strip(",;") for cell in row))


def _plain(cell: str) -> str:
    return "".join(cell.split()).replace("_", "").replace("-", "").lower()


def _as_uuids(texts: list[str]) -> CsvIds:
    uuids, malformed = [], []
    for text in texts:
        try:
            uuids.append(UUID(text.strip()))
        except ValueError:
            malformed.append(text)
    return CsvIds([], uuids, malformed)
