"""Every form in which PostHog exports is known by its content; what is not understood says where it is."""

import bz2
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from persons.identity import Event, Listed
from persons.importing.events import read_events
from persons.importing.files import UnreadableFile, source_files
from persons.importing.persons import read_persons
from persons.importing.rows import rows

NOW = datetime(2024, 4, 1, tzinfo=UTC)
AT = datetime(2024, 3, 1, 10, 0, 0, 123456, tzinfo=UTC)
EVENT, PERSON = UUID("018e0000-0000-7000-8000-000000000001"), UUID("018e0000-0000-7000-8000-000000000002")
PROPERTIES = {"plan": "prö", "$set": {"x": 1}}
ROW: dict[str, Any] = {
    "uuid": str(EVENT),
    "event": "e",
    "distinct_id": "a",
    "person_id": str(PERSON),
    "properties": PROPERTIES,
    "person_properties": {"y": 2},
    "timestamp": AT.isoformat(),
    "created_at": AT.isoformat(),
    "elements_chain": 'a:text="b"',
}
WANTED = Event(0, EVENT, "e", "a", AT, {**PROPERTIES, "$elements_chain": 'a:text="b"'})
LINES = json.dumps(ROW).encode() + b"\n"


def table(**columns: Any) -> bytes:
    """A Parquet file of one row."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({name: [value] for name, value in columns.items()}), sink, compression="zstd")
    return bytes(sink.getvalue())


def packed(codec: str, text: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(text)
    return bytes(sink.getvalue())


PARQUET = {**ROW, "properties": json.dumps(PROPERTIES), "person_properties": None, "timestamp": AT}
DATABASE = {
    "uuid": str(EVENT),
    "event": "e",
    "distinct_id": "a",
    "team_id": 2,
    "properties": json.dumps({"plan": "prö"}),
    "set": '{"x": 1}',
    "set_once": None,
    "elements": json.dumps('a:text="b"'),
    "timestamp": "2024-03-01 10:00:00.123456",
}
FORMS: dict[str, bytes] = {
    "JSON lines": LINES,
    "no newline at the end, a mark at the start, empty lines": b"\xef\xbb\xbf" + LINES + b"\n\r\n",
    "properties as text": json.dumps({**ROW, "properties": json.dumps(PROPERTIES)}).encode(),
    "gzip": gzip.compress(LINES, mtime=0),
    "gzip, each line by itself": gzip.compress(LINES, mtime=0) + gzip.compress(b"\n", mtime=0),
    "brotli": packed("brotli", LINES),
    "zstd": packed("zstd", LINES),
    "lz4": packed("lz4", LINES),
    "bzip2": bz2.compress(LINES),
    "Parquet": table(**PARQUET),
    "Parquet with times as numbers": table(**{**PARQUET, "timestamp": int(AT.timestamp() * 1e6)}),
    "a database's columns": json.dumps(DATABASE).encode(),
    "an API page": json.dumps({"next": None, "results": [{**ROW, "uuid": None, "id": str(EVENT)}]}).encode(),
    "a document of many lines": json.dumps([ROW], indent=2).encode(),
    "a plugin's": json.dumps(
        {**ROW, "properties": {"plan": "prö"}, "$set": {"x": 1}, "ip": None, "site_url": "", "now": "x"}
    ).encode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_event_is_read_from_whatever_it_was_written_as(form: str, tmp_path: Path) -> None:
    found = read(tmp_path, FORMS[form], lambda found: read_events(found, NOW))
    assert (found.bad, found.events) == ([], [WANTED])
    assert found.persons in ({EVENT: PERSON}, {})


LISTED = Listed(PERSON, ("a", "b"), {"plan": "pro"}, AT, is_identified=None)
PERSON_ROW: dict[str, Any] = {
    "person_id": str(PERSON),
    "distinct_id": "a",
    "properties": '{"plan": "pro"}',
    "created_at": AT.isoformat(),
    "person_version": 3,
    "person_distinct_id_version": 0,
    "is_deleted": False,
    "team_id": 2,
}
LIST_ROW: dict[str, Any] = {
    "id": 7,
    "uuid": str(PERSON),
    "name": "pro",
    "distinct_ids": ["a", "b"],
    "properties": {"plan": "pro"},
    "created_at": AT.isoformat(),
}
PERSON_FORMS: dict[str, bytes] = {
    "the list": json.dumps({"next": None, "previous": None, "results": [LIST_ROW]}).encode(),
    "the list, written to be read": json.dumps({"results": [LIST_ROW]}, indent=4).encode(),
    "pages, one a line": json.dumps({"results": [LIST_ROW]}).encode() + b'\n{"results": []}',
    "a list of the rows": gzip.compress(json.dumps([LIST_ROW]).encode(), mtime=0),
    "rows, one a line": json.dumps(LIST_ROW).encode(),
    "the persons model": b"\n".join(
        json.dumps({**PERSON_ROW, "distinct_id": each}).encode() for each in "ab"
    ),
    "the persons model, an old version last": b"\n".join(
        json.dumps({**PERSON_ROW, **each}).encode()
        for each in ({}, {"distinct_id": "b", "person_version": 2, "properties": "{}"})
    ),
}


@pytest.mark.parametrize("form", PERSON_FORMS)
def test_a_person_is_read_from_whatever_it_was_written_as(form: str, tmp_path: Path) -> None:
    found = read(tmp_path, PERSON_FORMS[form], read_persons)
    assert found.bad == []
    assert [person.listed for person in found.persons] == [LISTED]


def test_the_persons_model_is_read_from_parquet(tmp_path: Path) -> None:
    found = read(tmp_path, table(**{**PERSON_ROW, "created_at": AT}), read_persons)
    assert [person.listed.distinct_ids for person in found.persons] == [("a",)]


BAD = {
    b"[1]": "a row must be an object",
    b'{"event": "e"': "this is not JSON",
    json.dumps({**ROW, "event": None}).encode(): "`event` is missing",
    json.dumps(PERSON_ROW).encode(): "import it with --persons",
    json.dumps({**ROW, "distinct_id": None}).encode(): "`distinct_id` is missing",
    json.dumps({**ROW, "distinct_id": "x" * 401}).encode(): "`distinct_id` may have 400",
    json.dumps({**ROW, "uuid": "x"}).encode(): "uuid 'x' is not a uuid",
    json.dumps({**ROW, "timestamp": "soon"}).encode(): "timestamp 'soon' is not a time",
    json.dumps({**ROW, "timestamp": "1830-01-01"}).encode(): "is not between the years",
    json.dumps({**ROW, "properties": "[]"}).encode(): "properties must be an object",
    json.dumps({**ROW, "properties": "{"}).encode(): "properties is not JSON",
}


@pytest.mark.parametrize("line", BAD)
def test_a_row_that_is_no_event_says_why_and_where(line: bytes, tmp_path: Path) -> None:
    found = read(tmp_path, LINES + line, lambda found: read_events(found, NOW))
    ((row, reason),) = found.bad
    assert BAD[line] in reason
    assert row.place.startswith(f"{tmp_path / 'file'}:2")


BAD_PERSONS = {
    json.dumps({**LIST_ROW, "uuid": None}).encode(): "`uuid` is missing",
    json.dumps({**LIST_ROW, "distinct_ids": "a"}).encode(): "must be a list of texts",
    json.dumps({**LIST_ROW, "distinct_ids": []}).encode(): "can never be found",
    json.dumps({**LIST_ROW, "properties": {"x": "y" * 640_000}}).encode(): "640000 bytes",
    json.dumps(ROW).encode(): "import it with --events",
}


@pytest.mark.parametrize("line", BAD_PERSONS)
def test_a_row_that_is_no_person_says_why(line: bytes, tmp_path: Path) -> None:
    ((_, reason),) = read(tmp_path, line, read_persons).bad
    assert BAD_PERSONS[line] in reason


@pytest.mark.parametrize(
    "content", [b"\x00\x01\x02", b"PAR1 but not really", gzip.compress(LINES, mtime=0)[:-12]]
)
def test_a_file_that_cannot_be_read_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=str(tmp_path / "file")):
        read(tmp_path, content, list)


def test_files_are_read_in_the_order_of_their_numbers_each_once_and_manifests_not_at_all(
    tmp_path: Path,
) -> None:
    for name in ("10.jsonl", "2.jsonl", "2024_manifest.json"):
        (tmp_path / name).write_bytes(b"{}")
    found = source_files([str(tmp_path / "*"), str(tmp_path / "2.jsonl")])
    assert [file.path.name for file in found] == ["2.jsonl", "10.jsonl"]
    with pytest.raises(UnreadableFile, match="there is no such file"):
        source_files([str(tmp_path / "*.parquet")])


@pytest.mark.parametrize("form", ["JSON lines", "Parquet", "an API page"])
def test_reading_goes_on_behind_the_rows_that_are_done(form: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(FORMS[form])
    (source,) = source_files([str(file)])
    assert [row.number for row in rows(source)] == [1]
    assert list(rows(source, skip=1)) == []


def read(folder: Path, content: bytes, by: Callable[[Any], Any]) -> Any:
    (folder / "file").write_bytes(content)
    (source,) = source_files([str(folder / "file")])
    return by(rows(source))
