"""Statements as a server takes them: settings, parameters and sessions that belong to one request or many."""

import re
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import chdb

from tests.clickhouse_server.cluster import by_one_server

# The body of an INSERT that says its format is data; everything else is a statement from end to end.
_INSERT = re.compile(rb"\s*INSERT\s+INTO\s[^;]*?\bFORMAT\s+\w+(?=[ \t]*\n)", re.IGNORECASE)
_SESSION_NOT_FOUND, _SESSION_IS_LOCKED = 372, 373


class Refused(Exception):
    """What the server itself refuses, in the words in which the engine does."""

    def __init__(self, code: int, text: str, name: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text}. ({name})")


class Request(NamedTuple):
    """What one HTTP request asks of the engine."""

    statement: bytes
    data: bytes
    database: str
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    session: str | None
    must_exist: bool


class Answer(NamedTuple):
    """All of a result, and what it took."""

    body: bytes
    rows_read: int
    bytes_read: int


def split(statement: bytes) -> tuple[bytes, bytes]:
    """The statement of an INSERT, and the data that follow it in the same body."""
    match = _INSERT.match(statement)
    if not match:
        return statement, b""
    return match[0], statement[match.end() :].partition(b"\n")[2]


class Engine:
    """The one engine of this process. A handle has settings and a database of its own, and is kept for the
    next request with the same ones."""

    def __init__(self, folder: str, config: str | None) -> None:
        self._address = f"{folder}?config-file={config}" if config else folder
        self._idle: dict[Any, list[Any]] = defaultdict(list)
        self._sessions: dict[str, tuple[Any, threading.Lock]] = {}
        self._lock = threading.Lock()
        # The engine stops with its last handle.
        self._first = self._opened("default", {"persons": "CREATE DATABASE IF NOT EXISTS persons"})

    def run(self, request: Request) -> Answer:
        with self._handle(request) as handle, _statement(request) as text:
            result = handle.query(text, "TabSeparated", params=dict(request.parameters))
            return Answer(result.bytes(), result.rows_read(), result.bytes_read())

    def stream(self, request: Request) -> Iterator[bytes]:
        """The result, block by block."""
        with self._handle(request) as handle, _statement(request) as text:
            stream = handle.send_query(text, "TabSeparated", params=dict(request.parameters))
            try:
                for block in stream:
                    yield block.bytes()
            finally:
                stream.close()

    @contextmanager
    def _handle(self, request: Request) -> Iterator[Any]:
        statements = {name: f"SET {name} = {_quoted(value)}" for name, value in request.settings.items()}
        if request.session is not None:
            with self._session(request) as handle:
                for statement in statements.values():
                    handle.query(statement, "TabSeparated")
                yield handle
            return
        key = (request.database, frozenset(request.settings.items()))
        with self._lock:
            handle = self._idle[key].pop() if self._idle[key] else None
        handle = handle or self._opened(request.database, statements)
        try:
            yield handle
        finally:
            with self._lock:
                self._idle[key].append(handle)

    @contextmanager
    def _session(self, request: Request) -> Iterator[Any]:
        name = str(request.session)
        with self._lock:
            if name not in self._sessions:
                if request.must_exist:
                    raise Refused(_SESSION_NOT_FOUND, "Session not found", "SESSION_NOT_FOUND")
                self._sessions[name] = (self._opened(request.database, {}), threading.Lock())
            handle, in_use = self._sessions[name]
        if not in_use.acquire(blocking=False):
            raise Refused(_SESSION_IS_LOCKED, "Session is locked by a concurrent client", "SESSION_IS_LOCKED")
        try:
            yield handle
        finally:
            in_use.release()

    def _opened(self, database: str, statements: Mapping[str, str]) -> Any:
        handle = chdb.connect(self._address)  # type: ignore[no-untyped-call]
        try:
            for statement in (f"USE `{database}`", *statements.values()):
                handle.query(statement, "TabSeparated")
        except Exception:
            handle.close()
            raise
        return handle


@contextmanager
def _statement(request: Request) -> Iterator[str]:
    """The text for the engine, which takes data from a file."""
    text = by_one_server(request.statement.decode())
    if not request.data:
        yield text
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(request.data)
        file.flush()
        yield re.sub(r"(?is)\bFORMAT\s+(\w+)\s*$", rf"FROM INFILE {_quoted(file.name)} FORMAT \1", text)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
