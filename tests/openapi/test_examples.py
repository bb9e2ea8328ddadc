"""The description is true: each example in it works, and what is answered is what it says."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import orjson
import pytest
from django.db import transaction
from django.test import Client

from clickhouse.observing import Statement, observers
from persons.models import Project
from persons.openapi.views import description as document
from persons_api.asgi import needs_query_slot
from tests.api.helpers import actors_of, api_with, change
from tests.api_client import Api
from tests.openapi import store
from tests.openapi.wire import Operation, examples, mistakes, operations

Request = dict[str, Any]


@pytest.fixture
def filled(project: Project, capture: Callable[..., Any]) -> Callable[..., None]:
    return partial(store.fill, project, capture)


def requests_of(operation: Operation) -> Iterator[Request]:
    """The smallest call that works, and one with each example of each parameter."""
    told = operation.body.get("example") or operation.told.get("x-example") or {}
    smallest = {name: examples(operation.fields[name])[0] for name in operation.required} | told
    yield smallest
    # The key comes in the header here. What is asked as a file takes what is asked as JSON.
    known = {"personal_api_key"} | (as_json(operation).fields.keys() if operation.is_file else set())
    for name, field in operation.fields.items():
        if name not in known:
            for example in examples(field):
                yield {**smallest, **field.get("x-example-with", {}), name: example}


def as_json(operation: Operation) -> Operation:
    """The operation that answers with JSON where this one answers with a file."""
    path = operation.path.replace(".csv/", "/").replace(".ndjson/", "/")
    return next(each for each in operations() if (each.path, each.method) == (path, operation.method))


def is_of_static_cohort(operation: Operation, request: Request) -> bool:
    return "static_cohort" in operation.path or request.get("is_static") is True


def cases() -> Iterator[Any]:
    for operation in operations():
        by_kind: dict[bool, list[Request]] = {}
        for request in requests_of(operation):
            asked = by_kind.setdefault(is_of_static_cohort(operation, request), [])
            if request not in asked:
                asked.append(request)
        for static, asked in by_kind.items():
            yield pytest.param(operation, asked, static, id=operation.name + "-static" * static)


@pytest.mark.parametrize(("operation", "requests", "static"), [*cases()])
def test_every_example_works_and_is_answered_as_described(  # noqa: PLR0917 - fixtures
    operation: Operation,
    requests: list[Request],
    static: bool,
    key: str,
    filled: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    filled(static=static)
    statements: list[Statement] = []
    monkeypatch.setattr("clickhouse.observing.observers", [*observers, statements.append])
    for request in requests:
        statements.clear()
        with transaction.atomic():
            answer = send(operation, request, key)
            assert answer.status_code in (200, 201, 202, 204), (request, answer.content)
            check(operation, answer)
            # Without a slot a request that asks ClickHouse could take the last thread. Health never waits.
            may_ask = needs_query_slot(answer.wsgi_request.META) or operation.path == "/_health/"
            assert may_ask or not statements, [each.text for each in statements]
            # The next one is to find what this one may have deleted.
            transaction.set_rollback(True)


def send(operation: Operation, request: Request, key: str) -> Any:
    path = operation.path
    for parameter in operation.parameters:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(str(parameter["example"])))
    bearer = store.TOKEN if path.startswith("/i/v1/") else key
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    for parameter in operation.parameters:
        if parameter["in"] == "header":
            # An Idempotency-Key is for one thing to be done.
            headers[parameter["name"]] = f"{parameter['example']} {operation.name}"
    if operation.body:
        body = json.dumps(request)
        return Client().generic(operation.method.upper(), path, body, "application/json", headers=headers)
    query = {
        name: each if isinstance(each, str) else json.dumps(each)
        for name, each in request.items()
        if each is not None
    }
    return Client().generic(operation.method.upper(), f"{path}?{urlencode(query)}", headers=headers)


def check(operation: Operation, answer: Any) -> None:
    """That the answer is one of those that are described."""
    told = operation.told["responses"][str(answer.status_code)]
    if "$ref" in told:
        told = document()["components"]["responses"][told["$ref"].rpartition("/")[2]]
    body = answer.getvalue() if answer.streaming else answer.content
    if "content" not in told:
        assert body == b""
        return
    (media_type,) = told["content"]
    assert answer["Content-Type"].partition(";")[0] == media_type
    if media_type == "application/json":
        assert list(mistakes(told["content"][media_type]["schema"], orjson.loads(body))) == []
    else:
        # With `fields` the uuid is all that is certain.
        begins = [b"id,uuid,name,", b"uuid,"] if media_type == "text/csv" else [b'{"id":', b'{"uuid":']
        assert body.startswith(tuple(begins))


def test_the_examples_find_people(api: Api, filled: Callable[..., None]) -> None:
    """Otherwise nothing is known of how people look in an answer."""
    filled()
    by_name = {operation.name: operation for operation in operations()}
    recorded = {"include_recordings": True}
    for name, least in (
        ("persons_funnel_create", 2),
        ("persons_funnel_correlation_create", 1),
        ("persons_trends_create", 2),
        ("persons_stickiness_create", 2),
    ):
        request = {**by_name[name].body["example"], **recorded}
        answer = send(by_name[name], request, api.key)
        people = actors_of(answer.json())
        assert len(people) >= least
        assert all(actor["matched_recordings"] for actor in people)
        check(by_name[name], answer)


def test_everything_that_a_history_knows_is_described(
    api: Api, filled: Callable[..., None], capture: Callable[..., Any]
) -> None:
    filled()
    capture(
        change("2024-03-01T00:00:00Z", "somebody", set={"plan": "free", "n": 1}, set_once={"seen": None}),
        change("2024-03-02T00:00:00Z", "somebody", set={"plan": ["pro"], "city": "Bonn"}, unset=["n"]),
        change("2024-03-02T00:00:00Z", "anon", set={"plan": {"name": "team"}}),
        change("2024-03-03T00:00:00Z", "somebody", "$identify", anon_distinct_id="anon"),
    )
    two_moments = {"distinct_id": "somebody", "from": "2024-03-01", "to": "2024-03-04"}
    asked: dict[str, Request] = {
        "history": {"to": "2024-03-04"},
        "diff": two_moments,
        "timeline": {"date_from": "2024-03-01", "breakdown": "plan", "breakdown_type": "person"},
        "at_time": {"distinct_id": "anon", "timestamp": "2024-03-04"},
    }
    answers = {}
    for operation in operations():
        name = operation.name.removeprefix("persons_properties_").removesuffix("_retrieve")
        if name in asked:
            answer = send(operation, asked[name], api.key)
            check(operation, answer)
            answers[name] = answer.json()
    changes = {change["operation"] for change in answers["history"]["results"]}
    assert changes == {"set", "set_once", "unset", "merge"}
    assert all(answers["diff"][kind] for kind in ("added", "changed", "removed"))
    assert len(answers["timeline"]["points"]) > 1
    assert answers["at_time"]["properties"]


def test_what_was_done_is_described(api: Api, filled: Callable[..., None]) -> None:
    filled()
    by_name = {operation.name: operation for operation in operations()}
    changes: dict[str, Request] = {
        "persons_update_property_create": {"key": "plan", "value": "pro"},
        "persons_split_create": {"main_distinct_id": "somebody"},
        "persons_bulk_delete_create": {"distinct_ids": ["somebody", "nobody"], "delete_events": True},
        "persons_reset_person_distinct_id_create": {"distinct_id": "somebody"},
    }
    for name, request in changes.items():
        answer = send(by_name[name], request, api.key)
        assert answer.status_code in (201, 202), answer.content
        check(by_name[name], answer)
    for name, least in (("persons_all_activity_retrieve", 4), ("persons_deletion_status_list", 1)):
        answer = send(by_name[name], {}, api.key)
        check(by_name[name], answer)
        assert len(answer.json()["results"]) >= least


@pytest.mark.parametrize(
    ("name", "status", "asked", "scopes"),
    [
        ("persons_funnel_create", 400, {"events": [{"id": "a"}]}, ["person:read"]),
        ("persons_list", 400, {"limit": 0}, ["person:read"]),
        ("persons_lifecycle_create", 400, {}, ["person:read"]),
        ("persons_properties_at_time_create", 400, {}, ["person:read"]),
        ("persons_list", 401, {}, None),
        ("persons_funnel_create", 403, {}, ["cohort:read"]),
        ("persons_retrieve", 404, {}, ["person:read"]),
    ],
)
@pytest.mark.usefixtures("project")
def test_every_error_has_the_one_shape(
    api: Api, name: str, status: int, asked: Request, scopes: list[str] | None
) -> None:
    (operation,) = (each for each in operations() if each.name == name)
    key = "" if scopes is None else api_with(api, scopes).key
    answer = send(operation, asked, key)
    assert answer.status_code == status
    check(operation, answer)
