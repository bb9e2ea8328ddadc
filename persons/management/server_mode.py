"""What `web` and `worker` need: stores that several processes can share."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from django.conf import settings
from django.core.management.base import CommandError


def refuse_embedded() -> None:
    """Raises CommandError with one line for the terminal, unless both stores are servers."""
    missing = [
        name
        for name, is_missing in (
            ("DATABASE_URL", settings.EMBEDDED_POSTGRES),
            ("CLICKHOUSE_URL", settings.CLICKHOUSE_URL.startswith("chdb://")),
            ("SECRET_KEY", not os.environ.get("SECRET_KEY")),
        )
        if is_missing
    ]
    if missing:
        raise CommandError(
            f"Server mode needs {', '.join(missing)}. Without servers of your own, use `serve`.", returncode=2
        )


@contextmanager
def metrics_of_all_processes() -> Iterator[None]:
    """Processes that are started meanwhile count together: whichever Prometheus reaches answers for all."""
    if settings.METRICS_OF_ALL_PROCESSES:
        yield
        return
    with TemporaryDirectory(prefix="persons-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        yield
