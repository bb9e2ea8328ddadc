"""What was taken reaches ClickHouse once, wherever the sending is cut off."""

import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from clickhouse.client import ClickHouse, connect
from clickhouse.errors import ClickHouseUnavailable
from clickhouse.sql.fragment import sql
from persons.identity.values import Event
from persons.installation import new_project
from persons.models import ClickHouseTable, Outbox, Project
from persons.outbox import flush
from persons.outbox.flusher import Flusher
from persons.outbox.worker import stop
from persons.writing.statements import insert_outbox
from persons.writing.take import take

NOW = datetime(2024, 3, 1, tzinfo=UTC)


def take_events(project: Project, count: int) -> None:
    take(project.pk, [Event(index, uuid4(), "e", f"d{index}", NOW, {}) for index in range(count)], NOW)


def rows_in(store: ClickHouse, table: str, project: Project) -> int:
    statement = "SELECT count() FROM {table:Identifier} WHERE team_id = {project:Int64}"
    return int(store.rows(sql(statement, table=table, project=project.pk))[0][0])


def test_everything_pending_is_sent_and_forgotten(clickhouse: ClickHouse, project: Project) -> None:
    take_events(project, 3)
    take_events(project, 2)
    assert Outbox.backlog()[0] == 3 * 3 + 2
    assert flush.drain(clickhouse) == 3 * 3 + 2
    assert Outbox.backlog() == (0, 0.0)
    assert rows_in(clickhouse, "events", project) == 5
    assert rows_in(clickhouse, "person", project) == 3


@pytest.mark.tokens
@pytest.mark.parametrize("tables_sent", range(len(ClickHouseTable) + 1))
def test_a_batch_that_was_cut_off_is_repeated_and_doubles_nothing(
    clickhouse: ClickHouse, project: Project, tables_sent: int
) -> None:
    """As after a crash: the batch is begun, some of its tables are inserted, and nothing is deleted."""
    take_events(project, 4)
    batch = flush._begin()
    for table in list(ClickHouseTable)[:tables_sent]:
        for lines in Outbox.objects.filter(batch=batch, table=table).values_list("lines", flat=True):
            clickhouse.insert_json(table, Outbox.read(lines), token=str(batch))
    take_events(project, 3)
    flush.drain(clickhouse)
    assert rows_in(clickhouse, "events", project) == 7
    assert rows_in(clickhouse, "person", project) == 4
    assert not Outbox.objects.exists()


def test_a_backlog_larger_than_a_batch_is_sent_in_several(clickhouse: ClickHouse, project: Project) -> None:
    for _ in range(30):
        take_events(project, 2_000)
    assert 0 < flush.send_batch(clickhouse) <= 50_000
    flush.drain(clickhouse)
    assert rows_in(clickhouse, "events", project) == 60_000


def test_a_batch_has_room_for_what_its_rows_are_unpacked(project: Project) -> None:
    """Packed they are a few kilobytes; the flusher holds them as they were."""
    insert_outbox(project.pk, [("events", b"x" * 20_000_000, 1)] * 2)
    batch = flush._begin()
    assert Outbox.objects.filter(batch=batch).count() == 1


def test_while_clickhouse_is_away_everything_stays_pending(project: Project) -> None:
    take_events(project, 1)
    with pytest.raises(ClickHouseUnavailable):
        flush.drain(connect("http://127.0.0.1:9/persons"))
    assert Outbox.backlog()[0] == 3


@pytest.mark.django_db(transaction=True)
def test_the_flusher_wakes_on_commit_and_a_second_one_takes_over(clickhouse: ClickHouse) -> None:
    project = new_project("live")
    first, second = Flusher(clickhouse), Flusher(clickhouse)
    first.start()
    time.sleep(0.3)
    second.start()
    try:
        # Without being woken it looks once a second.
        waits = []
        for sent in range(1, 6):
            take_events(project, 1)
            waits.append(seconds_until_events(clickhouse, project, sent))
        assert min(waits) < 0.5
        stop(first)
        take_events(project, 1)
        assert seconds_until_events(clickhouse, project, 6) < 5
    finally:
        stop(first, second)


def seconds_until_events(store: ClickHouse, project: Project, count: int, *, patience: float = 10) -> float:
    started = time.monotonic()
    while rows_in(store, "events", project) < count and time.monotonic() - started < patience:
        time.sleep(0.01)
    return time.monotonic() - started
