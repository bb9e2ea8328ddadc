"""Capture, merge, split, delete and reset, in any order: PostgreSQL, ClickHouse and the rules agree on who
can be seen, and with which events."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from clickhouse.sql.persons import PERSON_OF_EVENT, events_with_merges, live_persons
from persons.history import Asked, properties_at
from persons.identity import Event
from persons.installation import new_project
from persons.models import Actor, Person, PersonDistinctId, Project
from persons.models.project import DistinctIdReuse
from persons.outbox.flush import drain
from persons.outbox.removal import remove_deleted
from persons.writing.deletion import delete_persons
from persons.writing.past_events import delete_past_events
from persons.writing.reset import Reset, reset_distinct_ids
from persons.writing.split import split_all_but, split_off
from persons.writing.take import take
from tests.capture.test_stores_agree import assert_stores_agree
from tests.writing.follower import Follower, everybody
from tests.writing.reference_world import World

EXAMPLES = int(os.environ.get("WRITING_EXAMPLES", "15"))
START = datetime(2024, 3, 1, tzinfo=UTC)
NOBODY = Actor(None)
ids = st.sampled_from("abcde")
updates = st.fixed_dictionaries(
    {},
    optional={
        "$set": st.dictionaries(st.sampled_from("xy"), st.integers(0, 3), max_size=2),
        "$unset": st.lists(st.sampled_from("xy"), max_size=1),
    },
)


class AnyOrder(RuleBasedStateMachine):
    store: ClickHouse

    def __init__(self) -> None:
        super().__init__()
        self.project = new_project("any order")
        self.world = World()
        self.now = START
        self.follower = Follower(self.project)

    def take(self, *events: tuple[str, str, dict[str, Any]]) -> None:
        batch = []
        for index, (name, distinct_id, properties) in enumerate(events):
            self.now += timedelta(minutes=1)
            batch.append(Event(index, uuid4(), name, distinct_id, self.now, properties))
        take(self.project.pk, batch, self.now)
        for event in batch:
            self.world.take(event)

    @rule(distinct_id=ids, update=updates, others=st.lists(ids, max_size=2))
    def capture(self, distinct_id: str, update: dict[str, Any], others: list[str]) -> None:
        self.take(("e", distinct_id, update), *(("e", other, {}) for other in others))

    @rule()
    def ask_what_has_changed(self) -> None:
        self.follower.follow()
        assert self.follower.copy == everybody(self.project)

    @rule(distinct_id=ids)
    def capture_personless(self, distinct_id: str) -> None:
        self.take(("e", distinct_id, {"$process_person_profile": False}))

    @rule(
        name=st.sampled_from(["$identify", "$create_alias", "$merge_dangerously"]),
        distinct_id=ids,
        other=ids,
        update=updates,
        before=st.lists(ids, max_size=2),
    )
    def merge(
        self, name: str, distinct_id: str, other: str, update: dict[str, Any], before: list[str]
    ) -> None:
        properties = {**update, "alias": other, "$anon_distinct_id": other}
        self.take(*(("e", each, {}) for each in before), (name, distinct_id, properties))

    @rule(distinct_id=ids, with_events=st.booleans())
    def delete(self, distinct_id: str, with_events: bool) -> None:
        was_seen = self.world.seen(distinct_id) is not None
        count = delete_persons(
            self.project.pk, lambda: self.keys(distinct_id), NOBODY, self.now, with_events=with_events
        )
        assert count == was_seen
        self.world.delete(distinct_id, with_events=with_events)

    @rule(distinct_id=ids)
    def delete_events(self, distinct_id: str) -> None:
        keys = self.keys(distinct_id)
        delete_persons(self.project.pk, lambda: keys, NOBODY, self.now, with_events=True, keep_persons=True)
        self.world.delete_events(distinct_id)

    @rule(distinct_id=ids)
    def delete_past_events(self, distinct_id: str) -> None:
        delete_past_events(self.project.pk, NOBODY, self.now, distinct_ids=[distinct_id])
        self.world.delete_past_events(distinct_id)

    @rule(distinct_ids=st.lists(ids, min_size=1, max_size=3, unique=True))
    def reset(self, distinct_ids: list[str]) -> None:
        expected = {
            each: (Reset.RELEASED if self.world.ids[each].on_hold() else Reset.LIVE)
            if PersonDistinctId.objects.filter(project=self.project, distinct_id=each).exists()
            else Reset.UNSEEN
            for each in distinct_ids
        }
        assert reset_distinct_ids(self.project.pk, distinct_ids, NOBODY, self.now) == expected
        for each in distinct_ids:
            self.world.release(each)

    @rule(distinct_id=ids, all_others=st.booleans())
    def split(self, distinct_id: str, all_others: bool) -> None:
        someone = self.world.seen(distinct_id)
        own = [name for name in self.world.ids if someone and self.world.seen(name) is someone]
        if len(own) < 2:
            return
        (key,) = self.keys(distinct_id)
        if all_others:
            split_all_but(self.project.pk, key, distinct_id, NOBODY, self.now)
        else:
            split_off(self.project.pk, key, [distinct_id], NOBODY, self.now)
        for name in own:
            if (name != distinct_id) == all_others:
                self.world.split(name)

    @rule(reuse=st.booleans())
    def change_reuse(self, reuse: bool) -> None:
        self.world.reuse = reuse
        wanted = DistinctIdReuse.IMMEDIATELY if reuse else DistinctIdReuse.AFTER_RESET
        Project.objects.filter(pk=self.project.pk).update(distinct_id_reuse=wanted)

    @rule()
    def send(self) -> None:
        drain(self.store)

    @rule()
    def remove(self) -> None:
        remove_deleted(self.store, lambda: drain(self.store))

    def keys(self, distinct_id: str) -> list[int]:
        persons = Person.objects.filter(project=self.project, mappings__distinct_id=distinct_id)
        return list(persons.values_list("pk", flat=True))

    @invariant()
    def postgres_agrees(self) -> None:
        found: dict[UUID, set[str]] = {}
        for mapping in PersonDistinctId.objects.filter(project=self.project).select_related("person"):
            if mapping.person:
                found.setdefault(mapping.person.uuid, set()).add(mapping.distinct_id)
        persons = {
            frozenset(found[person.uuid]): (person.created_at, person.is_identified, person.properties)
            for person in Person.objects.filter(project=self.project)
        }
        assert persons == self.world.persons()
        self.found = found

    def history_agrees(self) -> None:
        """What is replayed gives the live person."""
        live = {person.uuid: person.properties for person in Person.objects.filter(project=self.project)}
        far_off = self.now + timedelta(days=1)
        asked = [Asked(uuid, sorted(self.found[uuid]), [far_off]) for uuid in live]
        replayed = properties_at(self.store, self.project.pk, asked, include_set_once=True)
        assert {each.person: answer for each, (answer,) in zip(asked, replayed, strict=True)} == live

    def teardown(self) -> None:
        if not hasattr(self, "found"):
            return
        self.ask_what_has_changed()
        self.remove()
        assert_stores_agree(self.store, self.project)
        statement = """
            SELECT {person_of_event} AS actor, groupArray(events.uuid) FROM {events}
            WHERE team_id = {project:Int64} AND actor IN ({persons}) GROUP BY actor
        """
        rows = self.store.rows(
            sql(
                statement,
                person_of_event=PERSON_OF_EVENT,
                events=events_with_merges(self.project.pk),
                project=self.project.pk,
                persons=live_persons(self.project.pk),
            )
        )
        events = {frozenset(self.found[person]): set(uuids) for person, uuids in rows}
        assert events == {names: uuids for names, uuids in self.world.events().items() if uuids}
        self.history_agrees()
        everything = sql("SELECT uuid FROM events WHERE team_id = {project:Int64}", project=self.project.pk)
        assert {uuid for (uuid,) in self.store.rows(everything)} == self.world.all_events()


@pytest.mark.django_db
def test_both_stores_end_up_as_the_rules_say(clickhouse: ClickHouse) -> None:
    class Here(AnyOrder):
        store = clickhouse

    run_state_machine_as_test(
        Here,
        settings=settings(max_examples=EXAMPLES, stateful_step_count=25, deadline=None),
    )
