"""Whatever several do to the same persons at the same moment, the stores end in a state of some order."""

import random
import threading
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from clickhouse.client import ClickHouse
from persons.errors import Unavailable
from persons.identity import Event
from persons.installation import new_project
from persons.models import Actor, Person, PersonDistinctId, Project
from persons.writing.change import PersonGone
from persons.writing.deletion import delete_persons
from persons.writing.reset import reset_distinct_ids
from persons.writing.split import NotOnThisPerson, split_all_but
from persons.writing.take import take
from persons.writing.update import update_person
from tests.capture.test_stores_agree import assert_stores_agree
from tests.writing.follower import Follower, everybody

IDS = "abcdef"
WORKERS, ACTS = 4, 40
NOW = datetime(2024, 3, 1, tzinfo=UTC)
NOBODY = Actor(None)


def keys(project: Project, distinct_id: str) -> list[int]:
    owners = Person.objects.filter(project=project, mappings__distinct_id=distinct_id)
    return list(owners.values_list("pk", flat=True))


def act(project: Project, rng: random.Random) -> None:
    """One of everything that can be done."""
    one, other = rng.sample(IDS, 2)
    kind = rng.choice(["set", "set", "merge", "merge", "delete", "reset", "reset", "split", "update"])
    if kind in {"set", "merge"}:
        name = "$set" if kind == "set" else "$merge_dangerously"
        properties: dict[str, Any] = {"$set": {"n": rng.random()}, "alias": other}
        take(project.pk, [Event(0, uuid4(), name, one, NOW, properties)], NOW)
    elif kind == "delete":
        delete_persons(project.pk, lambda: keys(project, one), NOBODY, NOW)
    elif kind == "reset":
        reset_distinct_ids(project.pk, [one, other], NOBODY, NOW)
    for key in keys(project, one)[: kind in {"split", "update"}]:
        if kind == "split":
            split_all_but(project.pk, key, one, NOBODY, NOW)
        else:
            update_person(project.pk, key, {"$set": {"m": rng.random()}}, NOBODY, NOW)


@pytest.mark.django_db(transaction=True)
def test_everything_at_once_ends_in_a_state_of_some_order(clickhouse: ClickHouse) -> None:
    project = new_project("at once")
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        rng = random.Random(seed)
        try:
            for _ in range(ACTS):
                try:
                    act(project, rng)
                except (Unavailable, PersonGone, NotOnThisPerson):
                    # Others were always faster, or the person has gone meanwhile.
                    continue
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    follower, done = Follower(project), threading.Event()

    def follow() -> None:
        try:
            while not done.is_set():
                follower.follow()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    following = threading.Thread(target=follow)
    following.start()
    workers = [threading.Thread(target=work, args=[seed]) for seed in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    done.set()
    following.join()
    assert failures == []
    # Also of what took effect later than what it has read already.
    follower.follow()
    assert follower.copy == everybody(project)
    assert_stores_agree(clickhouse, project)
    for mapping in PersonDistinctId.objects.filter(project=project).select_related("hidden_person"):
        assert mapping.hidden_person is None or mapping.hidden_person.is_hidden
    owners = set(PersonDistinctId.objects.filter(project=project).values_list("person", "hidden_person"))
    keys_of_all = Person.everybody.filter(project=project).values_list("pk", flat=True)
    assert {shown or hidden for shown, hidden in owners} - {None} == set(keys_of_all)
