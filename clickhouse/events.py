from datetime import datetime

from clickhouse.client import ClickHouse
from clickhouse.moments import in_utc
from clickhouse.sql.fragment import sql


def earliest_event(store: ClickHouse, project_id: int) -> datetime | None:
    """When the project's first event happened: what ``date_from=all`` means. None without events."""
    ((count, earliest),) = store.rows(
        sql("SELECT count(), min(timestamp) FROM events WHERE team_id = {project:Int64}", project=project_id)
    )
    return in_utc(earliest) if count else None
