"""Each request: counted, timed, and known to ClickHouse as the one who asks."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import Context, copy_context
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse

from clickhouse.observing import Asker, asker
from persons.observability import metrics

_CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Observed:
    """Middleware. Needs the request id that `request_log` has bound."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        token = asker.set(None)
        try:
            response = self._get_response(request)
            if isinstance(response, StreamingHttpResponse):
                response.streaming_content = _streamed(
                    iter(response), copy_context(), lambda: _count(request, response, started)
                )
            else:
                _count(request, response, started)
            return response
        finally:
            asker.reset(token)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]
    ) -> None:
        """Django calls this once it knows which view answers."""
        request_id = structlog.contextvars.get_contextvars().get("request_id", "")
        asker.set(Asker(endpoint_of(request), request_id, str(kwargs.get("project_id", ""))[:20]))


def endpoint_of(request: HttpRequest) -> str:
    """The path with names for what varies: `/api/projects/{project_id}/persons/funnel/`."""
    match = request.resolver_match
    if match is None:
        return "unknown"
    return "/" + _CONVERTER.sub(r"{\1}", match.route).replace("api/environments/", "api/projects/")


def _streamed(parts: Iterator[bytes], context: Context, ended: Callable[[], None]) -> Iterator[bytes]:
    """What is asked while the answer is on its way is asked for the request, too."""
    try:
        while (part := context.run(next, parts, None)) is not None:
            yield part
    finally:
        ended()


def _count(request: HttpRequest, response: HttpResponseBase, started: float) -> None:
    endpoint = endpoint_of(request)
    method = request.method if request.method in _METHODS else "other"
    metrics.requests.labels(endpoint, method, response.status_code).inc()
    metrics.request_seconds.labels(endpoint).observe(time.perf_counter() - started)
