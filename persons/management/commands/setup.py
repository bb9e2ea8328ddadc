from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from persons.installation import owner
from persons.management.postgres import connected

_SETUP_LOCK = 7_315_000_004


class Command(BaseCommand):
    help = (
        "Server mode: bring PostgreSQL and ClickHouse to the schema of this release. To be run before `web` "
        "and `worker`, after every update; several at once wait for each other."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.EMBEDDED_POSTGRES:
            raise CommandError("DATABASE_URL is not set. Embedded, `serve` does all this.", returncode=2)
        with connected() as holder:
            holder.execute("SELECT pg_advisory_lock(%s)", [_SETUP_LOCK])
            call_command("migrate", verbosity=0)
            owner()
        call_command("clickhouse_migrate", stdout=self.stdout)
        self.stdout.write("Both stores are ready.")
