"""`manage.py rebuild_property_history`: the table says what the events say, whatever was in it."""

from typing import Any

import orjson
import pytest

from clickhouse.client import ClickHouse
from clickhouse.history_rebuild import days, rebuild
from clickhouse.layout import stored_rows
from clickhouse.removal import Remains, remove
from clickhouse.sql.fragment import Fragment, sql
from persons.models import Project
from persons.models.history import note_deletion
from persons.outbox.flush import drain
from tests.api.helpers import Capture, change, event

pytestmark = pytest.mark.usefixtures("emptied")

ROWS = """
SELECT distinct_id, timestamp, arrival, event_uuid, event, detail
FROM person_property_history FINAL
WHERE team_id = {project:Int64} AND kind = 'update'
ORDER BY ALL
"""


def rows(store: ClickHouse, project: Project) -> list[tuple[Any, ...]]:
    return store.rows(sql(ROWS, project=project.pk))


@pytest.fixture
def kept(clickhouse: ClickHouse, project: Project, capture: Capture) -> list[tuple[Any, ...]]:
    capture(
        change("2024-03-01T10:00:00Z", "user", set={"price": 1.0}, set_once={"first": None}),
        change("1969-12-31T10:00:00Z", "anon", set={"plan": "free"}, unset=["x"]),
        event("$identify", "user", "2024-03-03T10:00:00Z", properties={"$anon_distinct_id": "anon"}),
        event("e", "user", "2024-03-04T10:00:00Z", properties={"about": "$set"}),
    )
    found = rows(clickhouse, project)
    assert len(found) == 2
    return found


def test_lost_rows_come_back_and_stray_ones_go(
    clickhouse: ClickHouse, project: Project, kept: list[tuple[Any, ...]]
) -> None:
    clickhouse.command(
        sql(
            "DELETE FROM {history} WHERE team_id = {project:Int64} AND distinct_id = 'anon'",
            history=stored_rows("person_property_history", clickhouse.cluster),
            project=project.pk,
        )
    )
    clickhouse.command(
        sql(
            "INSERT INTO person_property_history (team_id, distinct_id, timestamp, kind, detail) "
            "SELECT {project:Int64}, 'user', now(), 'update', '[{\"stray\":1},null,null]'",
            project=project.pk,
        )
    )
    assert rows(clickhouse, project) != kept
    assert all(not day.done for day in days(clickhouse))
    list(rebuild(clickhouse, days(clickhouse)))
    assert rows(clickhouse, project) == kept
    assert clickhouse.rows(Fragment("SELECT count() FROM property_history_rebuild")) == [(0,)]


def test_one_that_was_cut_off_goes_on_where_it_was(
    clickhouse: ClickHouse, project: Project, kept: list[tuple[Any, ...]]
) -> None:
    history = stored_rows("person_property_history", clickhouse.cluster)
    clickhouse.command(sql("DELETE FROM {history} WHERE kind = 'update'", history=history))
    begun = rebuild(clickhouse, days(clickhouse))
    first = next(begun)
    next(begun)
    begun.close()
    again = days(clickhouse)
    assert next(day for day in again if day.done)[:3] == first[:3]
    assert sum(day.done for day in again) in (1, 2)
    assert sum(day.events for day in again) == sum(day.events for day in rebuild(clickhouse, again))
    assert rows(clickhouse, project) == kept


def test_what_happened_before_a_deletion_does_not_come_back(
    clickhouse: ClickHouse, project: Project, capture: Capture, kept: list[tuple[Any, ...]]
) -> None:
    note_deletion(project.pk, {"user": 0}, kept[0][1])
    drain(clickhouse)
    capture(change("2024-03-01T11:00:00Z", "user", set={"new": 1}))
    list(rebuild(clickhouse, days(clickhouse)))
    assert [(row[0], row[5]) for row in rows(clickhouse, project)] == [
        ("anon", '[{"plan":"free"},null,["x"]]'),
        ("user", '[{"new":1},null,null]'),
    ]


ODD = [
    ({"$set": "x", "$unset": 7}, None),
    ({"$set": ["a"], "$set_once": None}, None),
    ({"$set": {}, "$unset": []}, None),
    (
        {"$set": {"a": 1}, "$set_once": 1, "$unset": {"b": 1, 'c/\\"d': None}},
        '[{"a":1},null,["b","c\\/\\\\\\"d"]]',
    ),
    ({"$unset": ["b", 7, None, ["c"]]}, '[null,null,["b","7","","[\\"c\\"]"]]'),
    ({"$process_person_profile": False, "$set": {"a": 1}}, None),
    ({"inner": {"$set": {"no": 1}}, "$set": {"a": 1}}, '[{"a":1},null,null]'),
]


def test_erasing_leaves_nothing_but_that_there_was_a_deletion(
    clickhouse: ClickHouse, project: Project, capture: Capture, kept: list[tuple[Any, ...]]
) -> None:
    before = note_deletion(project.pk, {"user": 0, "anon": 0}, kept[0][1])
    remains = Remains(project.pk, ["user", "anon"], [0, 0], [-1, -1], [before, before], with_events=False)
    drain(clickhouse)
    capture(change("2024-03-01T11:00:00Z", "user", set={"new": 1}))
    for _ in range(2):
        assert remove(clickhouse, remains) == 0
    statement = """
        SELECT distinct_id, kind, detail FROM person_property_history
        WHERE team_id = {project:Int64} ORDER BY kind, distinct_id
    """
    assert clickhouse.rows(sql(statement, project=project.pk)) == [
        ("anon", "deletion", ""),
        ("user", "deletion", ""),
        ("user", "update", '[{"new":1},null,null]'),
    ]


@pytest.mark.parametrize(("properties", "detail"), ODD)
def test_events_that_were_imported_may_be_anything(
    clickhouse: ClickHouse, project: Project, properties: dict[str, Any], detail: str | None
) -> None:
    statement = """
        INSERT INTO events (team_id, event, timestamp, distinct_id, properties)
        SELECT {project:Int64}, 'e', now(), 'u', {properties:String}
    """
    text = orjson.dumps(properties).decode()
    clickhouse.command(sql(statement, project=project.pk, properties=text))
    assert [row[5] for row in rows(clickhouse, project)] == ([] if detail is None else [detail])
