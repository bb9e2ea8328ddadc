"""Static cohorts forget the distinct ids of a person that is deleted."""

from collections import defaultdict
from collections.abc import Sequence

import orjson

from persons.models import ClickHouseTable
from persons.writing import statements


def forget_members(project_id: int, distinct_ids: Sequence[str]) -> None:
    """Take distinct ids out of every static cohort, here and in ClickHouse.

    When they go on hold, and when they are released: until the transaction that puts them on hold is seen,
    somebody may still add them.
    """
    if not distinct_ids:
        return
    cohorts = defaultdict(list)
    for cohort_id, distinct_id in statements.delete_members(project_id, distinct_ids):
        cohorts[cohort_id].append(distinct_id)
    # After the rows are gone, so that it is above the version of each of them.
    version = statements.next_arrival() if cohorts else 0
    rows = []
    for cohort_id, members in cohorts.items():
        fields = {"team_id": project_id, "cohort_id": cohort_id, "is_deleted": True, "version": version}
        lines = [orjson.dumps({**fields, "distinct_id": each}) for each in members]
        rows.append((ClickHouseTable.COHORT_MEMBER.value, b"\n".join(lines), len(lines)))
    statements.insert_outbox(project_id, rows)
