"""The history of properties has the updates of events once, wherever the sending of events is cut off."""

import uuid

import pytest

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import Fragment
from persons.identity.values import Event
from persons.models import Outbox, Project
from persons.outbox import flush
from persons.writing.take import take
from tests.outbox.test_flush import NOW, rows_in

VIEW = "event_with_update_arrived"


@pytest.mark.tokens
@pytest.mark.parametrize("with_view", [True, False])
def test_what_a_view_makes_of_events_is_there_once(
    clickhouse: ClickHouse, project: Project, with_view: bool
) -> None:
    """As after a crash, between the events and the view's rows or after both."""
    event = Event(0, uuid.uuid4(), "$set", "u", NOW, {"$set": {"plan": "pro"}})
    take(project.pk, [event], NOW)
    batch = flush._begin()
    lines = Outbox.objects.filter(batch=batch, table="events").values_list("lines", flat=True)
    if not with_view:
        clickhouse.command(Fragment(f"DETACH TABLE {VIEW}"))
    try:
        clickhouse.insert_json("events", b"\n".join(map(Outbox.read, lines)), token=str(batch))
    finally:
        if not with_view:
            clickhouse.command(Fragment(f"ATTACH TABLE {VIEW}"))
    assert rows_in(clickhouse, "person_property_history", project) == with_view
    flush.drain(clickhouse)
    assert rows_in(clickhouse, "events", project) == 1
    assert rows_in(clickhouse, "person_property_history", project) == 1
