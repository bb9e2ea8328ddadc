"""The embedded engine behind ClickHouse's HTTP interface, as far as our driver uses it for questions.

Written after the manual, "HTTP interface": the statement is the body, a parameter of the URL is a setting or
`param_NAME`, an error is a status and the header X-ClickHouse-Exception-Code.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import chdb

# What the server itself does, and what only a server has.
_NOT_SETTINGS = {
    "query",
    "database",
    "query_id",
    "session_id",
    "wait_end_of_query",
    "client_protocol_version",
}
_ONLY_OVER_HTTP = re.compile("compress|enable_http_compression|.*http_headers.*")
_TIMEOUT_EXCEEDED = "159"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The URL at which the engine of the folder answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            try:
                self._answer(200, _run(folder, asked, body))
            except RuntimeError as error:
                message = str(error)
                (code,) = re.findall(r"Code: (\d+)", message)[:1]
                status = 408 if code == _TIMEOUT_EXCEEDED else 500
                self._answer(status, message.encode(), **{"X-ClickHouse-Exception-Code": code})

        def _answer(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/persons"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _run(folder: Path, asked: dict[str, str], body: str) -> bytes:
    connection = chdb.connect(str(folder))  # type: ignore[no-untyped-call]
    try:
        connection.query(f"USE {asked.get('database', 'persons')}", "TabSeparated")
        for name, value in asked.items():
            if (
                name not in _NOT_SETTINGS
                and not name.startswith("param_")
                and not _ONLY_OVER_HTTP.match(name)
            ):
                connection.query(f"SET {name} = '{value}'", "TabSeparated")
        parameters = {
            name.removeprefix("param_"): value for name, value in asked.items() if name.startswith("param_")
        }
        result: bytes = connection.query(body or asked["query"], "TabSeparated", params=parameters).bytes()
        return result
    finally:
        connection.close()
