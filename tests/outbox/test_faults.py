"""Whatever breaks while rows are being sent, in the end each is there once."""

import threading
import time

import pytest
from django.db import connection

from clickhouse.client import ClickHouse, connect
from persons.installation import new_project
from persons.models import Outbox, Project
from persons.outbox.flusher import Flusher
from persons.outbox.worker import stop
from tests.outbox.test_flush import rows_in, seconds_until_events, take_events


def cut_other_connections() -> int:
    """End every PostgreSQL session but this one, as a restart would; returns how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid != pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.tokens
@pytest.mark.django_db(transaction=True)
def test_a_flusher_whose_connections_are_cut_again_and_again_loses_and_doubles_nothing(
    clickhouse: ClickHouse,
) -> None:
    project = new_project("cut off")
    flusher = Flusher(clickhouse)
    flusher.start()
    cut = 0
    try:
        for _ in range(25):
            take_events(project, 40)
            time.sleep(0.02)
            cut += cut_other_connections()
        assert cut > 0
        assert seconds_until_events(clickhouse, project, 1_000, patience=30) < 30
    finally:
        stop(flusher)
    assert rows_in(clickhouse, "events", project) == 1_000
    assert rows_in(clickhouse, "person", project) == 40
    assert not Outbox.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_while_clickhouse_is_away_events_are_taken_and_later_caught_up_with(clickhouse: ClickHouse) -> None:
    project = new_project("away")
    without = Flusher(connect("http://127.0.0.1:9/persons"))
    without.start()
    try:
        takers = [threading.Thread(target=take_and_close, args=[project]) for _ in range(3)]
        for taker in takers:
            taker.start()
        for taker in takers:
            taker.join()
        assert Outbox.backlog()[0] >= 30
    finally:
        stop(without)
    again = Flusher(clickhouse)
    again.start()
    try:
        assert seconds_until_events(clickhouse, project, 30) < 5
    finally:
        stop(again)
    assert rows_in(clickhouse, "events", project) == 30


def take_and_close(project: Project) -> None:
    take_events(project, 10)
    connection.close()
