"""Whatever is captured, in whatever order and by whomever at once, both stores end up saying the same."""

import os
import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from persons.identity.values import Event
from persons.installation import new_project
from persons.models import Outbox, Person, PersonDistinctId, Project
from persons.outbox.flush import drain
from persons.writing.take import take
from tests.capture.reference_identity import Reference

START = datetime(2024, 3, 1, tzinfo=UTC)
IDS = ("a", "b", "c", "d", "anonymous")
EXAMPLES = int(os.environ.get("HISTORY_EXAMPLES", "60"))
KEYS = ("x", "y")

ids = st.sampled_from(IDS)
keys = st.sampled_from(KEYS)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    # Beyond 2**53 PostgreSQL writes a float as the whole number of its shortest decimal form.
    | st.floats(-1e15, 1e15)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("pq"), inner, max_size=2),
    max_leaves=3,
)
updates = st.fixed_dictionaries(
    {},
    optional={
        "$set": st.dictionaries(keys, st.integers(0, 3) | values, max_size=2),
        "$set_once": st.dictionaries(keys, st.integers(0, 3) | values, max_size=2),
        "$unset": st.lists(keys, max_size=2),
        "$process_person_profile": st.booleans(),
    },
)
kinds: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.tuples(st.sampled_from(["e", "e", "$set", "$exception"]), st.just({})),
    st.tuples(st.just("$identify"), ids.map(lambda other: {"$anon_distinct_id": other})),
    st.tuples(st.just("$create_alias"), ids.map(lambda other: {"alias": other})),
    st.tuples(st.just("$merge_dangerously"), ids.map(lambda other: {"alias": other})),
)


@st.composite
def batches(draw: st.DrawFn) -> list[list[Event]]:
    """A few batches of events about a few ids."""
    drawn = draw(
        st.lists(st.lists(st.tuples(kinds, ids, updates), min_size=1, max_size=5), min_size=1, max_size=4)
    )
    return [
        [
            Event(
                index=index,
                uuid=uuid.uuid4(),
                event=name,
                distinct_id=distinct_id,
                timestamp=START + timedelta(minutes=10 * number + index),
                properties={**update, **merge},
            )
            for index, ((name, merge), distinct_id, update) in enumerate(batch)
        ]
        for number, batch in enumerate(drawn)
    ]


def postgres_says(project: Project) -> tuple[dict[UUID, Any], dict[str, Any]]:
    persons = {
        person.uuid: (person.created_at, person.properties, person.is_identified, person.version)
        for person in Person.objects.filter(project=project)
    }
    mappings = PersonDistinctId.objects.filter(project=project, person__isnull=False)
    return persons, {
        mapping.distinct_id: (mapping.person.uuid, mapping.version)
        for mapping in mappings.select_related("person")
        if mapping.person
    }


def reference_says(reference: Reference) -> tuple[dict[UUID, Any], dict[str, Any]]:
    persons = {
        uuid: (person.created_at, person.properties, person.is_identified, person.version)
        for uuid, person in reference.persons.items()
    }
    return persons, {name: mapping for name, mapping in reference.ids.items() if mapping[0]}


def clickhouse_says(store: ClickHouse, project: Project) -> tuple[dict[UUID, Any], dict[str, Any]]:
    persons = store.rows(
        sql(
            "SELECT id, created_at, properties, is_identified, version FROM person FINAL "
            "WHERE team_id = {project:Int64} AND is_deleted = 0",
            project=project.pk,
        )
    )
    mappings = store.rows(
        sql(
            "SELECT distinct_id, person_id, version FROM person_distinct_id2 FINAL "
            "WHERE team_id = {project:Int64} AND is_deleted = 0",
            project=project.pk,
        )
    )
    return (
        {row[0]: (row[1].replace(tzinfo=UTC), orjson.loads(row[2]), bool(row[3]), row[4]) for row in persons},
        {row[0]: (row[1], row[2]) for row in mappings},
    )


