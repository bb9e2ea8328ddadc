"""The ASGI application: requests are read on the event loop, and answered by Django in threads.

A request takes a thread only when its body is there (`request_body.py`) and, for analytic queries and files,
when one of `QUERY_SLOTS` is free. So neither slow clients nor slow queries keep a thread from capture.
docs/decisions/0001-requests-are-read-before-a-thread-is-taken.md has the figures.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote_to_bytes

import structlog
from django.conf import settings
from django.urls import Resolver404, resolve
from rest_framework.exceptions import APIException

from persons.errors import REFUSAL, AddressTooLong, Busy
from persons.observability.paths import shown_path
from persons_api import connections
from persons_api.request_body import Bodies, Body, ClientGone, Receive
from persons_api.wsgi import FAILED_BODY, FAILED_HEADERS, WSGI, application

Send = Callable[[dict[str, Any]], Awaitable[None]]
Environ = dict[str, Any]

# Beyond 64 KiB the HTTP server answers by itself, with 414 and an empty body.
MAX_ADDRESS_BYTES = 60 * 1024
# How long an analytic query waits for a slot.
WAIT_SECONDS = 2.0
# A client has so long to take each part of an answer, else its connection is closed: 2 KiB a second.
SEND_SECONDS = 30.0
PART_BYTES = 64 * 1024
# When the process stops, unfinished bodies and idle connections end after so long.
STOP_SECONDS = 1.0
# Pages of the admin site that ask ClickHouse.
_ADMIN_QUERIES = {
    "persons_person_changelist",
    "persons_person_change",
    "persons_person_events",
    "persons_persondistinctid_changelist",
    "persons_persondistinctid_reset",
}
_log = structlog.get_logger(__name__)


class Answer(NamedTuple):
    """What the WSGI application returned: a whole body, or one that is made part by part."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    parts: Iterator[bytes] | None = None
    close: Callable[[], None] = lambda: None


