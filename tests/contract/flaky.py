"""A proxy that has bad moments: it answers 503 to some requests, of which it may have passed on some."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# Of one connection, not of the message.
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"}


@dataclass
class Proxy:
    """``refusals`` requests with events are still to be answered 503, after they were passed on (``late``)
    or instead. ``seen`` are all requests with events, ``answered`` is how many of them have their answer."""

    url: str
    refusals: int = 0
    late: bool = False
    seen: list[tuple[str, Message]] = field(default_factory=list)
    answered: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def refuses(self, path: str, headers: Message) -> bool:
        with self.lock:
            self.seen.append((path, headers))
            self.refusals -= 1
            return self.refusals >= 0


@contextmanager
def flaky(upstream: str) -> Iterator[Proxy]:
    """A proxy in front of a server."""
    address = urlsplit(upstream).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            events = not self.path.startswith("/flags")
            refused = events and proxy.refuses(self.path, self.headers)
            answer = (503, [("Access-Control-Allow-Origin", "*")], b"{}")
            if not refused or proxy.late:
                answer = self._passed_on(body)
            with proxy.lock:
                proxy.answered += events
            self._answer(*answer, refused=refused)

        def do_GET(self) -> None:
            self._answer(*self._passed_on(None))

        do_OPTIONS = do_GET

        def _passed_on(self, body: bytes | None) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = http.client.HTTPConnection(address, timeout=30)
            try:
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            finally:
                connection.close()

        def _answer(
            self, status: int, headers: list[tuple[str, str]], content: bytes, *, refused: bool = False
        ) -> None:
            self.send_response(503 if refused else status)
            if refused:
                self.send_header("Retry-After", "1")
            for name, value in headers:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        proxy = Proxy(f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield proxy
        server.shutdown()
