"""Which persons a project has, or has ever had: a uuid is never given twice."""

from collections.abc import Iterable
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.portions import by_number
from clickhouse.sql.fragment import sql

EVER_THERE = """
SELECT DISTINCT id FROM person WHERE team_id = {project:Int64} AND id IN {uuids:Array(UUID)}
""".strip()


def ever_there(store: ClickHouse, project_id: int, uuids: Iterable[UUID]) -> set[UUID]:
    """Those of these persons that are there, deleted or merged away. Raises ClickHouseUnavailable,
    ClickHouseError."""
    found: set[UUID] = set()
    for portion in by_number(uuids):
        found.update(uuid for (uuid,) in store.rows(sql(EVER_THERE, project=project_id, uuids=portion)))
    return found
