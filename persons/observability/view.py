"""`/_metrics`, for Prometheus."""

import hmac
import ipaddress
from collections.abc import Iterator

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


@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """How the service does, in Prometheus' text format.

    With METRICS_TOKEN set, to whoever sends it as a bearer token; else only to this machine.
    """
    if not _may_read(request):
        raise PermissionDenied
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(_everything()), content_type=content_type)


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            sent.strip().encode(), settings.METRICS_TOKEN.encode()
        )
    # What a proxy hands on comes from this machine as well.
    if request.headers.get("X-Forwarded-For") or request.headers.get("Forwarded"):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
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
