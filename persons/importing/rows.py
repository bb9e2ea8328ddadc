"""The rows of a file, one after the other, each with its place: a line, an item, or a row of a table."""

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from persons.capture.sdk_json import parsed
from persons.importing.files import Format, SourceFile, UnreadableFile, opened, without_mark

_CHUNK = 4 * 1024 * 1024
_LONGEST_LINE = 256 * 1024 * 1024
_ROWS_AT_ONCE = 2_000


class BadRow(Exception):
    """A row that cannot be imported. The message says why, not which one."""


class Row(NamedTuple):
    """A row as it was written. `number` counts the file's rows from 1, `place` is for people. `value` is a
    BadRow where there is nothing to be read. `position` is how far into the file it is, in bytes on disk;
    `size` about how many bytes it has."""

    number: int
    place: str
    value: dict[str, Any] | BadRow
    position: int
    size: int


def rows(file: SourceFile, skip: int = 0) -> Iterator[Row]:
    """The rows after the first ``skip``. Raises UnreadableFile where the file cannot be read any further."""
    try:
        if file.format is Format.PARQUET:
            yield from _parquet(file, skip)
        else:
            yield from _json(file, skip)
    except (OSError, pa.ArrowException) as error:
        raise UnreadableFile(f"{file.path}: it cannot be read to its end: {error}") from error


def _parquet(file: SourceFile, skip: int) -> Iterator[Row]:
    with pq.ParquetFile(file.path) as table:
        total, number = max(1, table.metadata.num_rows), 0
        groups: list[int] = []
        for group in range(table.num_row_groups):
            size = table.metadata.row_group(group).num_rows
            if not groups and number + size <= skip:
                number += size
            else:
                groups.append(group)
        for batch in table.iter_batches(_ROWS_AT_ONCE, row_groups=groups):
            if number + batch.num_rows <= skip:
                number += batch.num_rows
                continue
            size = batch.nbytes // max(1, batch.num_rows)
            for value in batch.to_pylist():
                number += 1
                if number > skip:
                    yield Row(number, f"{file.path}: row {number}", value, file.size * number // total, size)


def _json(file: SourceFile, skip: int) -> Iterator[Row]:
    with opened(file) as stream:
        lines = _lines(stream, file)
        first = next((line for line in lines if line[1].strip()), None)
        if first is None:
            return
        if _is_document(first[1]):
            yield from _lines_of_json(file, itertools.chain([first], lines), skip)
            return
    yield from _items_of_one_document(file, skip)


def _is_document(line: bytes) -> bool:
    """Whether a line is JSON by itself, good or bad, and not the start of a document of many lines."""
    text = without_mark(line).strip()
    try:
        parsed(text)
    except ValueError:
        return text not in (b"{", b"[") and not text.endswith((b",", b"{", b"["))
    return True


def _lines(stream: pa.NativeFile, file: SourceFile) -> Iterator[tuple[int, bytes, int]]:
    """Number, text and position of each line."""
    number, rest, position = 0, b"", 0
    while chunk := stream.read(_CHUNK):
        position = min(file.size, position + len(chunk)) if file.compression is None else 0
        pieces = chunk.split(b"\n")
        pieces[0] = rest + pieces[0]
        rest = pieces.pop()
        for line in pieces:
            number += 1
            yield number, line, position
        if len(rest) > _LONGEST_LINE:
            raise UnreadableFile(f"{file.path}:{number + 1}: the line is longer than 256 MiB.")
    if rest:
        yield number + 1, rest, file.size


def _lines_of_json(file: SourceFile, lines: Iterator[tuple[int, bytes, int]], skip: int) -> Iterator[Row]:
    """Each line is a row, or a list or a page of rows."""
    number = 0
    for line_number, line, position in lines:
        place = f"{file.path}:{line_number}"
        text = without_mark(line).strip() if line_number == 1 else line
        if not text or text.isspace():
            continue
        if number < skip and text[0] == 0x7B and b'"results"' not in text:
            number += 1
            continue
        for item, value, size in _items(text):
            number += 1
            if number > skip:
                yield Row(number, f"{place} (item {item})" if item else place, value, position, size)


def _items_of_one_document(file: SourceFile, skip: int) -> Iterator[Row]:
    with opened(file) as stream:
        text = stream.read(_LONGEST_LINE + 1)
    if len(text) > _LONGEST_LINE:
        raise UnreadableFile(f"{file.path}: a document that is not JSON lines may have 256 MiB at most.")
    for number, (item, value, size) in enumerate(_items(without_mark(text)), 1):
        if number > skip:
            yield Row(number, f"{file.path}: item {item or 1}", value, file.size, size)


def _items(text: bytes) -> Iterator[tuple[int, dict[str, Any] | BadRow, int]]:
    """The rows of a JSON text, numbered, 0 of one that is the whole text; and about how long each is."""
    try:
        document = read_json(text)
    except ValueError as error:
        yield 0, BadRow(f"this is not JSON: {error}"), len(text)
        return
    if isinstance(document, dict) and isinstance(document.get("results"), list):
        document = document["results"]
    if not isinstance(document, list):
        yield 0, document if isinstance(document, dict) else BadRow("a row must be an object"), len(text)
        return
    for item, value in enumerate(document, 1):
        row = value if isinstance(value, dict) else BadRow("a row must be an object")
        yield item, row, len(text) // len(document)


def read_json(text: bytes | str) -> Any:
    """A JSON document, also where an exporter was a little too generous. Raises ValueError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return parsed(text.encode("utf-8", "replace") if isinstance(text, str) else text)
