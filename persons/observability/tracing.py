"""OpenTelemetry traces, when the environment says where they go (OTEL_EXPORTER_OTLP_ENDPOINT).

A request is a span, by Django's instrumentation; in it each statement of PostgreSQL, by psycopg's, and each
one of ClickHouse, by ours. No span has a value: neither query strings nor parameters.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from clickhouse.observing import Statement
from persons.observability.paths import shown_path

_BILLION = 1_000_000_000
_tracer: Any = None


def start_tracing() -> None:
    """Send traces from now on, if that is configured. Raises ImproperlyConfigured without the packages."""
    global _tracer  # noqa: PLW0603 - one per process, as OpenTelemetry's own
    if not settings.TRACING or _tracer:
        return
    try:
        from opentelemetry import trace  # noqa: PLC0415 - an extra of ours
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.instrumentation.django import DjangoInstrumentor  # noqa: PLC0415
        from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor  # noqa: PLC0415
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set. To send traces: pip install 'persons-api[tracing]'."
        ) from error
    provider = TracerProvider(
        resource=Resource({"service.name": "persons-api"}).merge(OTELResourceDetector().detect())
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(response_hook=_without_query)
    PsycopgInstrumentor().instrument()
    _tracer = trace.get_tracer("persons.clickhouse")


def trace_statement(statement: Statement) -> None:
    """Make a span of a statement of ClickHouse that has been run."""
    if _tracer is None:
        return
    started = int(statement.started * _BILLION)
    span = _tracer.start_span("clickhouse", start_time=started)
    span.set_attribute("db.system.name", "clickhouse")
    span.set_attribute("db.query.text", statement.text)
    span.set_attribute("clickhouse.read_rows", statement.read_rows)
    span.set_attribute("clickhouse.read_bytes", statement.read_bytes)
    if statement.error:
        span.set_attribute("error.type", statement.error)
    span.end(started + int(statement.seconds * _BILLION))


def _without_query(span: Any, request: Any, response: Any) -> None:
    """A query string may hold a key, and says who a person is; so may a path."""
    for name in ("http.url", "url.full", "http.target", "url.path", "url.query"):
        if span.is_recording() and name in (span.attributes or {}):
            span.set_attribute(name, shown_path(request.path) if name != "url.query" else "")
