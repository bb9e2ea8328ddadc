from collections.abc import Callable
from typing import Any

from clickhouse.client import ClickHouse
from persons.models import ClickHouseTable, EventUuid, Person, Project, ProjectErasure
from persons.outbox.flush import drain
from tests.api_client import Api
from tests.outbox.test_flush import rows_in


def test_a_deleted_project_leaves_nothing_in_either_store(
    clickhouse: ClickHouse, api: Api, project: Project, capture: Callable[..., Any]
) -> None:
    other = Project.objects.create(name="stays")
    api.capture(other, [{"event": "e", "distinct_id": "d"}])
    capture(
        {"event": "e", "distinct_id": "a"},
        {"event": "e", "distinct_id": "b"},
        {"event": "$merge_dangerously", "distinct_id": "a", "properties": {"alias": "b"}},
    )
    cohort = {"name": "c", "is_static": True, "distinct_ids": ["a"]}
    assert api.post(f"/api/projects/{project.pk}/cohorts/", cohort).status_code == 201
    drain(clickhouse)
    assert all(rows_in(clickhouse, table, project) for table in ClickHouseTable)
    assert api.send("DELETE", f"/api/projects/{project.pk}/").status_code == 204
    assert api.get(f"/api/projects/{project.pk}/").status_code == 404
    drain(clickhouse)
    assert not any(rows_in(clickhouse, table, project) for table in ClickHouseTable)
    assert not ProjectErasure.objects.exists()
    assert not EventUuid.objects.filter(project_id=project.pk).exists()
    assert Person.objects.filter(project=other).count() == rows_in(clickhouse, "events", other) == 1
