"""What was asked of persons' properties, and what merges, splits and deletions did to the persons.

One table, ordered by distinct id and then as the history is replayed (schema/0005_property_history.sql).
Nothing else is read, however many events there are. Who replays it: persons/identity/replay.py.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.query.history import HistoryQuery
from clickhouse.sql.conditions import where
from clickhouse.sql.fragment import TRUE, Fragment, sql

# Moments as microseconds: of a hundred thousand rows, Python's own would take longer to make than the rows to
# read. Identity changes come first, also those after the moment that is asked about.
HISTORY = """
SELECT
    {number} AS number,
    kind,
    toUnixTimestamp64Micro(timestamp) AS moment,
    arrival,
    distinct_id,
    distinct_id_version,
    detail{of_event}
FROM person_property_history
WHERE {conditions}
ORDER BY number, kind = 'update', timestamp, arrival, event_uuid
""".strip()

# The sort key finds the rows, and nearly all that is read is wanted: looking at some columns first costs more
# than it saves.
_SETTINGS = {"optimize_move_to_prewhere": 0}

OF_EVENT = Fragment(",\nevent,\nevent_uuid")


class HistoryColumns(NamedTuple):
    """Some rows, column by column. The table's schema says what kinds there are, and what their details are.
    The last two have nothing unless the query is `with_events`."""

    numbers: Sequence[int]
    kinds: Sequence[str]
    moments: Sequence[int]
    arrivals: Sequence[int]
    distinct_ids: Sequence[str]
    versions: Sequence[int]
    details: Sequence[str]
    events: Sequence[str] = ()
    event_uuids: Sequence[UUID] = ()


def read_history(store: ClickHouse, query: HistoryQuery, take: Callable[[HistoryColumns], None]) -> None:
    """The rows, person by person: of each the identity changes, then the updates in the order of replay.

    They are handed over in portions. A row may come twice, one right after the other. Raises
    ClickHouseUnavailable, ClickHouseError.
    """
    store.read_blocks(history_statement(query), lambda *columns: take(HistoryColumns(*columns)), _SETTINGS)


def history_statement(query: HistoryQuery) -> Fragment:
    """The statement behind `read_history`."""
    until = TRUE
    if query.until is not None:
        until = sql("(timestamp <= {until:DateTime64(6, 'UTC')} OR kind != 'update')", until=query.until)
    return sql(
        HISTORY,
        number=_number(query),
        of_event=OF_EVENT if query.with_events else Fragment(""),
        conditions=where(_of_ids(query), until),
    )


def _of_ids(query: HistoryQuery) -> Fragment:
    return sql(
        "team_id = {project:Int64}\n  AND distinct_id IN {distinct_ids:Array(String)}",
        project=query.project_id,
        distinct_ids=list(query.distinct_ids),
    )


def _number(query: HistoryQuery) -> Fragment:
    """Whose a row is, by its distinct id."""
    if len(set(query.numbers)) == 1:
        return sql("{number:UInt32}", number=query.numbers[0])
    return sql(
        "transform(distinct_id, {distinct_ids:Array(String)}, {numbers:Array(UInt32)}, 0)",
        distinct_ids=list(query.distinct_ids),
        numbers=list(query.numbers),
    )
