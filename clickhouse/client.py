"""Connections to ClickHouse, embedded or over HTTP, and the few calls everything else is made of.

``chdb:///folder`` is the engine inside this process; ``http(s)://user:password@host:8123/database`` a
server, or with several hosts, separated by commas, replicas of each other. A connected client must not be
used by two threads at once, so clients are lent from a pool. The embedded engine accepts one process per
folder (the operating system enforces it, not we).
"""

import functools
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import clickhouse_connect
from clickhouse_connect.driver.binding import quote_identifier
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError as DriverError
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, StreamFailureError
from clickhouse_connect.driver.httputil import check_env_proxy, get_pool_manager
from urllib3 import PoolManager, Timeout

from clickhouse.errors import (
    ClickHouseError,
    ClickHouseUnavailable,
    InvalidPattern,
    QueryTimeout,
    QueryTooLarge,
)
from clickhouse.observing import commented, observed
from clickhouse.servers import Clients, servers
from clickhouse.sql.fragment import Fragment

_Result = TypeVar("_Result")
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
# On a cluster, what is inserted has reached its shard when the insert is done, and what a shard must know of
# the others is brought to it: events of one person may lie on several.
_CLUSTER_SETTINGS = {
    "distributed_foreground_insert": 1,
    "distributed_product_mode": "global",
    # A change of the schema has reached every replica when it is done.
    "alter_sync": 2,
    # Our deletes look into subqueries, which replicas are not trusted with. These are of values alone.
    "allow_nondeterministic_mutations": 1,
}
# Nothing may be changed but settings.
_READ_ONLY = {"readonly": 2}
_OPENING_PATIENCE_SECONDS = 5.0
_CONNECTING_SECONDS = 3
# How long a server may be silent: beyond its limits, while it takes a batch, while it does anything else.
_GRACE_SECONDS, _INSERT_SECONDS, _STATEMENT_SECONDS = 20.0, 120.0, 3600.0

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
# The server, or what it needs of others, is going, coming or not to be reached.
_NOT_NOW = {
    209,  # SOCKET_TIMEOUT
    210,  # NETWORK_ERROR
    225,  # NO_ZOOKEEPER
    236,  # ABORTED
    242,  # TABLE_IS_READ_ONLY: a replica that has lost Keeper
    279,  # ALL_CONNECTION_TRIES_FAILED
    319,  # UNKNOWN_STATUS_OF_INSERT
    394,  # QUERY_WAS_CANCELLED: by a server that stops
    999,  # KEEPER_EXCEPTION
}
# Over HTTP the driver takes the code from a header only; where that did not arrive, the message has it.
_CODE = re.compile(r"\bCode: (\d+)")
# What all statements together may have is used up, and this one need not be to blame. In new words and old.
_SHARED_MEMORY = re.compile(
    r"DB::Exception: (?:(?:\(total\)|User) memory limit|Memory limit \((?:total|for user)\))"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one statement may cost: seconds until it is cut off, bytes of memory, rows that it reads and
    threads that work on it; 0 of the last two is as many as there are. Nor may it change anything.

    The engine watches the clock while it reads and computes, not while it analyses: a statement with ten
    thousand conditions ends seconds late.
    """

    seconds: float
    memory: int
    rows: int = 0
    threads: int = 0

    def settings(self) -> dict[str, Any]:
        """The same as settings of ClickHouse. From half the memory on, GROUP BY uses files."""
        return {
            "max_execution_time": self.seconds,
            "timeout_overflow_mode": "throw",
            "max_memory_usage": self.memory,
            "max_bytes_before_external_group_by": self.memory // 2,
            "max_rows_to_read": self.rows,
            **({"max_threads": self.threads} if self.threads else {}),
        }


class ClickHouse:
    """One store. Safe to share between threads. Every statement keeps within the limits, if there are any.

    Of several servers the first that can be reached is asked. When one is lost while it works, the next is
    asked the same: questions change nothing, inserts have their token, and our other statements can be
    repeated.
    """

    def __init__(self, url: str, limits: Limits | None = None, cluster: str | None = None) -> None:
        self.cluster = cluster
        self.embedded = url.startswith("chdb://")
        self._settings = (
            _SETTINGS | (_CLUSTER_SETTINGS if cluster else {}) | (limits.settings() if limits else {})
        )
        self._reads_only = limits is not None
        self._patience = limits.seconds + _GRACE_SECONDS if limits else _STATEMENT_SECONDS
        self._urls = (url,) if self.embedded else servers(url)
        self._clients = Clients(self._urls, self._open)

    def rows(self, statement: Fragment, settings: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a query and return all its rows.

        Raises ClickHouseUnavailable when the store cannot be reached, QueryTimeout and QueryTooLarge at the
        limits, ClickHouseError otherwise.
        """

        def ask(client: Client) -> list[tuple[Any, ...]]:
            result = client.query(
                statement.text, parameters=dict(statement.parameters), settings=commented(settings or {})
            )
            cost.note(result.summary)
            return [tuple(row) for row in result.result_rows]

        with observed(statement.text) as cost:
            return self._on_one(ask)

    def read_blocks(
        self, statement: Fragment, take: Callable[..., None], settings: Mapping[str, Any] | None = None
    ) -> None:
        """Run a query and hand its rows over block by block, each block as its columns: for more rows than
        there is room for. Raises what `rows` raises."""
        taken = False

        def read(client: Client) -> None:
            nonlocal taken
            with client.query_column_block_stream(
                statement.text, dict(statement.parameters), settings=commented(settings or {})
            ) as blocks:
                for columns in blocks:
                    taken = True
                    take(*columns)

        with observed(statement.text):
            # Another server would begin with the first rows again.
            self._on_one(read, unless=lambda: taken)

    def command(self, statement: Fragment, settings: Mapping[str, Any] | None = None) -> None:
        """Run a statement that returns nothing and can be repeated (DDL, DELETE)."""
        with observed(statement.text):
            self._on_one(
                lambda client: client.command(
                    statement.text, parameters=dict(statement.parameters), settings=commented(settings or {})
                )
            )

    def insert_json(self, table: str, lines: bytes, *, token: str) -> None:
        """Insert newline-separated JSON objects, once per token (spec: design.md, "Exactly once").

        The rows become one block, hence one part: either all of them are there or none.
        """
        settings = {
            "insert_deduplication_token": token,
            "insert_deduplicate": 1,
            # Otherwise a server gathers inserts by itself, and forgets their tokens.
            "async_insert": 0,
            # What views make of the rows is there once as well, also when only the rows arrived.
            "deduplicate_blocks_in_dependent_materialized_views": 1,
            "date_time_input_format": "best_effort",
            # Parallel parsing cuts the body into blocks that would be inserted one by one.
            "input_format_parallel_parsing": 0,
            "max_insert_block_size": 10_000_000,
            "min_insert_block_size_bytes": 0,
        }
        with observed(f"INSERT INTO {table} FORMAT JSONEachRow"):
            self._on_one(
                lambda client: client.raw_insert(
                    table, insert_block=lines, fmt="JSONEachRow", settings=commented(settings)
                ),
                patience=_INSERT_SECONDS,
            )

    @property
    def database(self) -> str:
        """The database that the URL names."""
        return DATABASE if self.embedded else urlsplit(self._urls[0]).path.strip("/") or "default"

    def create_database(self) -> None:
        """Make the database, if it is not there. Raises what `rows` raises."""
        # The embedded engine makes its own.
        if not self.embedded:
            where = f" ON CLUSTER '{self.cluster}'" if self.cluster else ""
            self._outside(f"CREATE DATABASE IF NOT EXISTS {quote_identifier(self.database)}{where}")

    def database_exists(self) -> bool:
        """Whether it is there. Raises what `rows` raises."""
        exists = f"EXISTS DATABASE {quote_identifier(self.database)}"
        return self.embedded or bool(self._outside(exists))

    def _outside(self, statement: str) -> object:
        """Run a statement in no database, since nobody can connect to one that is not there."""
        roots = Clients(tuple(urlunsplit(urlsplit(url)._replace(path="")) for url in self._urls), self._open)
        try:
            return self._on_one(lambda client: client.command(statement), clients=roots)
        finally:
            roots.close()

    def ping(self) -> str:
        """The engine's version. Raises ClickHouseUnavailable."""
        return str(self.rows(Fragment("SELECT version()"))[0][0])

    def close(self) -> None:
        """Close every idle connection; the embedded engine stops with its last one."""
        self._clients.close()

    def _on_one(
        self,
        work: Callable[[Client], _Result],
        *,
        unless: Callable[[], bool] = lambda: False,
        patience: float | None = None,
        clients: Clients | None = None,
    ) -> _Result:
        """Do it on the first server that can. `unless` something says that it must not be begun again."""
        clients = clients or self._clients
        lost: Exception | None = None
        for url in clients.in_order():
            try:
                with clients.lent(url, _is_gone) as client:
                    self._wait_for_answers(client, patience or self._patience)
                    return work(client)
            except (DriverError, OSError) as error:
                lost = error
                if unless() or not _is_gone(error):
                    break
        assert lost
        raise _kind(lost)(str(lost)) from lost

    def _wait_for_answers(self, client: Client, seconds: float) -> None:
        if not self.embedded:
            client.timeout = Timeout(connect=_CONNECTING_SECONDS, read=seconds)  # type: ignore[attr-defined]

    def _open(self, url: str) -> Client:
        give_up_at = time.monotonic() + _OPENING_PATIENCE_SECONDS
        while True:
            try:
                return self._connect(url)
            except (DriverError, OSError) as error:
                # A server that was killed a moment ago may still be letting go of the folder.
                if not self.embedded or time.monotonic() > give_up_at:
                    # Whoever lets nobody in, or knows no such database, is as good as not there.
                    raise OperationalError(str(error)) from error
                time.sleep(0.1)

    def _connect(self, url: str) -> Client:
        if not self.embedded:
            return clickhouse_connect.get_client(
                dsn=url,
                autogenerate_session_id=False,
                settings=self._settings | (_READ_ONLY if self._reads_only else {}),
                connect_timeout=_CONNECTING_SECONDS,
                send_receive_timeout=self._patience,
                pool_mgr=_sockets_for(url),
            )
        client = clickhouse_connect.get_client(
            interface="chdb", path=urlsplit(url).path, settings=self._settings
        )
        client.command(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        client.database = DATABASE
        if self._reads_only:
            for name, value in _READ_ONLY.items():
                client.set_client_setting(name, value)
        return client


def _sockets_for(url: str) -> PoolManager | None:
    parts = urlsplit(url)
    # Options for TLS and a proxy make the driver build a pool of its own.
    own = parts.query or check_env_proxy(parts.scheme, parts.hostname or "", parts.port or 0)
    return None if own else _sockets()


@functools.cache
def _sockets() -> PoolManager:
    # One for every thread that may ask one server at a time. What is above that is closed after use.
    pool: PoolManager = get_pool_manager(maxsize=64, num_pools=32)
    return pool


def _is_gone(error: Exception) -> bool:
    """Whether another server may do better."""
    return isinstance(error, (DriverError, OSError)) and (_is_loss(error) or _code(error) in _NOT_NOW)


def _is_loss(error: Exception) -> bool:
    if isinstance(error, StreamFailureError) and error.code:
        return False
    # The driver derives the loss of a connection from the errors that a server answers with.
    return not isinstance(error, DatabaseError) or isinstance(error, OperationalError)


def _code(error: Exception) -> int:
    match = _CODE.search(str(error))
    return getattr(error, "code", None) or (int(match[1]) if match else 0)


def _kind(error: Exception) -> type[ClickHouseError]:
    code = _code(error)
    if code in _NOT_NOW:
        return ClickHouseUnavailable
    if code == _MEMORY_LIMIT_EXCEEDED and _SHARED_MEMORY.search(str(error)):
        return ClickHouseUnavailable
    return _ERRORS.get(code, ClickHouseUnavailable if _is_loss(error) else ClickHouseError)


@functools.cache
def connect(url: str, limits: Limits | None = None, cluster: str | None = None) -> ClickHouse:
    """The store behind a URL; one pool per URL, limits and process."""
    return ClickHouse(url, limits, cluster)
