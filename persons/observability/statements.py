"""What is told of each statement that ClickHouse runs: metrics, a span, a line in the log if slow."""

import structlog
from django.conf import settings

from clickhouse.observing import Statement, observers
from persons.observability import metrics, tracing

_log = structlog.get_logger("persons.clickhouse")


def observe_statements() -> None:
    """From now on. Again does nothing."""
    if _observe not in observers:
        observers.append(_observe)


def _observe(statement: Statement) -> None:
    kind = statement.asker.endpoint if statement.asker else "other"
    metrics.statement_seconds.labels(kind).observe(statement.seconds)
    metrics.read_rows.labels(kind).inc(statement.read_rows)
    metrics.read_bytes.labels(kind).inc(statement.read_bytes)
    if statement.error:
        metrics.statement_errors.labels(kind, statement.error).inc()
    tracing.trace_statement(statement)
    if statement.seconds >= settings.SLOW_QUERY_SECONDS:
        _log.warning(
            "clickhouse.slow",
            seconds=round(statement.seconds, 3),
            endpoint=kind,
            project=statement.asker.project if statement.asker else "",
            read_rows=statement.read_rows,
            read_bytes=statement.read_bytes,
            error=statement.error,
            statement=statement.text,
        )
