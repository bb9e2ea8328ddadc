"""Who asks ClickHouse, and what each statement cost: for logs, metrics and traces."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom statements are run: a request, or a thread of the service, which is its own endpoint."""

    endpoint: str
    request_id: str = ""
    project: str = ""

    def comment(self) -> str:
        """What ClickHouse's query_log says of a statement, as JSON."""
        said = {"request_id": self.request_id, "project": self.project, "endpoint": self.endpoint}
        return json.dumps({name: value for name, value in said.items() if value})


asker: ContextVar[Asker | None] = ContextVar("asker", default=None)


@dataclass(slots=True)
class Statement:
    """A statement that has been run. `text` has no values. Rows and bytes are what the engine has read, where
    it says so: of a stream it does not. `error` is the name of what was raised."""

    text: str
    asker: Asker | None
    started: float
    seconds: float = 0.0
    read_rows: int = 0
    read_bytes: int = 0
    error: str = ""

    def note(self, summary: Mapping[str, Any]) -> None:
        """Take over what the engine says that it cost."""
        self.read_rows = int(summary.get("read_rows") or 0)
        self.read_bytes = int(summary.get("read_bytes") or 0)


observers: list[Callable[[Statement], object]] = []


@contextmanager
def observed(text: str) -> Iterator[Statement]:
    """Tell the observers of a statement, once it has been run, or has failed."""
    statement = Statement(text, asker.get(), time.time())
    started = time.perf_counter()
    try:
        yield statement
    except BaseException as error:
        statement.error = type(error).__name__
        raise
    finally:
        statement.seconds = time.perf_counter() - started
        for observe in observers:
            observe(statement)


def commented(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a statement, and in `log_comment` who asks."""
    asking = asker.get()
    return {**settings, "log_comment": asking.comment()} if asking else dict(settings)
