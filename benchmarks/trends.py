"""What trends and stickiness cost, next to the least that any question about the same events can cost.

    EVENTS=20000000 python -m benchmarks.trends

The floor reads the same columns of the same rows and groups them by events.person_id: no merges, no deleted
persons, no order. It reads the distinct id's hash as well, without which nobody can know who was merged; what
it takes without that is in the lines "floor without the hash". Times are the best of five; memory is the most
that the whole process held meanwhile.
"""

from benchmarks.data import MONTHS_OF_EVENTS, PROJECT, filled_store, size_asked_for
from benchmarks.measure import best, line, peak_memory, write
from clickhouse.client import ClickHouse
from clickhouse.query.conditions import Compares, Contains
from clickhouse.query.dates import Interval, interval_starts
from clickhouse.query.filters import Entity, EventProperty, PersonProperty, parts
from clickhouse.query.trends import Events, Intervals, Measure, Numbers, Sessions, TrendsQuery
from clickhouse.sql.conditions import where
from clickhouse.sql.events import in_range, of_any_entity
from clickhouse.sql.filters import on_event
from clickhouse.sql.fragment import Fragment, joined, sql
from clickhouse.sql.properties import property_text
from clickhouse.trends import trends_count, trends_statement

_EXPENSIVE = EventProperty(key="price", condition=Compares(operator="gt", bounds=(20.0,)))
_PRODUCT = EventProperty(key="$current_url", condition=Contains(texts=("products/12",)))
_STARTERS = PersonProperty(key="plan", condition=Contains(texts=("start",)))
_EVENTS = Events()
_HASH = Fragment("max(distinct_id_hash)")


def _asked(event: str, measure: Measure = _EVENTS, **fields: object) -> TrendsQuery:
    return TrendsQuery.model_validate(
        {
            "project_id": PROJECT,
            "entity": Entity(names=(event,)),
            "measure": measure,
            "date_range": MONTHS_OF_EVENTS,
            **fields,
        }
    )


def _sticky(event: str, interval: Interval, number: int) -> TrendsQuery:
    starts = interval_starts(MONTHS_OF_EVENTS, interval, week_start_day=0, most=10_000)
    return _asked(event, Intervals(starts=starts), value=number)


_QUESTIONS = {
    "page views": _asked("$pageview"),
    "page views, events filtered": _asked("$pageview", filter=_EXPENSIVE),
    "page views, events filtered by a text": _asked("$pageview", filter=_PRODUCT),
    "page views, persons filtered": _asked("$pageview", filter=_STARTERS),
    "page views, sessions": _asked("$pageview", Sessions()),
    "page views, a sum": _asked("$pageview", Numbers(key="price", statistic="sum")),
    "page views, p90": _asked("$pageview", Numbers(key="price", statistic="p90")),
    "a rarer event": _asked("signed up"),
    "a rarer event, filtered": _asked("signed up", filter=_EXPENSIVE),
    "stickiness by day": _sticky("$pageview", "day", 3),
    "stickiness by week": _sticky("$pageview", "week", 3),
    "stickiness by hour": _sticky("$pageview", "hour", 3),
    "stickiness by day, a rarer event": _sticky("signed up", "day", 1),
}


def main() -> None:
    """Print two lines per question."""
    size = size_asked_for()
    store = filled_store(size)
    write(f"\n{size.events:,} events, {size.persons:,} persons: trends and stickiness of 90 days\n")
    write(f"{'':52}{'best':>9}{'ratio':>8}{'memory':>10}\n")
    for name, query in _QUESTIONS.items():
        _compare(store, name, query)
    pages = _QUESTIONS["page views"]
    floor = best(lambda: store.rows(_floor(pages, _HASH)))
    second = trends_statement(pages.model_copy(update={"offset": pages.limit}))
    line("page views: page 2", best(lambda: store.rows(second)), floor)
    line("page views: count", best(lambda: trends_count(store, pages)), floor)
    store.close()


def _compare(store: ClickHouse, name: str, query: TrendsQuery) -> None:
    statement = trends_statement(query)
    floor, bare = _floor(query, _HASH), _floor(query)
    at_least = best(lambda: store.rows(floor))
    line(f"{name}: floor without the hash", best(lambda: store.rows(bare)), at_least)
    line(f"{name}: floor", at_least, at_least)
    line(name, best(lambda: store.rows(statement)), at_least, peak_memory(store, statement))


def _floor(query: TrendsQuery, *also: Fragment) -> Fragment:
    read = [_read(query.measure), *also]
    names = [Fragment(f"read_{number}") for number in range(len(read))]
    return sql(
        "SELECT {outer} FROM (SELECT person_id, {read} FROM events WHERE {conditions} GROUP BY person_id)",
        outer=joined(", ", (sql("max({name})", name=name) for name in names)),
        read=joined(
            ", ",
            (sql("{each} AS {name}", each=each, name=name) for each, name in zip(read, names, strict=True)),
        ),
        conditions=where(
            in_range(query.project_id, query.date_range),
            *of_any_entity(query.project_id, [query.entity]),
            on_event(query.project_id, parts(query.filter).of_event),
        ),
    )


def _read(measure: Measure) -> Fragment:
    match measure:
        case Sessions():
            return sql("max({text})", text=property_text("events", "$session_id"))
        case Numbers():
            return sql("sum(toFloat64OrNull({text}))", text=property_text("events", measure.key))
        case Intervals():
            return Fragment("max(timestamp)")
    return Fragment("count()")


if __name__ == "__main__":
    main()
