"""What the tests of parameters share: from what is sent to the typed query, without asking any store."""

from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from clickhouse.query.correlation import CorrelationQuery
from clickhouse.query.funnel import FunnelQuery
from persons.api.parameters.correlation import CorrelationParameters, correlation_query
from persons.api.parameters.door import Parameters, read
from persons.api.parameters.funnel import FunnelParameters, funnel_query
from persons.api.parameters.leaves import Context
from persons.api.parsers import JSONParser
from persons.models import Project

NOW = datetime(2024, 3, 15, 18, 20, tzinfo=UTC)
Model = TypeVar("Model", bound=Parameters)


def in_body(sent: dict[str, Any]) -> Request:
    body = orjson.dumps(sent)
    return Request(APIRequestFactory().post("/", body, content_type="application/json"), [JSONParser()])


def in_query(sent: dict[str, Any]) -> Request:
    """The same as JSON text."""
    flat = {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in sent.items()
    }
    return Request(APIRequestFactory().get("/", flat))


def parsed(model: type[Model], sent: dict[str, Any]) -> Model:
    """What is sent, after making sure that body and query string are understood alike, and nothing of them is
    ignored."""
    values, ignored = read(model, in_body(sent))
    assert read(model, in_query(sent)) == (values, ignored)
    assert ignored == []
    return values


def funnel_of(project: Project, sent: dict[str, Any]) -> FunnelQuery:
    return funnel_query(parsed(FunnelParameters, sent), Context(project, NOW), lambda: None)


def correlation_of(project: Project, sent: dict[str, Any]) -> CorrelationQuery:
    return correlation_query(parsed(CorrelationParameters, sent), Context(project, NOW), lambda: None)
