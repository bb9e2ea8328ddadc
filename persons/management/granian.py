"""The server that runs our application, and where it listens."""

import multiprocessing
import socket
import sys

from persons.serving import hear_signals
from persons_api.connections import allow_connections

# Headers arrive within this time, and a connection without a request is closed after it.
HEADER_SECONDS = 30


def address_of(host: str, port: int) -> tuple[str, int]:
    """The numbers behind host and port, a free port for 0. Raises OSError with one line for the terminal.

    granian knows no names, and shares ports, so it would not notice that one is taken.
    """
    try:
        family, kind, _, _, found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind((found[0], port))
            address, port = attempt.getsockname()[:2]
            return address, port
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise OSError(
            f"Cannot listen on {host}:{port}: {reason}. Choose another with --host and --port."
        ) from error


def serve(application: str, address: str, port: int, *, workers: int) -> None:
    """Run so many processes of the application until a signal comes.

    When the only one ends by itself, so does this, with exit code 1; of several, another takes its place.
    """
    from granian.constants import HTTPModes, Interfaces, Loops  # noqa: PLC0415 - other commands don't need it
    from granian.http import HTTP1Settings  # noqa: PLC0415
    from granian.log import LogLevels  # noqa: PLC0415
    from granian.server import Server  # noqa: PLC0415

    # Forking would copy PostgreSQL's connections and this command's threads into the worker.
    multiprocessing.set_start_method("spawn", force=True)
    server = Server(
        application,
        factory=True,
        address=address,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.asyncio,
        # While granian waits to see whether a connection speaks HTTP/1 or 2, it has no timeout.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000),
        websockets=False,
        workers=workers,
        backlog=4096,
        backpressure=allow_connections(),
        log_level=LogLevels.error,
        workers_kill_timeout=10,
        respawn_failed_workers=workers > 1,
    )
    hear_signals()
    server.serve()
    if server.interrupt_children:
        sys.exit(1)