def person_of_each_event(store: ClickHouse, project: Project) -> list[tuple[str, int, UUID]]:
    """Distinct id, generation and person."""
    return [
        (distinct_id, generation, person)
        for distinct_id, generation, person in store.rows(
            sql(
                """
                SELECT events.distinct_id, generation, ifNull(merged.person_id, events.person_id)
                FROM events
                LEFT ANY JOIN
                (
                    SELECT distinct_id AS id_and_generation, toNullable(person_id) AS person_id
                    FROM person_distinct_id_overrides FINAL
                    WHERE team_id = {project:Int64} AND is_deleted = 0
                ) AS merged
                ON merged.id_and_generation
                    = concat(events.distinct_id, if(generation = 0, '', char(0) || toString(generation)))
                WHERE team_id = {project:Int64}
                """,
                project=project.pk,
            )
        )
    ]


def assert_stores_agree(store: ClickHouse, project: Project) -> None:
    """Also on whose each event is: its distinct id's, unless that has been deleted since, or is on hold."""
    drain(store)
    persons, mappings = postgres_says(project)
    assert clickhouse_says(store, project) == (persons, mappings)
    generations = dict(
        PersonDistinctId.objects.filter(project=project).values_list("distinct_id", "generation")
    )
    for distinct_id, generation, person in person_of_each_event(store, project):
        if distinct_id in mappings and generation == generations[distinct_id]:
            assert person == mappings[distinct_id][0]
        else:
            assert person not in persons


@pytest.mark.django_db
@settings(max_examples=EXAMPLES, deadline=None)
@given(batches())
def test_any_history_leaves_both_stores_with_the_persons_of_the_rules(
    clickhouse: ClickHouse, batches: list[list[Event]]
) -> None:
    with transaction.atomic():
        project = new_project("history")
        reference = Reference(project.pk)
        for batch in batches:
            take(project.pk, batch, START)
            for event in batch:
                reference.take(event)
        before = postgres_says(project)
        assert before == reference_says(reference)
        assert_stores_agree(clickhouse, project)
        for batch in batches:
            take(project.pk, batch, START)
        assert not Outbox.objects.filter(project=project).exists()
        assert postgres_says(project) == before
        transaction.set_rollback(True)


WORKERS, ROUNDS = 4, 25


def at_once(worker: int, number: int) -> Event:
    """In each round, at the same moment: two merge the round's persons a and b, one into the other each, one
    gives a a new id, and one sets a property of a."""
    a, b, mark = f"a{number}", f"b{number}", f"{worker}-{number}"
    return [
        Event(0, uuid.uuid4(), "$merge_dangerously", b, START, {"alias": a}),
        Event(0, uuid.uuid4(), "$merge_dangerously", a, START, {"alias": b}),
        Event(0, uuid.uuid4(), "$create_alias", a, START, {"alias": mark}),
        Event(0, uuid.uuid4(), "e", a, START, {"$set": {mark: True}}),
    ][worker]


@pytest.mark.django_db(transaction=True)
def test_requests_about_the_same_persons_at_once_end_in_a_state_of_some_order(clickhouse: ClickHouse) -> None:
    project = new_project("at once")
    for name in ("a", "b"):
        identified = [
            Event(
                0, uuid.uuid4(), "$create_alias", f"{name}{number}", START, {"alias": f"{name}{name}{number}"}
            )
            for number in range(ROUNDS)
        ]
        take(project.pk, identified, START)
    failures: list[BaseException] = []
    together = threading.Barrier(WORKERS)

    def send(worker: int) -> None:
        try:
            for number in range(ROUNDS):
                together.wait()
                take(project.pk, [at_once(worker, number)], START)
        except BaseException as error:
            failures.append(error)
            together.abort()
        finally:
            connection.close()

    workers = [threading.Thread(target=send, args=[worker]) for worker in range(WORKERS)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert failures == []
    assert_stores_agree(clickhouse, project)
    for number in range(ROUNDS):
        ids = [f"a{number}", f"aa{number}", f"b{number}", f"bb{number}", f"2-{number}"]
        mappings = PersonDistinctId.objects.filter(project=project, distinct_id__in=ids)
        assert len(mappings) == len(ids)
        person = Person.objects.get(mappings__in=mappings.filter(distinct_id=f"a{number}"))
        assert {mapping.person_id for mapping in mappings} == {person.pk}
        assert person.properties == {f"3-{number}": True}
