"""What a serving process runs besides answering requests."""

import asyncio
import atexit
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

import django


def application() -> Any:
    """For granian: bring ClickHouse to this release's schema, start what keeps it up to date, then serve."""
    _begin()
    _keep_up_to_date()
    return _application()


def web() -> Any:
    """For granian, in several processes: serve, also while ClickHouse is away. Workers do the rest."""
    _begin()
    return _application()


def hear_signals() -> None:
    """Have the main thread, which must be the caller, hear every signal at once, though it sleeps in granian.

    The kernel gives a signal to any thread. Python takes a note of it, and one that another thread has taken
    is found when the main thread wakes up by itself: never.
    """
    ear, mouth = socket.socketpair()
    mouth.setblocking(False)
    main, nudge = threading.get_ident(), signal.SIGURG
    signal.signal(nudge, lambda *_: None)
    signal.set_wakeup_fd(mouth.detach(), warn_on_full_buffer=False)

    def listen() -> None:
        while heard := ear.recv(1):
            if heard[0] != nudge:
                signal.pthread_kill(main, nudge)

    threading.Thread(target=listen, name="signals", daemon=True).start()


def _begin() -> None:
    # Ctrl-C reaches the whole process group; the parent hears it and ends us with SIGTERM.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    _end_with_parent()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "persons_api.settings")
    django.setup()


def _keep_up_to_date() -> None:
    from clickhouse.errors import ClickHouseError  # noqa: PLC0415 - all of these only after setup
    from persons.outbox.flusher import Flusher, Remover  # noqa: PLC0415
    from persons.outbox.schema import bring_up_to_date  # noqa: PLC0415
    from persons.outbox.worker import stop  # noqa: PLC0415
    from persons.stores import clickhouse, writable_clickhouse  # noqa: PLC0415

    store = writable_clickhouse()
    try:
        bring_up_to_date(store)
        # A server that lets nobody set our limits is to say so now, not with the first question.
        clickhouse().ping()
    except ClickHouseError as error:
        print(f"ClickHouse cannot be used: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    workers = Flusher(store), Remover(store)
    for worker in workers:
        worker.start()

    def end() -> None:
        # An engine that is at work while C++ takes its globals away crashes: one end in about a hundred.
        stop(*workers)
        store.close()
        clickhouse().close()

    atexit.register(end)


def _application() -> Any:
    from django.urls import get_resolver  # noqa: PLC0415

    from persons_api.asgi import gateway  # noqa: PLC0415

    # Show a mistake in any of our modules now, not with the first request.
    get_resolver().url_patterns  # noqa: B018
    served = gateway()
    _call_when_told_to_stop(served.stop)
    return served


def _call_when_told_to_stop(stop: Callable[[], None]) -> None:
    """Granian sets its signal handlers later, and tells the application nothing before it has stopped."""
    loop = asyncio.get_event_loop()
    add_signal_handler = loop.add_signal_handler

    def add(number: int, handle: Callable[..., object], *args: Any) -> None:
        def handle_both() -> None:
            stop()
            handle(*args)

        add_signal_handler(number, handle_both)

    loop.add_signal_handler = add  # type: ignore[assignment]


def _end_with_parent() -> None:
    """A worker whose parent was killed would keep port and engine from the next server."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()
