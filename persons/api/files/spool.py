"""Files are complete, on the disk, before their first byte leaves.

What goes wrong while one is made is an error like any other, with a status. Whoever reads slowly holds
neither store. And the length is known: granian ends a response whose iterator raises as if it were whole,
unless its Content-Length says otherwise.
"""

import os
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from django.conf import settings

_CHUNK_BYTES = 64 * 1024

# Each file on its way takes room on the disk for as long as its reader likes.
MOST_AT_ONCE = 4
_places = threading.Semaphore(MOST_AT_ONCE)


class TooManyFiles(Exception):
    """As many files as may be on their way already are."""


class Spool:
    """A file in the making, and then on its way: iterate once, for the bytes, of which there are `length`.

    Close it in any case: it lies on the disk. Raises TooManyFiles, OSError.
    """

    content_type: str
    length: int

    def __init__(self) -> None:
        self.waiting: IO[bytes] = tempfile.TemporaryFile(dir=_folder())  # noqa: SIM115 - as long as we are
        if not _places.acquire(blocking=False):
            self.waiting.close()
            raise TooManyFiles
        # Once, whether somebody closes us or forgets to.
        self._end = weakref.finalize(self, _end, self.waiting)

    def __iter__(self) -> Iterator[bytes]:
        return in_chunks(self.lines())

    def lines(self) -> Iterator[bytes]:
        """What is in the file."""
        self.waiting.seek(0)
        yield from self.waiting

    def close(self) -> None:
        """Make room: on the disk, and for another file."""
        self._end()


def in_chunks(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, many at a time."""
    chunk = bytearray()
    for line in lines:
        chunk += line
        if len(chunk) >= _CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)


def _end(waiting: IO[bytes]) -> None:
    waiting.close()
    _places.release()


def _folder() -> Path | None:
    """The data folder is on a disk with room; where files like ours usually go is often memory."""
    return settings.DATA_DIR if os.access(settings.DATA_DIR, os.W_OK) else None
