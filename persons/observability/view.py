"""`/_metrics`, for Prometheus."""

import hmac
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from psycopg_pool import PoolTimeout

from persons.models import Outbox

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_OF_PROXIES = ("HTTP_X_FORWARDED", "HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_CLIENT_IP")


@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """How the service does, in Prometheus' text format.

    With METRICS_TOKEN set, to requests that bring it as a bearer token; else only to this machine, and to
    nothing behind a proxy.
    """
    if not _may_read(request.META):
        raise PermissionDenied
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(_everything()), content_type=content_type)


def guarded(application: "WSGIApplication") -> "WSGIApplication":
    """The same rule for the metrics of a process that has no Django application."""

    def guard(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if _may_read(environ):
            return application(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"Send METRICS_TOKEN as a bearer token. Without one, only this machine may read metrics.\n"]

    return guard


def _may_read(environ: Mapping[str, Any]) -> bool:
    """Whether a request, given by its WSGI variables, may read the metrics."""
    if settings.METRICS_TOKEN:
        scheme, _, sent = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            sent.strip().encode(), settings.METRICS_TOKEN.encode()
        )
    # A proxy on this machine hands on requests of others from an address of this machine.
    if settings.TRUST_PROXY or any(name.startswith(_OF_PROXIES) for name in environ):
        return False
    try:
        return ipaddress.ip_address(environ.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _everything() -> CollectorRegistry:
    registry = CollectorRegistry()
    if settings.METRICS_OF_ALL_PROCESSES:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    registry.register(_Backlog())
    return registry


class _Backlog:
    """How far ClickHouse is behind; nothing while PostgreSQL is away."""

    def collect(self) -> Iterator[Metric]:
        try:
            pending, seconds = Outbox.backlog()
        except (DatabaseError, PoolTimeout):
            return
        yield GaugeMetricFamily("persons_outbox_rows", "Rows that ClickHouse does not have yet.", pending)
        yield GaugeMetricFamily("persons_outbox_lag_seconds", "How old the oldest of them is.", seconds)
