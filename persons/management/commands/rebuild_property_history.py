from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from clickhouse.client import ClickHouse
from clickhouse.errors import ClickHouseError
from clickhouse.history_rebuild import days, rebuild
from persons.management.clickhouse import clickhouse_at_hand, up_to_date
from persons_api import embedded


class Command(BaseCommand):
    help = (
        "Make the history of properties anew from the events. Can be stopped and started again: it goes on "
        "where it was. Embedded ClickHouse belongs to the running server, so stop that first."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data-dir", help="the data folder (default: PERSONS_DATA_DIR, else .data)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with clickhouse_at_hand() as store:
                _rebuild(store)
        except (embedded.DataFolderError, ClickHouseError) as error:
            raise CommandError(str(error), returncode=2) from error
        except KeyboardInterrupt as interrupt:
            raise CommandError("Stopped. Start it again to go on.", returncode=130) from interrupt
        self.stdout.write("The history of properties is complete.")


def _rebuild(store: ClickHouse) -> None:
    up_to_date(store)
    ahead = days(store)
    total = sum(day.events for day in ahead)
    with tqdm(total=total, desc="History", unit=" events", unit_scale=True) as progress:
        for day in rebuild(store, ahead):
            progress.update(day.events)
