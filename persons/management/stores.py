"""Commands that need both stores: a server's, or the embedded ones for as long as it takes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from clickhouse.client import ClickHouse
from clickhouse.errors import ClickHouseError
from persons.management.clickhouse import clickhouse_at_hand
from persons.management.postgres import postgres_at_hand, running_postgres
from persons.outbox.flusher import Flusher
from persons.outbox.schema import bring_up_to_date
from persons.outbox.worker import stop
from persons_api import embedded


@contextmanager
def stores_at_hand() -> Iterator[ClickHouse]:
    """Both stores, and somebody who sends from one to the other: a running server, or a thread of ours.

    Embedded ClickHouse belongs to one process: while a server has it, CommandError says so.
    """
    with ExitStack() as stack:
        try:
            store = stack.enter_context(clickhouse_at_hand())
            if not store.embedded:
                stack.enter_context(postgres_at_hand())
            elif settings.EMBEDDED_POSTGRES:
                stack.enter_context(running_postgres())
            call_command("migrate", verbosity=0)
            bring_up_to_date(store)
        except (embedded.DataFolderError, ClickHouseError) as error:
            raise CommandError(str(error), returncode=2) from error
        flusher = Flusher(store)
        flusher.start()
        stack.callback(stop, flusher)
        yield store
