import signal
import threading
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from prometheus_client import make_wsgi_app, start_http_server

from persons.management.server_mode import refuse_embedded
from persons.observability.view import guarded
from persons.outbox.flusher import Flusher, Remover
from persons.outbox.worker import stop as stop_workers
from persons.stores import writable_clickhouse

_LOOK_SECONDS = 1.0


class Command(BaseCommand):
    help = (
        "Server mode: keep ClickHouse up to date, beside any number of `web`. Of several workers one works, "
        "and another takes over within seconds when it dies."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--alive-file", type=Path, help="a file that is touched every second while all is well"
        )

        parser.add_argument(
            "--metrics-port", type=int, help="where Prometheus finds what this process has done: /metrics"
        )
        parser.add_argument("--metrics-host", default="127.0.0.1")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_embedded()
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        if options["metrics_port"]:
            _serve_metrics(options["metrics_host"], options["metrics_port"])
        store = writable_clickhouse()
        threads = [Flusher(store), Remover(store)]
        for thread in threads:
            thread.start()
        self.stdout.write("Working. Stop with Ctrl-C.")
        self.stdout.flush()
        while not stop.wait(_LOOK_SECONDS):
            if dead := [thread.name for thread in threads if not thread.is_alive()]:
                raise CommandError(f"{dead[0]} has ended by itself.", returncode=1)
            if options["alive_file"]:
                options["alive_file"].touch()
        stop_workers(*threads, seconds=10)


def _serve_metrics(host: str, port: int) -> None:
    try:
        server, _ = start_http_server(port, host)
        server.set_app(guarded(make_wsgi_app()))
    except (OSError, OverflowError) as error:
        raise CommandError(f"Cannot listen on {host}:{port}: {error}", returncode=2) from error
