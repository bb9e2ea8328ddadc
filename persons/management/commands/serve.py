import ipaddress
import os
import signal
from argparse import ArgumentTypeError, BooleanOptionalAction
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from persons.management import first_start
from persons.management.banner import print_when_ready
from persons.management.granian import address_of, serve
from persons.management.postgres import close_pool, running_postgres
from persons_api import embedded


class Command(BaseCommand):
    help = "Serve the API: starts and stops the embedded stores, migrates, and makes a first project."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--data-dir", help="the data folder (default: PERSONS_DATA_DIR, else .data)")
        parser.add_argument(
            "--demo", action=BooleanOptionalAction, default=True, help="fill the first project with demo data"
        )
        parser.add_argument(
            "--demo-until",
            type=_moment,
            metavar="DATE",
            help="when the demo data of a new folder end, ISO 8601, in UTC without an offset (default: now)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        interrupted = False

        def interrupt(*_: object) -> None:
            nonlocal interrupted
            interrupted = True
            raise KeyboardInterrupt

        # Until granian takes over: SIGTERM, too, is to leave by way of stopping PostgreSQL.
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, interrupt)
        try:
            _run(options["host"], options["port"], demo=options["demo"], demo_until=options["demo_until"])
        except (Exception, KeyboardInterrupt):
            # Also what a query or a transaction made of being interrupted.
            if not interrupted:
                raise
            self.stderr.write("Stopped before it was ready.")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no date. ISO 8601: 2025-11-03, for example") from error
    if not 1971 <= moment.year <= 2199:
        raise ArgumentTypeError("it must be from 1971 to 2199")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _run(host: str, port: int, *, demo: bool, demo_until: datetime | None) -> None:
    with ExitStack() as stack:
        try:
            address, port = address_of(host, port)
            embedded.prepare(settings.DATA_DIR)
            stack.enter_context(embedded.owned(settings.DATA_DIR))
            # The worker reads it again, from the folder.
            settings.SECRET_KEY = embedded.secret_key(settings.DATA_DIR)
            if settings.EMBEDDED_POSTGRES:
                stack.enter_context(running_postgres())
        except (OSError, embedded.DataFolderError) as error:
            raise CommandError(str(error), returncode=2) from error
        call_command("migrate", verbosity=0)
        welcome = first_start.prepare(demo=demo, demo_until=demo_until)
        close_pool()
        if not ipaddress.ip_address(address).is_loopback:
            _limit_rates()
        print_when_ready(host, port, welcome, settings.DATA_DIR / "first-start.txt")
        # The embedded engine belongs to one process.
        serve("persons.serving:application", address, port, workers=1)


def _limit_rates() -> None:
    """Turn rate limits on unless the environment says otherwise."""
    if settings.RATE_LIMIT_ENABLED or os.environ.get("RATE_LIMIT_ENABLED"):
        return
    # The process that answers reads it from the environment.
    os.environ["RATE_LIMIT_ENABLED"] = "true"
    note = "Other machines can reach it, so rate limits are on. RATE_LIMIT_ENABLED=false turns them off."
    print(note, flush=True)
