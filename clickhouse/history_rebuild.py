"""Making the updates in person_property_history anew from the events, day by day.

Rows replace themselves, and questions are answered meanwhile. In the end what the rebuild has not written
is removed. Cut off at any point, it goes on with the days that are not done.
"""

from collections.abc import Generator
from datetime import UTC, datetime
from typing import NamedTuple

from clickhouse.client import ClickHouse
from clickhouse.layout import stored_rows
from clickhouse.sql.fragment import Fragment, sql

DAYS = Fragment(
    """
SELECT events.team_id, toInt32(toDate32(events.timestamp)) AS day, count(), (events.team_id, day) IN
(
    SELECT team_id, day FROM property_history_rebuild
) AS done
FROM events
GROUP BY events.team_id, day
ORDER BY events.team_id, day
""".strip()
)

# What had arrived for a distinct id when it was deleted is nobody's.
DAY = """
INSERT INTO event_with_update
SELECT team_id, distinct_id, timestamp, arrival, uuid, event, properties, distinct_id_version
FROM events
LEFT ANY JOIN
(
    SELECT
        distinct_id, max(arrival) AS arrival_of_deletion, max(distinct_id_version) AS version_of_deletion
    FROM person_property_history
    WHERE team_id = {project:Int64} AND kind = 'deletion'
    GROUP BY distinct_id
) AS deleted ON deleted.distinct_id = events.distinct_id
WHERE team_id = {project:Int64}
  AND toDate32(timestamp) = toDate32({day:Int32})
  AND multiSearchAny(properties, ['"$set"', '"$set_once"', '"$unset"'])
  AND arrival >= arrival_of_deletion
  AND distinct_id_version >= version_of_deletion
""".strip()

NOTE_DAY = "INSERT INTO property_history_rebuild (team_id, day) VALUES ({project:Int64}, {day:Int32})"
BEGAN = Fragment("SELECT min(done_at) FROM property_history_rebuild HAVING count() > 0")
REMOVE_THE_REST = """
DELETE FROM {history} WHERE kind = 'update' AND written_at < {began:DateTime64(6, 'UTC')}
""".strip()
END = Fragment("TRUNCATE TABLE property_history_rebuild")


class Day(NamedTuple):
    """A project's events of one day, and whether they have been looked at."""

    project_id: int
    day: int
    events: int
    done: bool


def days(store: ClickHouse) -> list[Day]:
    """All there are. Raises ClickHouseUnavailable, ClickHouseError."""
    return [Day(project, day, events, bool(done)) for project, day, events, done in store.rows(DAYS)]


def rebuild(store: ClickHouse, ahead: list[Day]) -> Generator[Day, None, None]:
    """Look at these days, each of which comes back when it is done. Raises ClickHouseUnavailable,
    ClickHouseError."""
    began = _began(store)
    for each in ahead:
        if not each.done:
            store.command(sql(DAY, project=each.project_id, day=each.day))
            store.command(sql(NOTE_DAY, project=each.project_id, day=each.day))
        yield each
    store.command(
        sql(REMOVE_THE_REST, history=stored_rows("person_property_history", store.cluster), began=began)
    )
    store.command(END)


def _began(store: ClickHouse) -> datetime:
    if not store.rows(BEGAN):
        store.command(sql(NOTE_DAY, project=0, day=0))
    began: datetime = store.rows(BEGAN)[0][0]
    return began.replace(tzinfo=UTC)
