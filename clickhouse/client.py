"""Connections to ClickHouse, embedded or over HTTP, and the few calls everything else is made of.

``chdb:///folder`` is the engine inside this process; ``http(s)://user:password@host:8123/database`` a
server. A connected client must not be used by two threads at once, so clients are lent from a pool.
The embedded engine accepts one process per folder (the operating system enforces it, not we).
"""

import functools
import queue
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError as DriverError
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from clickhouse.errors import ClickHouseError, ClickHouseUnavailable
from clickhouse.sql.fragment import Fragment

DATABASE = "persons"
# A question may have a thousand filters in groups of a hundred levels; what it may cost is limited elsewhere.
_SETTINGS = {
    "max_query_size": 64 * 1024 * 1024,
    "max_ast_elements": 5_000_000,
    "max_expanded_ast_elements": 5_000_000,
    "max_parser_depth": 10_000,
}
_OPENING_PATIENCE_SECONDS = 5.0


class ClickHouse:
    """One store. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: queue.LifoQueue[Client] = queue.LifoQueue()

    def rows(self, statement: Fragment, settings: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a query and return all its rows.

        Raises ClickHouseUnavailable when the store cannot be reached, ClickHouseError otherwise.
        """
        with self._lent() as client:
            result = client.query(
                statement.text, parameters=dict(statement.parameters), settings=dict(settings or {})
            )
            return [tuple(row) for row in result.result_rows]

    def command(self, statement: Fragment) -> None:
        """Run a statement that returns nothing (DDL, DELETE)."""
        with self._lent() as client:
            client.command(statement.text, parameters=dict(statement.parameters))

    def insert_json(self, table: str, lines: bytes, *, token: str) -> None:
        """Insert newline-separated JSON objects, once per token (spec: design.md, "Exactly once").

        The rows become one block, hence one part: either all of them are there or none.
        """
        with self._lent() as client:
            client.raw_insert(
                table,
                insert_block=lines,
                fmt="JSONEachRow",
                settings={
                    "insert_deduplication_token": token,
                    "insert_deduplicate": 1,
                    "date_time_input_format": "best_effort",
                    # Parallel parsing cuts the body into blocks that would be inserted one by one.
                    "input_format_parallel_parsing": 0,
                    "max_insert_block_size": 10_000_000,
                    "min_insert_block_size_bytes": 0,
                },
            )

    def ping(self) -> str:
        """The engine's version. Raises ClickHouseUnavailable."""
        return str(self.rows(Fragment("SELECT version()"))[0][0])

    def close(self) -> None:
        """Close every idle connection; the embedded engine stops with its last one."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    @contextmanager
    def _lent(self) -> Iterator[Client]:
        try:
            client = self._idle.get_nowait()
        except queue.Empty:
            client = self._open()
        try:
            yield client
        except (DriverError, OSError) as error:
            # The driver derives the loss of a connection from the errors that a server answers with.
            if isinstance(error, DatabaseError) and not isinstance(error, OperationalError):
                self._idle.put(client)
                raise ClickHouseError(str(error)) from error
            client.close()
            raise ClickHouseUnavailable(str(error)) from error
        else:
            self._idle.put(client)

    def _open(self) -> Client:
        give_up_at = time.monotonic() + _OPENING_PATIENCE_SECONDS
        while True:
            try:
                return self._connect()
            except (DriverError, OSError) as error:
                # A server that was killed a moment ago may still be letting go of the folder.
                if not self.embedded or time.monotonic() > give_up_at:
                    raise ClickHouseUnavailable(str(error)) from error
                time.sleep(0.1)

    @property
    def embedded(self) -> bool:
        """Whether the engine runs inside this process."""
        return self._url.startswith("chdb://")

    def _connect(self) -> Client:
        if not self.embedded:
            return clickhouse_connect.get_client(
                dsn=self._url, autogenerate_session_id=False, settings=_SETTINGS
            )
        client = clickhouse_connect.get_client(interface="chdb", path=urlsplit(self._url).path)
        for name, value in _SETTINGS.items():
            client.command(f"SET {name} = {value}")
        client.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        client.database = DATABASE
        return client


@functools.cache
def connect(url: str) -> ClickHouse:
    """The store behind a URL; one pool per URL and process."""
    return ClickHouse(url)
