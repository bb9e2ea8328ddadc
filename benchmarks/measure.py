"""Taking times and memory."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import Fragment

_RUNS = 5
_CLEAR_REFS, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


def best(run: Callable[[], object]) -> float:
    """The shortest of five runs, in seconds."""
    seconds = []
    for _ in range(_RUNS):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def peak_memory(store: ClickHouse, statement: Fragment) -> int | None:
    """The most memory, in bytes, that this process holds during the statement; None outside Linux."""
    try:
        _CLEAR_REFS.write_text("5")  # forget the peak so far (proc(5))
        store.rows(statement)
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def line(name: str, seconds: float, floor: float, memory: int | None = None) -> None:
    """Print what something took, and how many times the floor that is."""
    used = f"{memory / 2**20:6.0f} MiB" if memory else ""
    write(f"{name:52}{seconds * 1000:6.0f} ms{seconds / floor:8.1f}{used:>10}\n")


def write(text: str) -> None:
    """Print at once, not when a buffer is full."""
    sys.stdout.write(text)
    sys.stdout.flush()
