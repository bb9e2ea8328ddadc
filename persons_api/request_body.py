"""Reading request bodies on the event loop, before a request takes a thread."""

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.conf import settings

from persons.errors import BodyTooSlow, PayloadTooLarge, Unavailable

Receive = Callable[[], Awaitable[dict[str, Any]]]

# A body has 30 seconds, and one more for every 64 KiB received; a slower one is answered with 408.
SECONDS = 30.0
BYTES_PER_SECOND = 64 * 1024
# Larger bodies go to a file, so thousands of slow senders hold little memory. A usual batch stays in memory.
IN_MEMORY_BYTES = 64 * 1024
# All bodies that are being read or answered, together: a hundred of the largest.
ALL_BODIES_BYTES = 2 * 1024**3


class ClientGone(Exception):
    """The client closed the connection."""


class Bodies:
    """Reads bodies within one limit for each and one for all of them."""

    def __init__(self) -> None:
        self._held = 0
        # The data folder lies on a disk with room. Where temporary files usually go is often memory.
        self._folder = str(settings.DATA_DIR) if os.access(settings.DATA_DIR, os.W_OK) else None

    @contextmanager
    def file(self) -> Iterator["Body"]:
        """An empty body to read into, closed at the end."""
        with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=self._folder) as file:
            body = Body(file, self)
            try:
                yield body
            finally:
                self._held -= body.length

    def reserve(self, size: int) -> None:
        """Raises Unavailable when all bodies together are too large."""
        if self._held + size > ALL_BODIES_BYTES:
            raise Unavailable("Too many request bodies arrive at the moment. Try again in a moment.")
        self._held += size


class Body:
    """One request body."""

    def __init__(self, file: "IO[bytes]", bodies: Bodies) -> None:
        self.file = file
        self.length = 0
        self._bodies = bodies

    async def read(self, receive: Receive, announced: int | None) -> None:
        """Read the whole body, of the announced length or, chunked, up to its end.

        Raises PayloadTooLarge, BodyTooSlow, Unavailable, and ClientGone.
        """
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if announced is not None and announced > limit:
            raise too_large()
        started = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(started + SECONDS) as deadline:
                while self.length != announced:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    self._append(message.get("body", b""), limit)
                    if not message.get("more_body"):
                        break
                    deadline.reschedule(started + SECONDS + self.length / BYTES_PER_SECOND)
        except TimeoutError as error:
            raise BodyTooSlow from error
        self.file.seek(0)

    def _append(self, chunk: bytes, limit: int) -> None:
        if self.length + len(chunk) > limit:
            raise too_large()
        self._bodies.reserve(len(chunk))
        self.length += len(chunk)
        self.file.write(chunk)


def too_large() -> PayloadTooLarge:
    return PayloadTooLarge(f"The body may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes at most.")
