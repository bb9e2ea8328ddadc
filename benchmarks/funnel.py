"""What a funnel costs, next to the least that any question about the same events can cost.

    EVENTS=20000000 python -m benchmarks.funnel

The floor of a funnel is the same scan of the same columns, grouped by events.person_id and counted: no
merges, no deleted persons, no steps. The second line is the floor once more, with merged persons as one.
Times are the best of five; memory is the most that the whole process held meanwhile.
"""

from datetime import UTC, datetime

from benchmarks.data import MONTHS_OF_EVENTS, PROJECT, filled_store, size_asked_for
from benchmarks.measure import best, line, peak_memory, write
from clickhouse.client import ClickHouse
from clickhouse.funnel import funnel_count, funnel_statement
from clickhouse.query.conditions import Compares, Span
from clickhouse.query.filters import Entity, EventProperty
from clickhouse.query.funnel import EventBreakdown, Exclusion, FunnelQuery
from clickhouse.sql.conditions import where
from clickhouse.sql.events import in_range, of_any_entity
from clickhouse.sql.fragment import Fragment, joined, sql
from clickhouse.sql.persons import PERSON_OF_EVENT, events_with_merges
from clickhouse.sql.properties import property_text

_VIEWED, _SIGNED_UP, _PAID = (Entity(names=(name,)) for name in ("pricing viewed", "signed up", "paid"))
_PAGE, _CLICK = (Entity(names=(name,)) for name in ("$pageview", "$autocapture"))
_THREE = FunnelQuery(
    project_id=PROJECT, steps=(_VIEWED, _SIGNED_UP, _PAID), date_range=MONTHS_OF_EVENTS, furthest=(3,)
)
_EXPENSIVE = EventProperty(key="price", condition=Compares(operator="gt", bounds=(20.0,)))
_BUCKET = Span(start=datetime(2024, 1, 29, tzinfo=UTC), end=datetime(2024, 2, 5, tzinfo=UTC))


def _variant(**changes: object) -> FunnelQuery:
    return _THREE.model_copy(update=changes)


def _breakdown(attribution: str, **fields: object) -> EventBreakdown:
    return EventBreakdown.model_validate(
        {"key": "$browser", "attribution": attribution, "values": ("Chrome",), **fields}
    )


_FUNNELS = {
    "ordered": _THREE,
    "ordered, first a page view": _variant(steps=(_PAGE, _SIGNED_UP, _PAID)),
    "ordered, events filtered": _variant(filter=_EXPENSIVE),
    "ordered, a repeated step": _variant(steps=(_SIGNED_UP, _SIGNED_UP, _PAID)),
    "ordered, a repeated page view": _variant(steps=(_PAGE, _PAGE, _PAID)),
    "strict": _variant(order="strict"),
    "unordered": _variant(order="unordered"),
    "unordered, with page views": _variant(order="unordered", steps=(_PAGE, _SIGNED_UP, _PAID)),
    "one exclusion": _variant(exclusions=(Exclusion(entity=_CLICK, from_step=0, to_step=2),)),
    "breakdown, first touch": _variant(breakdown=_breakdown("first_touch")),
    "breakdown, all events": _variant(breakdown=_breakdown("all_events")),
    "breakdown, a step": _variant(breakdown=_breakdown("step", step=1)),
    "trends, a week": _variant(entrance=_BUCKET),
}


def main() -> None:
    """Print one line per funnel and page."""
    size = size_asked_for()
    store = filled_store(size)
    write(f"\n{size.events:,} events, {size.persons:,} persons: funnels of three steps\n")
    write(f"{'':52}{'best':>9}{'ratio':>8}{'memory':>10}\n")
    for name, query in _FUNNELS.items():
        _compare(store, name, query)
    floor = best(lambda: store.rows(_floor(_THREE, Fragment("events.person_id"))))
    second = funnel_statement(_THREE.model_copy(update={"offset": _THREE.limit}))
    line("ordered: page 2", best(lambda: store.rows(second)), floor)
    line("ordered: count", best(lambda: funnel_count(store, _THREE)), floor)
    _compare_merges(store)
    store.close()


def _compare(store: ClickHouse, name: str, query: FunnelQuery) -> None:
    statement = funnel_statement(query)
    floor, of_persons = (_floor(query, by) for by in (Fragment("events.person_id"), PERSON_OF_EVENT))
    at_least = best(lambda: store.rows(floor))
    line(f"{name}: floor", at_least, at_least)
    line(f"{name}: floor, merged", best(lambda: store.rows(of_persons)), at_least)
    line(name, best(lambda: store.rows(statement)), at_least, peak_memory(store, statement))


def _compare_merges(store: ClickHouse) -> None:
    """The ordered funnel again, with nobody merged."""
    statement = funnel_statement(_THREE)
    with_merges = best(lambda: store.rows(statement))
    store.command(Fragment("RENAME TABLE person_distinct_id_overrides TO kept_overrides"))
    try:
        store.command(Fragment("CREATE TABLE person_distinct_id_overrides AS kept_overrides"))
        without = best(lambda: store.rows(statement))
        store.command(Fragment("DROP TABLE person_distinct_id_overrides SYNC"))
    finally:
        store.command(Fragment("RENAME TABLE kept_overrides TO person_distinct_id_overrides"))
    line("ordered: nobody merged", without, without)
    line("ordered: with merges", with_merges, without)


def _floor(query: FunnelQuery, by: Fragment) -> Fragment:
    entities = [*query.steps, *(each.entity for each in query.exclusions)]
    named = [] if query.order == "strict" else of_any_entity(query.project_id, entities)
    read = [
        Fragment("length(events.event)"),
        Fragment("toUnixTimestamp64Micro(events.timestamp)"),
        Fragment("events.distinct_id_hash"),
    ]
    if query.filter == _EXPENSIVE:
        read.append(sql("length({text})", text=property_text("events", "price")))
    if query.breakdown is not None:
        read.append(sql("length({text})", text=property_text("events", query.breakdown.key)))
    grouped = [
        sql("sum({column}) AS read_{number}", column=column, number=Fragment(str(number)))
        for number, column in enumerate(read)
    ]
    return sql(
        "SELECT count(), {looked_at}\n"
        "FROM (SELECT {by} AS actor_id, {grouped} FROM {events} WHERE {conditions} GROUP BY actor_id)",
        # The engine does not read what nobody looks at.
        looked_at=Fragment(", ".join(f"sum(read_{number})" for number, _ in enumerate(read))),
        by=by,
        grouped=joined(", ", grouped),
        events=events_with_merges(query.project_id) if by == PERSON_OF_EVENT else Fragment("events"),
        conditions=where(in_range(query.project_id, query.date_range), *named),
    )


if __name__ == "__main__":
    main()
