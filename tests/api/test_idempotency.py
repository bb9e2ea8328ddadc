"""A request whose answer got lost can be sent again: it is done once, and answered the same."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from persons.models import ActivityLog, IdempotentAnswer
from tests.api.helpers import api_with, person, project_of
from tests.api.world import World
from tests.api_client import error_of

KEY = {"Idempotency-Key": "attempt 1"}


def bulk_delete(world: World) -> tuple[str, Any]:
    person(world.project, "a")
    return "bulk_delete/", {"distinct_ids": ["a", "nobody"]}


def split(world: World) -> tuple[str, Any]:
    stored = person(world.project, "a", "b")
    return f"{stored.pk}/split/", {"main_distinct_id": "a"}


def reset(world: World) -> tuple[str, Any]:
    person(world.project, "a")
    world.delete("a")
    return "reset_person_distinct_id/", {"distinct_id": "a"}


def update(world: World) -> tuple[str, Any]:
    stored = person(world.project, "a")
    return f"{stored.pk}/update_property/", {"key": "n", "value": 1}


def recordings(world: World) -> tuple[str, Any]:
    return f"{person(world.project, 'a').pk}/delete_recordings/", {}


@pytest.mark.parametrize("prepare", [bulk_delete, split, reset, update, recordings])
def test_what_was_done_is_not_done_again(world: World, prepare: Callable[[World], tuple[str, Any]]) -> None:
    path, body = prepare(world)
    first = world.api.post(world.persons + path, body, **KEY)
    assert first.status_code in {201, 202}
    assert "Idempotent-Replayed" not in first
    done = ActivityLog.objects.count()
    again = world.api.post(world.persons + path, body, **KEY)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again["Idempotent-Replayed"] == "true"
    # Another key of the same user may send it just as well.
    other = api_with(world.api, ["person:write"]).post(world.persons + path, body, **KEY)
    assert other.content == first.content
    assert ActivityLog.objects.count() == done


def test_the_same_key_is_for_the_same_request(world: World) -> None:
    path, body = bulk_delete(world)
    world.api.post(world.persons + path, body, **KEY)
    other = world.api.post(world.persons + path, {**body, "delete_events": True}, **KEY)
    assert error_of(other) == (400, "idempotency_key_reused", "Idempotency-Key")
    elsewhere = World(world.api, project_of(world.project.members.get()), world.store)
    assert world.api.post(elsewhere.persons + path, body, **KEY).json()["persons_found"] == 0


@pytest.mark.parametrize(("first", "second"), [("", "/"), ("/", "")])
def test_a_request_is_the_same_with_and_without_its_trailing_slash(
    world: World, first: str, second: str
) -> None:
    path, body = bulk_delete(world)
    path = world.persons + path.removesuffix("/")
    answers = [world.api.post(path + slash, body, **KEY) for slash in (first, second)]
    assert [answer.json()["persons_deleted"] for answer in answers] == [1, 1]
    assert answers[1]["Idempotent-Replayed"] == "true"


def test_what_was_refused_may_be_tried_again(world: World) -> None:
    asked = {"distinct_id": "a"}
    path = f"{world.persons}reset_person_distinct_id/"
    assert world.api.post(path, asked, **KEY).status_code == 404
    reset(world)
    assert world.api.post(path, asked, **KEY).status_code == 202


def test_answers_are_kept_for_a_week(world: World) -> None:
    path, body = bulk_delete(world)
    world.api.post(world.persons + path, body, **KEY)
    IdempotentAnswer.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert world.api.post(world.persons + path, body, **KEY).json()["persons_found"] == 0


@pytest.mark.parametrize("sent", ["", "x" * 256, "a\tb"])
def test_a_key_is_a_short_text(world: World, sent: str) -> None:
    answer = world.api.post(f"{world.persons}bulk_delete/", {"ids": [1]}, **{"Idempotency-Key": sent})
    assert error_of(answer)[::2] == (400, "Idempotency-Key")


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_is_done(world: World) -> None:
    path, body = bulk_delete(world)
    answers: list[Any] = []
    together = threading.Barrier(4)

    def send() -> None:
        together.wait()
        answers.append(world.api.post(world.persons + path, body, **KEY).json())
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer["persons_deleted"] for answer in answers] == [1] * 4
    assert ActivityLog.objects.count() == 1
