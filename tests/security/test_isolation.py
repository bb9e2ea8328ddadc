"""No key of one project sees, counts, times or changes anything of another: on every endpoint of the OpenAPI
description, so a new one is covered by being described."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

from clickhouse.observing import Statement, observers
from persons.models import (
    Action,
    ActivityLog,
    Cohort,
    CohortMember,
    Deletion,
    Outbox,
    Person,
    PersonalAPIKey,
    PersonDistinctId,
    PersonTombstone,
    Project,
    User,
)
from tests.openapi import store
from tests.openapi.test_examples import requests_of, send
from tests.openapi.wire import Operation, operations

_PROJECT = "/api/projects/{project_id}/"
# What is different each time: moments, and the ids of what is made.
_VOLATILE = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|phx_\w+"
    r'|phc_\w+|(?<="id":)\d+|(?<="mask_value":)"[^"]+"'
)
_OWN: dict[type[models.Model], str] = {
    Person: "project",
    PersonDistinctId: "project",
    PersonTombstone: "project",
    Cohort: "project",
    CohortMember: "project",
    Action: "project",
    Deletion: "project",
    ActivityLog: "project",
    Outbox: "project",
    Project: "pk",
}


class Stranger(NamedTuple):
    """Somebody with a project of their own, and a key that may do everything there."""

    project: Project
    key: str


@pytest.fixture
def stranger(db: None) -> Stranger:
    user = User.objects.create_user("stranger@example.com", "a password")
    project = Project.objects.create(name="Own")
    project.memberships.create(user=user, level="admin")
    return Stranger(project, PersonalAPIKey.issue(user, "own", ["*"])[1])


@pytest.fixture
def limited(project: Project, stranger: Stranger) -> Stranger:
    """Somebody who is in both projects, with a key for one."""
    user = User.objects.get(email="stranger@example.com")
    project.memberships.create(user=user, level="admin")
    return Stranger(stranger.project, PersonalAPIKey.issue(user, "one", ["*"], [stranger.project.pk])[1])


@pytest.fixture
def statements() -> Iterator[list[Statement]]:
    """What ClickHouse is asked meanwhile."""
    asked: list[Statement] = []
    observers.append(asked.append)
    yield asked
    observers.remove(asked.append)


def in_project(operation: Operation, project: Project) -> Operation:
    """The operation in that project, whatever its example says."""
    return operation._replace(path=operation.path.replace("{project_id}", str(project.pk)))


def of_keys() -> list[Operation]:
    """Operations that go by a personal API key. What SDKs send goes by a project's token."""
    by_key = (each for each in operations() if each.told.get("security") != [])
    return [each for each in by_key if each.path.startswith("/api/")]


def everything_of(project: Project) -> list[list[tuple[Any, ...]]]:
    """What PostgreSQL has of a project. What ClickHouse gets is in the outbox first."""
    return [
        list(model._default_manager.filter(**{field: project.pk}).order_by("pk").values_list())
        for model, field in _OWN.items()
    ]


@pytest.fixture
def powerless(project: Project, stranger: Stranger) -> Stranger:
    """Somebody who is in both projects, with a key that may do nothing."""
    user = User.objects.get(email="stranger@example.com")
    project.memberships.create(user=user, level="admin")
    return Stranger(stranger.project, PersonalAPIKey.issue(user, "none", [])[1])


@pytest.mark.parametrize("who", ["stranger", "limited", "powerless"])
def test_a_project_is_closed_to_every_key_that_was_not_given_it(
    request: pytest.FixtureRequest,
    project: Project,
    capture: Callable[..., Any],
    statements: list[Statement],
    who: str,
) -> None:
    key = request.getfixturevalue(who).key
    store.fill(project, capture)
    before = everything_of(project)
    statements.clear()
    tried = [each for each in of_keys() if each.path.startswith(_PROJECT)]
    for operation in tried:
        answer = send(in_project(operation, project), next(requests_of(operation)), key)
        assert answer.status_code == 403, (operation.name, answer.content)
        assert answer.json()["code"] == "permission_denied"
    assert len(tried) > 40
    assert statements == []
    assert everything_of(project) == before


def telling(operation: Operation) -> Iterator[Any]:
    """The smallest request, and those that name what the other project has."""
    smallest, *more = requests_of(operation)
    yield smallest
    for each in more:
        text = str(each)
        if any(name in text for name in (store.SOMEBODY, "somebody", "user-1", str(store.COHORT))):
            yield each


class Seen(NamedTuple):
    """What somebody learns from a request: the answer, and how long it took, which is how much was done."""

    status: int
    body: str
    statements: int
    queries: int


def look(operation: Operation, asked: Any, stranger: Stranger, statements: list[Statement]) -> Seen:
    """Ask, and leave no trace of it."""
    statements.clear()
    with transaction.atomic():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = send(in_project(operation, stranger.project), asked, stranger.key)
            body = answer.getvalue() if answer.streaming else answer.content
        transaction.set_rollback(True)
    return Seen(answer.status_code, _VOLATILE.sub("…", body.decode()), len(statements), len(queries))


def test_what_another_project_has_is_as_if_it_were_nowhere(
    stranger: Stranger, project: Project, capture: Callable[..., Any], statements: list[Statement]
) -> None:
    """The same requests, which name persons, cohorts, actions and keys by the ids they have in another
    project: before they exist, and while they do."""
    asked = [(operation, request) for operation in of_keys() for request in telling(operation)]
    # What is done once, such as noting when the key was last used.
    look(*asked[0], stranger, statements)
    before = [look(*each, stranger, statements) for each in asked]
    store.fill(project, capture)
    theirs = everything_of(project)
    for (operation, request), seen in zip(asked, before, strict=True):
        assert look(operation, request, stranger, statements) == seen, (operation.name, request)
        assert everything_of(project) == theirs, (operation.name, request)
    assert len(asked) > 80
