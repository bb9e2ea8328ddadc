"""What a lifecycle costs, next to the least that any question about the same events can cost.

    EVENTS=20000000 python -m benchmarks.lifecycle

By day, in a range of 30 days, of its last day: then the new and the resurrecting need all of them. The floor
is a scan of the same columns of the same events, those of two days or of all, grouped by events.person_id: no
merges, no persons. Times are the best of five.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import get_args

from benchmarks.data import PROJECT, filled_store, size_asked_for
from benchmarks.measure import best, line, peak_memory, write
from clickhouse.client import ClickHouse
from clickhouse.lifecycle import lifecycle_count, lifecycle_statement
from clickhouse.query.conditions import Compares
from clickhouse.query.dates import DateRange
from clickhouse.query.filters import EVERYTHING, Entity, EventProperty
from clickhouse.query.lifecycle import LifecycleQuery, LifecycleType, Period
from clickhouse.sql.conditions import where
from clickhouse.sql.events import in_range, of_any_entity
from clickhouse.sql.fragment import Fragment, joined, sql
from clickhouse.sql.properties import property_text

PROFILE = "$process_person_profile"
_LAST = datetime(2024, 3, 1, 12, tzinfo=UTC)
_RANGE = DateRange(date_from=_LAST - timedelta(days=29), date_to=_LAST, timezone="UTC")
_EXPENSIVE = EventProperty(key="price", condition=Compares(operator="gt", bounds=(20.0,)))
_TYPES: tuple[LifecycleType, ...] = get_args(LifecycleType)

# What nobody outside looks at would not be read.
FLOOR = """
SELECT count(), {seen} FROM
(
    SELECT person_id, {read}
    FROM events
    WHERE {conditions}
    GROUP BY person_id
)
""".strip()

# Persons are created all at once in the store; for a while here on every day of three months.
_SPREAD = """
INSERT INTO person (team_id, id, created_at, properties, is_identified, is_deleted, version, key)
SELECT team_id, id, created_at + toIntervalDay(sipHash64(id) % 90), properties, is_identified, is_deleted,
       version, key
FROM kept_person
"""


def main() -> None:
    """Print one line per event and kind of person."""
    size = size_asked_for()
    store = filled_store(size)
    write(f"\n{size.events:,} events, {size.persons:,} persons: the lifecycle of the last of 30 days\n")
    write(f"{'':52}{'best':>9}{'ratio':>8}{'memory':>10}\n")
    with _created_on_many_days(store):
        for name in ("$pageview", "signed up"):
            for kind in _TYPES:
                _compare(store, f"{name}: {kind}", _query(name, kind))
        _compare(store, "$pageview, filtered: returning", _query("$pageview", "returning", filter=_EXPENSIVE))
        _compare(store, "$pageview, filtered: new", _query("$pageview", "new", filter=_EXPENSIVE))
        _compare(store, "$pageview, by week: dormant", _query("$pageview", "dormant", interval="week"))
        _compare(store, "$pageview, by week: new", _query("$pageview", "new", interval="week"))
    store.close()


def _query(name: str, kind: LifecycleType, **fields: object) -> LifecycleQuery:
    query = LifecycleQuery(
        project_id=PROJECT,
        entity=Entity(names=(name,)),
        lifecycle_type=kind,
        target_date=_LAST,
        date_range=_RANGE,
    )
    return query.model_copy(update=fields)


def _compare(store: ClickHouse, name: str, query: LifecycleQuery) -> None:
    floor, statement = _floor(query), lifecycle_statement(query)
    at_least = best(lambda: store.rows(floor))
    line(f"{name}: floor", at_least, at_least)
    line(name, best(lambda: store.rows(statement)), at_least, peak_memory(store, statement))
    line(f"{name}: count", best(lambda: lifecycle_count(store, query)), at_least)


def _floor(query: LifecycleQuery) -> Fragment:
    needs_all = query.lifecycle_type in ("new", "resurrecting")
    start = query.seen.start if needs_all else query.previous.start
    dates = Period(start, query.target.end).dates("UTC")
    columns = [Fragment("timestamp"), Fragment("distinct_id_hash"), property_text("events", PROFILE)]
    if query.filter != EVERYTHING:
        columns.append(property_text("events", "price"))
    numbered = list(enumerate(columns))
    return sql(
        FLOOR,
        read=joined(
            ", ",
            (sql("max({column}) AS {name}", column=column, name=_name(each)) for each, column in numbered),
        ),
        seen=joined(", ", (sql("max({name})", name=_name(each)) for each, _ in numbered)),
        conditions=where(in_range(PROJECT, dates), *of_any_entity(PROJECT, [query.entity])),
    )


def _name(number: int) -> Fragment:
    return Fragment(f"column_{number}")


@contextmanager
def _created_on_many_days(store: ClickHouse) -> Iterator[None]:
    store.command(Fragment("RENAME TABLE person TO kept_person"))
    try:
        store.command(Fragment("CREATE TABLE person AS kept_person"))
        store.command(Fragment(_SPREAD))
        store.command(Fragment("OPTIMIZE TABLE person FINAL"))
        yield
        store.command(Fragment("DROP TABLE person SYNC"))
    finally:
        store.command(Fragment("RENAME TABLE kept_person TO person"))


if __name__ == "__main__":
    main()
