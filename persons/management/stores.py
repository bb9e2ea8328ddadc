"""Commands that need both stores: a server's, or the embedded ones for as long as it takes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from clickhouse.client import ClickHouse, connect
from clickhouse.errors import ClickHouseError
from clickhouse.schema.migrate import migrate
from persons.management.postgres import postgres_at_hand, running_postgres
from persons.outbox.flusher import Flusher
from persons_api import embedded


@contextmanager
def stores_at_hand() -> Iterator[ClickHouse]:
    """Both stores, and somebody who sends from one to the other: a running server, or a thread of ours.

    Embedded ClickHouse belongs to one process: while a server has it, CommandError says so.
    """
    store = connect(settings.CLICKHOUSE_URL)
    with ExitStack() as stack:
        try:
            if store.embedded:
                embedded.prepare(settings.DATA_DIR)
                stack.enter_context(embedded.owned(settings.DATA_DIR))
                stack.callback(store.close)
                if settings.EMBEDDED_POSTGRES:
                    stack.enter_context(running_postgres())
            else:
                stack.enter_context(postgres_at_hand())
            call_command("migrate", verbosity=0)
            migrate(store)
        except (embedded.DataFolderError, ClickHouseError) as error:
            raise CommandError(str(error), returncode=2) from error
        flusher = Flusher(store)
        flusher.start()
        stack.callback(flusher.stop)
        yield store
