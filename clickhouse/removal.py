"""Removing what happened: the rows of some distinct ids, from every table that has any.

Lightweight deletes: no question sees the rows any more once the statement is done; from the disk they go
with the next merge of their part.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from clickhouse.client import ClickHouse
from clickhouse.layout import stored_rows
from clickhouse.portions import slices
from clickhouse.sql.conditions import any_of, where
from clickhouse.sql.events import of_distinct_ids
from clickhouse.sql.fragment import Fragment, sql


@dataclass(frozen=True, slots=True)
class Remains:
    """What is to go: what was made of the events of these distinct ids, of each up to a number of arrival.
    With `with_events` also the events. If `is_whole`, all events of the generation, and what was made of
    those that found the distinct id at this version or a lower one, whenever they arrived; -1 for none."""

    project_id: int
    distinct_ids: Sequence[str]
    generations: Sequence[int]
    versions: Sequence[int]
    arrivals: Sequence[int]
    with_events: bool = True
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A table that has such rows, and which of them they are."""

    name: str
    rows: Callable[[Remains], Fragment]
    only_with_events: bool


# Of a deletion remains that it happened.
OF_HISTORY = """
team_id = {project:Int64}
  AND distinct_id IN {ids:Array(String)}
  AND {earlier}
  AND kind != 'deletion'
""".strip()
EARLIER = "arrival < transform(distinct_id, {ids:Array(String)}, {arrivals:Array(UInt64)}, 0)"
NOT_KNOWING = (
    "distinct_id_version <= transform(distinct_id, {ids:Array(String)}, {versions:Array(Int64)}, -1)"
)
DELETE = "DELETE FROM {table} WHERE {rows}"
COUNT = "SELECT count() FROM {table} WHERE {rows}"


def _of_events(remains: Remains) -> Fragment:
    rows = of_distinct_ids(remains.project_id, remains.distinct_ids, remains.generations)
    return rows if remains.is_whole else where(rows, _earlier(remains))


def _of_history(remains: Remains) -> Fragment:
    ids = list(remains.distinct_ids)
    earlier = _earlier(remains)
    if remains.is_whole:
        # They were being taken while the deletion was done.
        earlier = any_of((earlier, sql(NOT_KNOWING, ids=ids, versions=list(remains.versions))))
    return sql(OF_HISTORY, project=remains.project_id, ids=ids, earlier=earlier)


def _earlier(remains: Remains) -> Fragment:
    return sql(EARLIER, ids=list(remains.distinct_ids), arrivals=list(remains.arrivals))


EVENTS = Table("events", _of_events, only_with_events=True)
HISTORY = Table("person_property_history", _of_history, only_with_events=False)
# A deletion reaches what is listed here. A table that is filled from events belongs here too.
TABLES = (EVENTS, HISTORY)


def remove(store: ClickHouse, remains: Remains) -> int:
    """Remove it; returns how many rows are there nevertheless.

    Can be repeated. Raises ClickHouseUnavailable, ClickHouseError.
    """
    left = 0
    for part in (_part(remains, which) for which in slices(remains.distinct_ids)):
        for table in TABLES:
            if remains.with_events or not table.only_with_events:
                store.command(statement(DELETE, table, part, store.cluster))
                ((count,),) = store.rows(statement(COUNT, table, part))
                left += int(count)
    return left


def statement(template: str, table: Table, remains: Remains, cluster: str | None = None) -> Fragment:
    """What is done with such rows of a table, where they lie."""
    return sql(template, table=stored_rows(table.name, cluster), rows=table.rows(remains))


def _part(remains: Remains, part: slice) -> Remains:
    return replace(
        remains,
        distinct_ids=remains.distinct_ids[part],
        generations=remains.generations[part],
        versions=remains.versions[part],
        arrivals=remains.arrivals[part],
    )
