"""What an ordered funnel costs, next to the least that any question about the same events can cost.

    EVENTS=20000000 python -m benchmarks.funnel

The floor of a funnel is the same scan, grouped by events.person_id and counted: no merges, no deleted
persons, no steps. Times are the best of five; memory is the most that the whole process held meanwhile.
"""

from collections.abc import Sequence

from benchmarks.data import MONTHS_OF_EVENTS, PROJECT, filled_store, size_asked_for
from benchmarks.measure import best, line, peak_memory, write
from clickhouse.client import ClickHouse
from clickhouse.funnel import funnel_count, funnel_statement
from clickhouse.query.filters import Entity
from clickhouse.query.funnel import FunnelQuery, furthest_steps
from clickhouse.sql.conditions import where
from clickhouse.sql.events import in_range, of_any_entity
from clickhouse.sql.fragment import Fragment, sql

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
    write(f"{size.events:,} events, {size.persons:,} persons\n")
    write(f"{'':52}{'best':>9}{'ratio':>8}{'memory':>10}\n")
    for name, steps in _FUNNELS.items():
        _compare(store, name, _query(steps))
    store.close()


def _compare(store: ClickHouse, name: str, query: FunnelQuery) -> None:
    floor = best(lambda: store.rows(_floor(query)))
    line(f"{name}: floor", floor, floor, peak_memory(store, _floor(query)))
    second = query.model_copy(update={"offset": query.limit})
    for page, asked in (("page 1", query), ("page 2", second)):
        statement = funnel_statement(asked)
        seconds = best(lambda statement=statement: store.rows(statement))  # type: ignore[misc]
        line(f"{name}: {page}", seconds, floor, peak_memory(store, statement))
    line(f"{name}: count", best(lambda: funnel_count(store, query)), floor)


def _query(steps: Sequence[str]) -> FunnelQuery:
    return FunnelQuery(
        project_id=PROJECT,
        steps=tuple(Entity(names=(step,)) for step in steps),
        date_range=MONTHS_OF_EVENTS,
        furthest=furthest_steps(len(steps), len(steps)),
    )


def _floor(query: FunnelQuery) -> Fragment:
    condition = where(
        in_range(query.project_id, query.date_range), *of_any_entity(query.project_id, query.steps)
    )
    return sql(
        "SELECT count() FROM (SELECT person_id, count() FROM events WHERE {condition} GROUP BY person_id)",
        condition=condition,
    )


if __name__ == "__main__":
    main()
