"""Connections to ClickHouse, embedded or over HTTP, and the few calls everything else is made of.

``chdb:///folder`` is the engine inside this process; ``http(s)://user:password@host:8123/database`` a
server. A connected client must not be used by two threads at once, so clients are lent from a pool.
The embedded engine accepts one process per folder (the operating system enforces it, not we).
"""

import functools
import queue
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError as DriverError
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, StreamFailureError

from clickhouse.errors import (
    ClickHouseError,
    ClickHouseUnavailable,
    InvalidPattern,
    QueryTimeout,
    QueryTooLarge,
)
from clickhouse.observing import commented, observed
from clickhouse.sql.fragment import Fragment

DATABASE = "persons"
# A question may have a thousand filters in groups of a hundred levels; what it may cost, Limits says.
# Two filters in a row stay two: merged into one AND, the second is computed lazily, and then what it shares
# with the columns of the answer is computed again (a strict funnel takes three times as long).
_SETTINGS = {
    "query_plan_merge_filters": 0,
    "max_query_size": 64 * 1024 * 1024,
    "max_ast_elements": 5_000_000,
    "max_expanded_ast_elements": 5_000_000,
    "max_parser_depth": 10_000,
}
_OPENING_PATIENCE_SECONDS = 5.0

_MEMORY_LIMIT_EXCEEDED = 241
_ERRORS: dict[int, type[ClickHouseError]] = {
    158: QueryTooLarge,  # TOO_MANY_ROWS, as the next two where a server has such limits of its own
    159: QueryTimeout,  # TIMEOUT_EXCEEDED
    160: QueryTimeout,  # TOO_SLOW
    202: ClickHouseUnavailable,  # TOO_MANY_SIMULTANEOUS_QUERIES
    _MEMORY_LIMIT_EXCEEDED: QueryTooLarge,
    307: QueryTooLarge,  # TOO_MANY_BYTES
    396: QueryTooLarge,  # TOO_MANY_ROWS_OR_BYTES
    427: InvalidPattern,  # CANNOT_COMPILE_REGEXP
}
# Over HTTP the driver takes the code from a header only; where that did not arrive, the message has it.
_CODE = re.compile(r"\bCode: (\d+)")
# What all statements together may have is used up, and this one need not be to blame. In new words and old.
_SHARED_MEMORY = re.compile(
    r"DB::Exception: (?:(?:\(total\)|User) memory limit|Memory limit \((?:total|for user)\))"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one statement may cost: seconds until it is cut off, and bytes of memory.

    The engine watches the clock while it reads and computes, not while it analyses: a statement with ten
    thousand conditions ends seconds late.
    """

    seconds: float
    memory: int

    def settings(self) -> dict[str, Any]:
        """The same as settings of ClickHouse. From half the memory on, GROUP BY uses files."""
        return {
            "max_execution_time": self.seconds,
            "timeout_overflow_mode": "throw",
            "max_memory_usage": self.memory,
            "max_bytes_before_external_group_by": self.memory // 2,
        }


class ClickHouse:
    """One store. Safe to share between threads. Every statement keeps within the limits, if there are any."""

    def __init__(self, url: str, limits: Limits | None = None) -> None:
        self._url = url
        self._settings = _SETTINGS | (limits.settings() if limits else {})
        self._idle: queue.LifoQueue[Client] = queue.LifoQueue()

    def rows(self, statement: Fragment, settings: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a query and return all its rows.

        Raises ClickHouseUnavailable when the store cannot be reached, QueryTimeout and QueryTooLarge at the
        limits, ClickHouseError otherwise.
        """
        with observed(statement.text) as cost, self._lent() as client:
            result = client.query(
                statement.text, parameters=dict(statement.parameters), settings=commented(settings or {})
            )
            cost.note(result.summary)
            return [tuple(row) for row in result.result_rows]

    def read_blocks(
        self, statement: Fragment, take: Callable[..., None], settings: Mapping[str, Any] | None = None
    ) -> None:
        """Run a query and hand its rows over block by block, each block as its columns: for more rows than
        there is room for. Raises what `rows` raises."""
        with (
            observed(statement.text),
            self._lent() as client,
            client.query_column_block_stream(
                statement.text, dict(statement.parameters), settings=commented(settings or {})
            ) as blocks,
        ):
            for columns in blocks:
                take(*columns)

    def command(self, statement: Fragment) -> None:
        """Run a statement that returns nothing (DDL, DELETE)."""
        with observed(statement.text), self._lent() as client:
            client.command(statement.text, parameters=dict(statement.parameters), settings=commented({}))

    def insert_json(self, table: str, lines: bytes, *, token: str) -> None:
        """Insert newline-separated JSON objects, once per token (spec: design.md, "Exactly once").

        The rows become one block, hence one part: either all of them are there or none.
        """
        with observed(f"INSERT INTO {table} FORMAT JSONEachRow"), self._lent() as client:
            client.raw_insert(
                table,
                insert_block=lines,
                fmt="JSONEachRow",
                settings=commented(
                    {
                        "insert_deduplication_token": token,
                        "insert_deduplicate": 1,
                        # What views make of the rows is there once as well, also when only the rows arrived.
                        "deduplicate_blocks_in_dependent_materialized_views": 1,
                        "date_time_input_format": "best_effort",
                        # Parallel parsing cuts the body into blocks that would be inserted one by one.
                        "input_format_parallel_parsing": 0,
                        "max_insert_block_size": 10_000_000,
                        "min_insert_block_size_bytes": 0,
                    }
                ),
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
            if _is_loss(error):
                client.close()
            else:
                self._idle.put(client)
            raise _kind(error)(str(error)) from error
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
                dsn=self._url, autogenerate_session_id=False, settings=self._settings
            )
        client = clickhouse_connect.get_client(
            interface="chdb", path=urlsplit(self._url).path, settings=self._settings
        )
        client.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        client.database = DATABASE
        return client


def _is_loss(error: Exception) -> bool:
    if isinstance(error, StreamFailureError) and error.code:
        return False
    # The driver derives the loss of a connection from the errors that a server answers with.
    return not isinstance(error, DatabaseError) or isinstance(error, OperationalError)


def _kind(error: Exception) -> type[ClickHouseError]:
    match = _CODE.search(str(error))
    code = getattr(error, "code", None) or (int(match[1]) if match else None)
    if code == _MEMORY_LIMIT_EXCEEDED and _SHARED_MEMORY.search(str(error)):
        return ClickHouseUnavailable
    return _ERRORS.get(code or 0, ClickHouseUnavailable if _is_loss(error) else ClickHouseError)


@functools.cache
def connect(url: str, limits: Limits | None = None) -> ClickHouse:
    """The store behind a URL; one pool per URL, limits and process."""
    return ClickHouse(url, limits)
