"""What an ordered funnel costs, next to the least that any question about the same events can cost.

    EVENTS=20000000 python -m benchmarks.funnel

The floor of a funnel is the same scan, grouped by events.person_id and counted: no merges, no deleted
persons, no steps. Times are the best of five; memory is the most that the whole process held meanwhile.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.data import MONTHS_OF_EVENTS, PROJECT, filled_store, size_asked_for
from clickhouse.client import ClickHouse
from clickhouse.funnel import funnel_count, funnel_statement
from clickhouse.query.entities import Entity
from clickhouse.query.funnel import FunnelQuery, furthest_steps
from clickhouse.sql.events import all_of, in_range, matches_any
from clickhouse.sql.fragment import Fragment, sql

_RUNS = 5
_CLEAR_REFS, _STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")
_FUNNELS: dict[str, Sequence[str]] = {
    "three different steps": ("pricing viewed", "signed up", "paid"),
    "a repeated step": ("signed up", "signed up", "paid"),
    "different steps, the busiest event": ("$pageview", "signed up", "paid"),
    "a repeated step, the busiest event": ("$pageview", "$pageview", "paid"),
}


def main() -> None:
    """Print one line per funnel and page."""
    size = size_asked_for()
    store = filled_store(size)
    _print(f"{size.events:,} events, {size.persons:,} persons\n")
    _print(f"{'':52}{'best':>9}{'ratio':>8}{'memory':>10}\n")
    for name, steps in _FUNNELS.items():
        _compare(store, name, _query(steps))
    store.close()


def _compare(store: ClickHouse, name: str, query: FunnelQuery) -> None:
    floor = _best(lambda: store.rows(_floor(query)))
    _line(f"{name}: floor", floor, floor, _memory(store, _floor(query)))
    second = query.model_copy(update={"offset": query.limit})
    for page, asked in (("page 1", query), ("page 2", second)):
        statement = funnel_statement(asked)
        seconds = _best(lambda statement=statement: store.rows(statement))  # type: ignore[misc]
        _line(f"{name}: {page}", seconds, floor, _memory(store, statement))
    _line(f"{name}: count", _best(lambda: funnel_count(store, query)), floor, None)


def _query(steps: Sequence[str]) -> FunnelQuery:
    return FunnelQuery(
        project_id=PROJECT,
        steps=tuple(Entity(event=step) for step in steps),
        date_range=MONTHS_OF_EVENTS,
        furthest=furthest_steps(len(steps), len(steps)),
    )


def _floor(query: FunnelQuery) -> Fragment:
    condition = all_of(in_range(query.project_id, query.date_range), matches_any(query.steps))
    return sql(
        "SELECT count() FROM (SELECT person_id, count() FROM events WHERE {condition} GROUP BY person_id)",
        condition=condition,
    )


def _best(run: Callable[[], object]) -> float:
    seconds = []
    for _ in range(_RUNS):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def _memory(store: ClickHouse, statement: Fragment) -> int | None:
    """The most memory, in bytes, that this process holds during the statement; None outside Linux."""
    try:
        _CLEAR_REFS.write_text("5")  # forget the peak so far (proc(5))
        store.rows(statement)
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def _line(name: str, seconds: float, floor: float, memory: int | None) -> None:
    used = f"{memory / 2**20:6.0f} MiB" if memory else ""
    _print(f"{name:52}{seconds * 1000:6.0f} ms{seconds / floor:8.1f}{used:>10}\n")


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
