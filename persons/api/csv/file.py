"""The file. Which columns it has is known when the last row is, so rows wait on the disk, not in memory.

That it is complete before its first byte leaves has two more uses. What goes wrong while it is made is an
error like any other, with a status. And its length is known: granian ends a response whose iterator raises
as if it were whole, unless its Content-Length says otherwise.
"""

import csv
import os
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson
from django.conf import settings

from persons.api.csv.cells import cell

# Excel and LibreOffice take 16,384 columns.
MAX_PROPERTIES = 16_000
_CHUNK_BYTES = 64 * 1024

# A file on its way holds a thread of the server for as long as its reader likes, and there are eight.
MOST_AT_ONCE = 4
_places = threading.Semaphore(MOST_AT_ONCE)


class TooManyFiles(Exception):
    """As many files as may be on their way already are."""


class TooManyProperties(Exception):
    """The rows have more different properties than a table can have columns."""


class Row(NamedTuple):
    """The values of the first columns, as many in each row, and those that have columns of their own."""

    values: Sequence[Any]
    properties: Mapping[str, Any]


class CsvFile:
    """Rows as CSV (RFC 4180), with a column for each key of their properties, in the order of the keys.

    Iterate once, for the bytes, of which there are `length`. Close it in any case: it lies on the disk.
    Raises TooManyFiles, TooManyProperties, OSError, and whatever the rows raise.
    """

    length: int

    def __init__(self, columns: Sequence[str], rows: Iterable[Row]) -> None:
        self._columns = columns
        self._numbers: dict[str, int] = {}  # of the keys, as they were met
        self._waiting: IO[bytes] = tempfile.TemporaryFile(dir=_folder())  # noqa: SIM115 - as long as we are
        if not _places.acquire(blocking=False):
            self._waiting.close()
            raise TooManyFiles
        # Once, whether somebody closes us or forgets to.
        self._end = weakref.finalize(self, _end, self._waiting)
        try:
            self._fill(rows)
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        chunk = bytearray()
        for line in chain([self._header()], self._lines()):
            chunk += line
            if len(chunk) >= _CHUNK_BYTES:
                yield bytes(chunk)
                chunk.clear()
        if chunk:
            yield bytes(chunk)

    def close(self) -> None:
        """Make room: on the disk, and for another file."""
        self._end()

    def _fill(self, rows: Iterable[Row]) -> None:
        length = count = given = 0
        for row in rows:
            values = [cell(value) for value in row.values]
            texts = [cell(value) for value in row.properties.values()]
            numbers = [self._numbers.setdefault(key, len(self._numbers)) for key in row.properties]
            if len(self._numbers) > MAX_PROPERTIES:
                raise TooManyProperties
            self._waiting.write(orjson.dumps((values, numbers, texts), option=orjson.OPT_APPEND_NEWLINE))
            length += len(_line([*values, *texts]))
            count += 1
            given += len(texts)
        # Of a property that a row has not, there will be the comma.
        self.length = len(self._header()) + length + count * len(self._numbers) - given

    def _header(self) -> bytes:
        names = (*self._columns, *(f"properties.{key}" for key in sorted(self._numbers)))
        return _line([cell(name) for name in names])

    def _lines(self) -> Iterator[bytes]:
        """Each row with its cells where they belong."""
        first = len(self._columns)
        places = {self._numbers[key]: first + place for place, key in enumerate(sorted(self._numbers))}
        self._waiting.seek(0)
        for row in self._waiting:
            values, numbers, texts = orjson.loads(row)
            cells = values + [""] * len(places)
            for number, text in zip(numbers, texts, strict=True):
                cells[places[number]] = text
            yield _line(cells)


def _end(waiting: IO[bytes]) -> None:
    waiting.close()
    _places.release()


class _Echo:
    """A file that gives back what is written: so the csv module makes lines without keeping them."""

    def write(self, text: str) -> str:
        return text


def _line(cells: Sequence[str]) -> bytes:
    line: str = csv.writer(_Echo()).writerow(cells)
    return line.encode()


def _folder() -> Path | None:
    """The data folder is on a disk with room; where files like ours usually go is often memory."""
    return settings.DATA_DIR if os.access(settings.DATA_DIR, os.W_OK) else None
