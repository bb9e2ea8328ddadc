"""An integer that does not fit into 64 bits is a 400, wherever the description has an integer."""

import copy
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction

from persons.models import Person, Project
from persons.openapi.views import description as document
from tests.api_client import error_of
from tests.openapi import store
from tests.openapi.test_examples import requests_of, send
from tests.openapi.wire import Operation, operations

Steps = tuple[str | int, ...]
BEYOND = [2**63, 2**64, 10**30, -(2**63) - 1]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while True:
        references = [schema, *schema.get("allOf", ())]
        ref = next((each["$ref"] for each in references if "$ref" in each), None)
        if ref is None:
            return schema
        schema = document()["components"]["schemas"][ref.rpartition("/")[2]]


def integers(schema: dict[str, Any], path: Steps = ()) -> Iterator[Steps]:
    """Where integers are in JSON of a schema; in lists at the first place."""
    schema = resolved(schema)
    if len(path) > 6:
        return
    if schema.get("type") == "integer":
        yield path
    if "items" in schema:
        yield from integers(schema["items"], (*path, 0))
    for name, each in schema.get("properties", {}).items():
        yield from integers(each, (*path, name))
    for each in schema.get("oneOf", ()):
        yield from integers(each, path)


def fields_of(operation: Operation) -> dict[str, dict[str, Any]]:
    return {name: each if operation.body else each["schema"] for name, each in operation.fields.items()}


def with_value(request: dict[str, Any], path: Steps, value: int) -> dict[str, Any]:
    """The request with the value at the path. What the example already has around it stays."""
    found: Any = copy.deepcopy(request)
    place = found
    for step, following in itertools.pairwise(path):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(place, list):
            place[:] = place[:1] or [empty]
        elif not isinstance(place.get(step), type(empty)):
            place[step] = empty
        place = place[step]
    if isinstance(place, list):
        place[:] = [value]
    else:
        place[path[-1]] = value
    return dict(found)


def cases() -> Iterator[Any]:
    for operation in operations():
        if operation.is_file:
            # Files take the parameters of their counterparts.
            continue
        paths = [
            path
            for name, schema in fields_of(operation).items()
            for path in integers(schema, (name,))
            if len(path) == len(set(path)) or path.count(0) > 1
        ]
        if paths:
            yield pytest.param(operation, [*dict.fromkeys(paths)], id=operation.name)


@pytest.mark.parametrize(("operation", "paths"), [*cases()])
def test_an_integer_beyond_64_bits_is_400(
    operation: Operation, paths: list[Steps], key: str, project: Project
) -> None:
    Person.objects.create(project=project, uuid=store.SOMEBODY, created_at=datetime.now(UTC))
    smallest = next(requests_of(operation))
    wrong = []
    for path in paths:
        for value in BEYOND:
            with transaction.atomic():
                answer = send(operation, with_value(smallest, path, value), key)
                transaction.set_rollback(True)
            if answer.status_code != 400 or not str(error_of(answer)[2]).startswith(str(path[0])):
                wrong.append(
                    (path, value, answer.status_code, answer.content[:150] if not answer.streaming else b"")
                )
    assert wrong == []
