"""The thread that keeps ClickHouse up to date. Of several processes one has it; the others wait."""

import threading
import time

import psycopg
import structlog
from django.db import connection, connections

from clickhouse.client import ClickHouse
from persons.outbox.flush import drain

_log = structlog.get_logger(__name__)
_CHANNEL = "persons_outbox"
# Any number, as long as nothing else in the database locks it.
_LOCK = 7_315_000_001
_TAKEOVER_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 15.0


class Flusher(threading.Thread):
    """Wakes on every commit that wrote to the outbox (a trigger notifies) and sends what is pending.

    Never gives up: while either store is away it pauses, up to 15 seconds, and tries again.
    """

    def __init__(self, store: ClickHouse) -> None:
        super().__init__(name="outbox-flusher", daemon=True)
        self._store = store
        self._stopping = threading.Event()

    def stop(self, timeout: float = 5.0) -> None:
        """Ask the thread to end after the batch it is sending, and wait for that."""
        self._stopping.set()
        self.join(timeout)

    def run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                self._flush_while_connected()
            except Exception as error:
                failures = 0 if time.monotonic() - started > _LONGEST_PAUSE_SECONDS else failures + 1
                pause = min(_LONGEST_PAUSE_SECONDS, 0.1 * 2**failures)
                _log.warning("outbox.paused", seconds=pause, reason=str(error))
                connections.close_all()
                self._stopping.wait(pause)
        connections.close_all()

    def _flush_while_connected(self) -> None:
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as listener:
            while not self._stopping.is_set():
                if _lock_taken(listener):
                    break
                self._stopping.wait(_TAKEOVER_SECONDS)
            # Listening before looking: a commit in between is noticed either way.
            listener.execute(f"LISTEN {_CHANNEL}")
            while not self._stopping.is_set():
                drain(self._store)
                for _ in listener.notifies(timeout=1.0, stop_after=1):
                    pass


def _lock_taken(listener: psycopg.Connection[tuple[bool]]) -> bool:
    row = listener.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK]).fetchone()
    return bool(row and row[0])
