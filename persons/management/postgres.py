"""Commands that need PostgreSQL only, and work while a server runs."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection, connections
from psycopg_pool import PoolTimeout

from persons_api import embedded

_STARTING_SECONDS = 30.0


@contextmanager
def postgres_at_hand() -> Iterator[None]:
    """The database of the running server; without one, embedded PostgreSQL for as long as this takes.

    Raises CommandError with one line for the terminal.
    """
    with ExitStack() as stack:
        if settings.EMBEDDED_POSTGRES:
            try:
                if embedded.is_owned(settings.DATA_DIR):
                    _wait_for_server()
                else:
                    embedded.prepare(settings.DATA_DIR)
                    stack.enter_context(embedded.owned(settings.DATA_DIR))
                    stack.enter_context(running_postgres())
                    call_command("migrate", verbosity=0)
            except embedded.DataFolderError as error:
                raise CommandError(str(error), returncode=2) from error
        else:
            # The pool would not say why.
            connected().close()
        try:
            yield
        finally:
            connections.close_all()
            close_pool()


@contextmanager
def running_postgres() -> Iterator[None]:
    """Embedded PostgreSQL, with Django's connection pointed at where it really listens."""
    with embedded.postgres(settings.DATA_DIR):
        settings.DATABASES["default"]["HOST"] = embedded.postgres_host(settings.DATA_DIR)
        try:
            yield
        finally:
            connections.close_all()
            close_pool()


def connected() -> psycopg.Connection[Any]:
    """A connection of one's own beside the pool. Raises CommandError with one line for the terminal."""
    try:
        return psycopg.connect(**connection.get_connection_params(), autocommit=True)
    except psycopg.OperationalError as error:
        raise CommandError(f"PostgreSQL cannot be reached: {' '.join(str(error).split())}") from error


def close_pool() -> None:
    """Let go of all connections, so that PostgreSQL can stop."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


def _wait_for_server() -> None:
    """The folder's owner may still be starting."""
    give_up_at = time.monotonic() + _STARTING_SECONDS
    while True:
        settings.DATABASES["default"]["HOST"] = embedded.postgres_host(settings.DATA_DIR)
        try:
            connection.ensure_connection()
            if "persons_project" in connection.introspection.table_names():
                return
        except (OperationalError, PoolTimeout) as error:
            # The next attempt may have to look elsewhere.
            close_pool()
            if time.monotonic() > give_up_at:
                raise CommandError(
                    f"The running server's PostgreSQL does not answer: {error}", returncode=2
                ) from error
        time.sleep(0.2)
