"""A thread that does what PostgreSQL says is to be done. Of several processes one has it; the others wait."""

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import structlog
from django.db import connection, connections
from psycopg.sql import SQL, Identifier

from clickhouse.observing import Asker, asker
from persons.observability.faults import name_of

_log = structlog.get_logger(__name__)
_TAKEOVER_SECONDS = 1.0
_NOTICE_DEATH = "-c tcp_keepalives_idle=1 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=2"
_LONGEST_PAUSE_SECONDS = 15.0
# Without a notification it looks for work, and whether it is to stop.
_LONGEST_SLEEP_SECONDS, _SENSE_SECONDS = 1.0, 0.1


class Stopping(Exception):
    """The thread is to end now."""


class Worker(threading.Thread):
    """Wakes whenever its channel is notified, and works.

    Never gives up: while either store is away it pauses, up to 15 seconds, and tries again. ``lock`` is the
    number of the advisory lock that makes it the only one.
    """

    def __init__(self, name: str, *, channel: str, lock: int, work: Callable[[], object]) -> None:
        super().__init__(name=name, daemon=True)
        self._channel, self._lock, self._work = channel, lock, work
        self._stopping = threading.Event()

    def ask_to_stop(self) -> None:
        """Have the thread end after what it is doing."""
        self._stopping.set()

    def pause(self, seconds: float = 0.05) -> None:
        """Wait a moment. Raises Stopping."""
        if self._stopping.wait(seconds):
            raise Stopping

    def run(self) -> None:
        """What the thread does."""
        asker.set(Asker(self.name))
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                self._work_while_connected()
            except Stopping:
                break
            except Exception as error:
                failures = 0 if time.monotonic() - started > _LONGEST_PAUSE_SECONDS else failures + 1
                pause = min(_LONGEST_PAUSE_SECONDS, 0.1 * 2**failures)
                _log.warning("worker.paused", worker=self.name, seconds=pause, reason=name_of(error))
                connections.close_all()
                self._stopping.wait(pause)
        connections.close_all()

    def _work_while_connected(self) -> None:
        with psycopg.connect(**_lock_connection(), autocommit=True) as listener:
            while not self._stopping.is_set():
                if self._lock_taken(listener):
                    break
                self._stopping.wait(_TAKEOVER_SECONDS)
            # Listening before looking: a commit in between is noticed either way.
            listener.execute(SQL("LISTEN {}").format(Identifier(self._channel)))
            while not self._stopping.is_set():
                self._work()
                self._sleep(listener)

    def _sleep(self, listener: psycopg.Connection[Any]) -> None:
        give_up_at = time.monotonic() + _LONGEST_SLEEP_SECONDS
        while not self._stopping.is_set() and time.monotonic() < give_up_at:
            if list(listener.notifies(timeout=_SENSE_SECONDS, stop_after=1)):
                break

    def _lock_taken(self, listener: psycopg.Connection[tuple[bool]]) -> bool:
        row = listener.execute("SELECT pg_try_advisory_lock(%s)", [self._lock]).fetchone()
        return bool(row and row[0])


def stop(*workers: Worker, seconds: float = 5.0) -> None:
    """Ask them to end, and wait that long for all of them together."""
    give_up_at = time.monotonic() + seconds
    for worker in workers:
        worker.ask_to_stop()
    for worker in workers:
        worker.join(max(0.0, give_up_at - time.monotonic()))


def _lock_connection() -> dict[str, Any]:
    """A lock ends with its connection, and PostgreSQL is to notice when a whole machine is gone."""
    asked = connection.get_connection_params()
    return {**asked, "options": f"{asked.get('options') or ''} {_NOTICE_DEATH}".strip()}
