"""Interleavings of transactions that are the same in every run.

Locks of another connection stop a transaction where it asks for them; PostgreSQL says when it waits."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

import psycopg
from django.db import connection, connections

Result = TypeVar("Result")
_PATIENCE_SECONDS = 30.0


class Aside(Generic[Result]):
    """A call on a thread, and so a connection, of its own."""

    def __init__(self, act: Callable[[], Result]) -> None:
        self._result: list[Result] = []
        self._error: list[BaseException] = []

        def run() -> None:
            try:
                self._result.append(act())
            except BaseException as error:
                self._error.append(error)
            finally:
                connections.close_all()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> Result:
        """What the call returns, or raises."""
        self._thread.join(_PATIENCE_SECONDS)
        assert self.is_done, "still waiting"
        for error in self._error:
            raise error
        return self._result[0]


@contextmanager
def blocking(statement: str, *values: Any) -> Iterator["Blocker"]:
    """Keep the locks of a statement until the block ends or `release` is called."""
    with psycopg.connect(**connection.get_connection_params()) as holder:
        holder.execute(statement, values)
        yield Blocker(holder)


class Blocker:
    """The connection that keeps the locks."""

    def __init__(self, holder: psycopg.Connection[Any]) -> None:
        self._holder = holder

    def wait_for_waiting(self, count: int = 1) -> None:
        """Return once so many connections wait for locks, of this connection or of each other."""
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        statement = "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as observer:
            while observer.execute(statement).fetchone() != (count,):
                assert time.monotonic() < give_up_at, "no transaction waits"

    def execute(self, statement: str) -> None:
        """Ask for more."""
        self._holder.execute(statement)

    def commit(self) -> None:
        self._holder.commit()

    def release(self) -> None:
        self._holder.rollback()
