from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from persons.management.granian import address_of, serve
from persons.management.server_mode import metrics_of_all_processes, refuse_embedded


class Command(BaseCommand):
    help = (
        "Server mode: answer requests, in several processes. Run `setup` before, and `worker` beside it: "
        "without one, events are taken and no question sees them."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_embedded()
        if options["workers"] < 1:
            raise CommandError("--workers must be at least 1.", returncode=2)
        try:
            address, port = address_of(options["host"], options["port"])
        except OSError as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(f"Serving on {options['host']}:{port}. Stop with Ctrl-C.")
        self.stdout.flush()
        with metrics_of_all_processes():
            serve("persons.serving:web", address, port, workers=options["workers"])
