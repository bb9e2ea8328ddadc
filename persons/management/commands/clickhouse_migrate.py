from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clickhouse.errors import ClickHouseError
from clickhouse.schema.migrate import plan
from persons.management.clickhouse import clickhouse_at_hand, up_to_date
from persons_api import embedded


class Command(BaseCommand):
    help = (
        "Bring ClickHouse to the schema of this release. Can be stopped and started again, and by several at "
        "once. Embedded ClickHouse belongs to the running server, which does this by itself."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--plan", action="store_true", help="print the statements, and run none")
        parser.add_argument("--data-dir", help="the data folder (default: PERSONS_DATA_DIR, else .data)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with clickhouse_at_hand() as store:
                if options["plan"]:
                    ahead = plan(store)
                    for migration in ahead.pending:
                        self.stdout.write(f"-- {migration.name}")
                        for statement in ahead.statements(migration):
                            self.stdout.write(f"{statement};\n\n")
                    done = ahead.pending
                else:
                    done = up_to_date(store)
                    for migration in done:
                        self.stdout.write(f"Applied {migration.name}.")
        except (embedded.DataFolderError, ClickHouseError) as error:
            raise CommandError(str(error), returncode=2) from error
        if not done:
            self.stdout.write("-- ClickHouse has the schema of this release.")
