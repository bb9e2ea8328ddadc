"""The threads that keep ClickHouse up to date."""

from clickhouse.client import ClickHouse
from persons.outbox.flush import drain
from persons.outbox.removal import remove_deleted
from persons.outbox.worker import Worker

# Any numbers, as long as nothing else in the database locks them.
_FLUSHER_LOCK = 7_315_000_001
_REMOVER_LOCK = 7_315_000_002


class Flusher(Worker):
    """Sends what is pending after every commit that wrote to the outbox: a trigger notifies."""

    def __init__(self, store: ClickHouse) -> None:
        super().__init__(
            "outbox-flusher", channel="persons_outbox", lock=_FLUSHER_LOCK, work=lambda: drain(store)
        )


class Remover(Worker):
    """Removes what deletions left. A thread of its own: events need not wait for that."""

    def __init__(self, store: ClickHouse) -> None:
        super().__init__(
            "remover",
            channel="persons_deletion",
            lock=_REMOVER_LOCK,
            work=lambda: remove_deleted(store, self.pause),
        )