class Gateway:
    """An ASGI application around a WSGI application."""

    def __init__(self, wsgi: WSGI, *, query_slots: int, threads: int) -> None:
        self._wsgi = wsgi
        self._slots = asyncio.Semaphore(query_slots)
        self._bodies = Bodies()
        self._threads = ThreadPoolExecutor(threads, "request")
        # Requests wait neither for probes, nor for files on their way, nor for thousands of refusals at once.
        self._probes = ThreadPoolExecutor(2, "probe")
        self._refusals = ThreadPoolExecutor(1, "refusal")
        self._files = ThreadPoolExecutor(2, "file")
        # Clients with a request that has arrived and is not answered yet.
        self._busy: set[connections.Address] = set()
        self._port: int | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer_guarded(scope, receive, send)

    def stop(self) -> None:
        """Call when the process is told to stop: idle clients and unfinished bodies may not delay it."""
        asyncio.get_running_loop().call_later(STOP_SECONDS, self._close_idle)

    def _close_idle(self) -> None:
        if self._port is not None:
            connections.close_others(self._port, self._busy)

    async def _live(self, receive: Receive, send: Send) -> None:
        """The lifespan protocol."""
        await receive()
        await send({"type": "lifespan.startup.complete"})
        # The server begins to listen only now.
        while (port := connections.limit_unread()) is None:
            await asyncio.sleep(0.05)
        self._port = port
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer_guarded(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        try:
            await self._answer(scope, receive, send)
        except ClientGone:
            pass
        except Exception:
            _log.exception("request.failed", method=scope["method"], path=shown_path(scope["path"]))
            await _send_whole(send, 500, _encoded(FAILED_HEADERS), FAILED_BODY, scope)

    async def _answer(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        environ, client = environ_of(scope), _client(scope)
        with self._bodies.file() as body:
            if len(scope["raw_path"]) + len(scope["query_string"]) > MAX_ADDRESS_BYTES:
                environ |= {REFUSAL: AddressTooLong(), "QUERY_STRING": ""}
            is_read = await self._read(environ, body, receive)
            self._busy.add(client)
            try:
                answer = await self._answer_of(environ, receive)
                if not is_read:
                    answer.headers.append((b"connection", b"close"))
                if answer.parts is None:
                    await _send_whole(send, answer.status, answer.headers, answer.body, scope)
                else:
                    await self._send_parts(answer, scope, receive, send)
            finally:
                self._busy.discard(client)

    async def _answer_of(self, environ: Environ, receive: Receive) -> Answer:
        if REFUSAL in environ:
            return await self._run(self._refusals, environ)
        if _path(environ) == "/_livez/":
            # It says that the process lives: it needs no store, and no thread that could be missing.
            return _run(self._wsgi, environ)
        if environ["PATH_INFO"].startswith("/_"):
            return await self._run(self._probes, environ)
        if needs_query_slot(environ):
            return await self._run_in_slot(environ, receive)
        return await self._run(self._threads, environ)

    async def _read(self, environ: Environ, body: Body, receive: Receive) -> bool:
        """Put the body, or why there is none, into `environ`. Returns whether it was read to its end."""
        announced = environ.get("CONTENT_LENGTH", "")
        is_chunked = "HTTP_TRANSFER_ENCODING" in environ
        if not is_chunked and announced in ("", "0"):
            return True
        try:
            await body.read(receive, None if is_chunked else int(announced))
        except APIException as refusal:
            environ |= {REFUSAL: refusal, "CONTENT_LENGTH": "0"}
            return False
        environ |= {"wsgi.input": body.file, "CONTENT_LENGTH": str(body.length)}
        return True

    async def _run(self, threads: Executor, environ: Environ) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(threads, _run, self._wsgi, environ)

    async def _run_in_slot(self, environ: Environ, receive: Receive) -> Answer:
        if not await self._take_slot(receive):
            return await self._run(self._refusals, environ | {REFUSAL: Busy()})
        try:
            # The thread works on although the client may be gone, so the slot is taken until it is done.
            return await self._run(self._threads, environ)
        finally:
            self._slots.release()

    async def _take_slot(self, receive: Receive) -> bool:
        """Wait for a slot in the order of arrival. Raises ClientGone."""
        if not self._slots.locked():
            return await self._slots.acquire()
        taken = asyncio.ensure_future(self._slots.acquire())
        gone = asyncio.ensure_future(_disconnect(receive))
        await asyncio.wait({taken, gone}, timeout=WAIT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        is_gone, is_taken = gone.done(), taken.done()
        gone.cancel()
        if is_taken and is_gone:
            self._slots.release()
        if not is_taken:
            taken.cancel()
        if is_gone:
            raise ClientGone
        return is_taken

    async def _send_parts(self, answer: Answer, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        assert answer.parts
        loop = asyncio.get_running_loop()
        gone = asyncio.ensure_future(_disconnect(receive))
        try:
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            while scope["method"] != "HEAD" and not gone.done():
                # A thread is taken for as long as making one part takes, not for as long as the client reads.
                part = await loop.run_in_executor(self._files, next, answer.parts, None)
                if part is None:
                    break
                await _send_part(send, part, scope)
            # Also when it is cut off: the length that was announced tells the client.
            await send({"type": "http.response.body"})
        except ClientGone:
            raise
        except Exception as error:
            # The headers are sent, so that only a closed connection can say that the answer is not whole.
            _log.exception("request.failed", method=scope["method"], path=shown_path(scope["path"]))
            await asyncio.to_thread(connections.close, {_client(scope)})
            raise ClientGone from error
        finally:
            gone.cancel()
            await loop.run_in_executor(self._files, answer.close)


def environ_of(scope: dict[str, Any]) -> Environ:
    """The WSGI environment (PEP 3333) of a request without its body."""
    server, client = scope["server"], scope.get("client") or ("", 0)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name_bytes, value_bytes in scope["headers"]:
        # An underscore would pass for a hyphen, and so for a header that a proxy removes or sets.
        if b"_" in name_bytes:
            continue
        name, value = name_bytes.decode("latin-1").upper().replace("-", "_"), value_bytes.decode("latin-1")
        key = name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"
        if key in environ:
            value = f"{environ[key]}{';' if name == 'COOKIE' else ','}{value}"
        environ[key] = value
    return environ


def needs_query_slot(environ: Environ) -> bool:
    """Whether the view that answers asks ClickHouse for more than a moment, or makes a file."""
    path = _path(environ)
    # Capture is most of the traffic, and finding a view takes a while.
    if not path.startswith(("/api/", "/admin/")):
        return False
    try:
        match = resolve(path)
    except Resolver404:
        return False
    view: Any = getattr(match.func, "cls", None)
    if not hasattr(view, "needs_query_slot"):
        return match.url_name is not None and match.url_name in _ADMIN_QUERIES
    method = environ["REQUEST_METHOD"].lower()
    action = match.func.actions.get("get" if method == "head" else method)  # type: ignore[attr-defined]
    names = {name for name, _ in parse_qsl(environ["QUERY_STRING"], keep_blank_values=True)}
    if any(form in environ.get("HTTP_ACCEPT", "").lower() for form in ("csv", "ndjson")):
        names.add("format")
    if environ.get("CONTENT_LENGTH", "0") != "0":
        names.add("body")
    return action is not None and view.needs_query_slot(action, names | match.kwargs.keys())


def _path(environ: Environ) -> str:
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    return path if path.endswith("/") else f"{path}/"


def _run(wsgi: WSGI, environ: Environ) -> Answer:
    """Call the WSGI application."""
    started: list[Any] = []
    result: Any = wsgi(environ, lambda status, headers, exc_info=None: started.extend((status, headers)))
    status, headers = int(started[0][:3]), _encoded(started[1])
    close = getattr(result, "close", lambda: None)
    if getattr(result, "streaming", False):
        return Answer(status, headers, b"", iter(result), close)
    try:
        return Answer(status, headers, b"".join(result))
    finally:
        close()


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


async def _send_whole(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes, scope: dict[str, Any]
) -> None:
    if body and not any(name == b"content-length" for name, _ in headers):
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    # A large answer goes in parts, so that a client that does not read it is noticed.
    place = 0
    while len(body) - place > 4 * PART_BYTES:
        await _send_part(send, body[place : place + PART_BYTES], scope)
        place += PART_BYTES
    await send({"type": "http.response.body", "body": body[place:]})


async def _send_part(send: Send, part: bytes, scope: dict[str, Any]) -> None:
    """Raises ClientGone, with the connection closed, when the client does not take it."""
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": part, "more_body": True})
    except TimeoutError as error:
        _log.warning("request.unread", path=shown_path(scope["path"]), seconds=SEND_SECONDS)
        # The server would keep the connection until the client reads on.
        await asyncio.to_thread(connections.close, {_client(scope)})
        raise ClientGone from error


def _client(scope: dict[str, Any]) -> connections.Address:
    """The client's address. Granian gives the port as a text."""
    host, port = scope["client"]
    return connections.Address(host, int(port))


async def _disconnect(receive: Receive) -> None:
    """Return when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def gateway() -> Gateway:
    """The gateway to this project's application. Call it once Django is set up."""
    return Gateway(application, query_slots=settings.QUERY_SLOTS, threads=settings.REQUEST_THREADS)
