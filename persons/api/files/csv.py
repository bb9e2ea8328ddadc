"""CSV. Which columns the file has is known when the last row is: so rows wait as JSON, and become lines on
their way."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import orjson

from persons.api.files.cells import cell
from persons.api.files.spool import Spool

# Excel and LibreOffice take 16,384 columns.
MAX_PROPERTIES = 16_000


class TooManyProperties(Exception):
    """The rows have more different properties than a table can have columns."""


class Row(NamedTuple):
    """The values of the first columns, as many in each row, and those that have columns of their own."""

    values: Sequence[Any]
    properties: Mapping[str, Any]


class CsvFile(Spool):
    """Rows as CSV (RFC 4180), with a column for each key of their properties, in the order of the keys.

    `keys` are those that have one in any case. The first cell of a row is never empty: one that is empty and
    alone would be written in another way.

    Raises what Spool raises, TooManyProperties, and whatever the rows raise.
    """

    content_type = "text/csv; charset=utf-8"

    def __init__(self, columns: Sequence[str], rows: Iterable[Row], keys: Sequence[str] = ()) -> None:
        super().__init__()
        self._columns = columns
        self._numbers = {key: number for number, key in enumerate(keys)}  # as they were met
        try:
            self._fill(rows)
        except BaseException:
            self.close()
            raise

    def lines(self) -> Iterator[bytes]:
        """The header, and each row with its cells where they belong."""
        return chain([self._header()], self._rows())

    def _fill(self, rows: Iterable[Row]) -> None:
        length = count = given = 0
        for row in rows:
            values = [cell(value) for value in row.values]
            texts = [cell(value) for value in row.properties.values()]
            numbers = [self._numbers.setdefault(key, len(self._numbers)) for key in row.properties]
            if len(self._numbers) > MAX_PROPERTIES:
                raise TooManyProperties
            self.waiting.write(orjson.dumps((values, numbers, texts), option=orjson.OPT_APPEND_NEWLINE))
            length += len(_line([*values, *texts]))
            count += 1
            given += len(texts)
        # Of a property that a row has not, there will be the comma.
        self.length = len(self._header()) + length + count * len(self._numbers) - given

    def _header(self) -> bytes:
        names = (*self._columns, *(f"properties.{key}" for key in sorted(self._numbers)))
        return _line([cell(name) for name in names])

    def _rows(self) -> Iterator[bytes]:
        first = len(self._columns)
        places = {self._numbers[key]: first + place for place, key in enumerate(sorted(self._numbers))}
        self.waiting.seek(0)
        for row in self.waiting:
            values, numbers, texts = orjson.loads(row)
            cells = values + [""] * len(places)
            for number, text in zip(numbers, texts, strict=True):
                cells[places[number]] = text
            yield _line(cells)


class _Echo:
    """A file that gives back what is written: so the csv module makes lines without keeping them."""

    def write(self, text: str) -> str:
        return text


def _line(cells: Sequence[str]) -> bytes:
    line: str = csv.writer(_Echo()).writerow(cells)
    return line.encode()
