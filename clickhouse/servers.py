"""The servers behind one URL, and connected clients of each, lent to one thread at a time."""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from clickhouse_connect.driver.client import Client

# A server that could not be reached is asked last for so long, or until it answers.
_AVOIDED_SECONDS = 5.0


def servers(url: str) -> tuple[str, ...]:
    """The URL of each server of `http://user:password@one:8123,two:8123/database`, in this order.

    They are replicas of each other. Raises ValueError when a host is missing or a port is no number.
    """
    parts = urlsplit(url)
    credentials, at, hosts = parts.netloc.rpartition("@")
    found = tuple(urlunsplit(parts._replace(netloc=credentials + at + host)) for host in hosts.split(","))
    for each in found:
        if not urlsplit(each).hostname or urlsplit(each).port == 0:
            raise ValueError(f"a host is missing in {hosts!r}")
    return found


class Clients:
    """Connected clients. Which server is asked is for the caller to say; `in_order` is advice."""

    def __init__(self, urls: tuple[str, ...], connect: Callable[[str], Client]) -> None:
        self._connect = connect
        self._idle: dict[str, queue.LifoQueue[Client]] = {url: queue.LifoQueue() for url in urls}
        self._lost_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def in_order(self) -> list[str]:
        """The servers as they should be tried: as listed, but those just lost last.

        All processes prefer the same server, so whoever has written reads it back.
        """
        recently = time.monotonic() - _AVOIDED_SECONDS
        with self._lock:
            return sorted(self._idle, key=lambda url: max(self._lost_at.get(url, 0.0), recently))

    @contextmanager
    def lent(self, url: str, is_loss: Callable[[Exception], bool]) -> Iterator[Client]:
        """A client for as long as this takes. It is not used again after an error that is a loss."""
        try:
            client = self._idle[url].get_nowait()
        except queue.Empty:
            client = self._opened(url)
        try:
            yield client
        except Exception as error:
            if is_loss(error):
                client.close()
                self._lose(url)
            else:
                self._idle[url].put(client)
            raise
        self._idle[url].put(client)
        self._lost_at.pop(url, None)

    def close(self) -> None:
        """Close all that are not lent."""
        for idle in self._idle.values():
            _close_all(idle)

    def _opened(self, url: str) -> Client:
        try:
            return self._connect(url)
        except Exception:
            self._lose(url)
            raise

    def _lose(self, url: str) -> None:
        # What the others were connected to is gone as well.
        _close_all(self._idle[url])
        with self._lock:
            self._lost_at[url] = time.monotonic()


def _close_all(idle: queue.LifoQueue[Client]) -> None:
    while True:
        try:
            idle.get_nowait().close()
        except queue.Empty:
            return
