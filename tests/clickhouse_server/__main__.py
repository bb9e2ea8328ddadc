"""`python -m tests.clickhouse_server FOLDER [CONFIG]`: prints its port, serves until its input ends."""

import gzip
import json
import os
import re
import secrets
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.clickhouse_server.engine import Answer, Engine, Refused, Request, split

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# What is for the server itself; every other parameter of a URL is a setting or a value.
_FOR_THE_SERVER = re.compile(
    "query|database|user|password|quota_key|query_id|session_\\w+|wait_end_of_query|buffer_size|compress|decompress|"
    "client_protocol_version|enable_http_compression|\\w*http_headers\\w*|default_format|role"
)
_STATUS = {60: 404, 62: 400, 81: 404, 158: 500, 159: 408, 202: 503, 372: 404, 394: 499}
_STREAMED = re.compile(rb"\bFORMAT\s+Native\s*$")
_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "zstd": zstd.decompress,
    "": bytes,
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    engine: Engine

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n")
        else:
            self._asked()

    def do_POST(self) -> None:
        self._asked()

    def _asked(self) -> None:
        asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self._body()
        # What is too long for a URL comes as a form.
        if (self.headers["Content-Type"] or "").startswith("multipart/form-data"):
            asked, body = asked | _fields(self.headers["Content-Type"], body), b""
        try:
            request = self._request(asked, body)
            is_question = _STREAMED.search(request.statement) and not request.data
            if is_question and asked.get("wait_end_of_query") != "1":
                self._stream(request, asked)
            else:
                self._finished(self.engine.run(request), asked)
        except (RuntimeError, Refused) as error:
            self._failed(error)

    def _request(self, asked: dict[str, str], body: bytes) -> Request:
        # A statement in the URL goes before what is in the body.
        in_url = asked.get("query", "").encode()
        statement, data = split(in_url + b"\n" + body if in_url and body else in_url or body)
        settings = {
            name: value
            for name, value in asked.items()
            if not name.startswith("param_") and not _FOR_THE_SERVER.fullmatch(name)
        }
        return Request(
            statement=statement,
            data=data,
            database=asked.get("database", "default"),
            # A GET may only read.
            settings=settings | ({"readonly": "2"} if self.command == "GET" else {}),
            parameters={
                name.removeprefix("param_"): value
                for name, value in asked.items()
                if name.startswith("param_")
            },
            session=asked.get("session_id"),
            must_exist=asked.get("session_check") == "1",
        )

    def _body(self) -> bytes:
        if self.headers["Transfer-Encoding"] == "chunked":
            body = b"".join(self._chunks())
        else:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        return _DECODERS[self.headers["Content-Encoding"] or ""](body)

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _encoding(self, asked: dict[str, str]) -> str:
        wanted = re.split(r",\s*", self.headers["Accept-Encoding"] or "")
        allowed = asked.get("enable_http_compression") == "1"
        return next((name for name in ("zstd", "gzip") if allowed and name in wanted), "")

    def _finished(self, answer: Answer, asked: dict[str, str]) -> None:
        summary = {"read_rows": str(answer.rows_read), "read_bytes": str(answer.bytes_read)}
        encoding = self._encoding(asked)
        body = b"".join(_encoded(encoding, [answer.body]))
        self._answer(200, body, **_common(asked, encoding), **{"X-ClickHouse-Summary": json.dumps(summary)})

    def _stream(self, request: Request, asked: dict[str, str]) -> None:
        """What goes wrong after the first block is told in the body, between two markers with a tag."""
        blocks = self.engine.stream(request)
        # What goes wrong before there is anything is still a status.
        first = next(blocks, b"")
        encoding, tag = self._encoding(asked), secrets.token_hex(8)
        self.send_response(200)
        headers = _common(asked, encoding) | {
            "X-ClickHouse-Exception-Tag": tag,
            "Transfer-Encoding": "chunked",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            for piece in _encoded(encoding, _with_failure(chain([first], blocks), tag)):
                if piece:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True
        finally:
            blocks.close()  # type: ignore[attr-defined]

    def _failed(self, error: Exception) -> None:
        message = str(error)
        code = (re.findall(r"Code: (\d+)", message) or ["1001"])[0]
        self._answer(_STATUS.get(int(code), 500), message.encode(), **{"X-ClickHouse-Exception-Code": code})

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


def _fields(kind: str, body: bytes) -> dict[str, str]:
    form = BytesParser(policy=HTTP).parsebytes(b"Content-Type: %b\r\n\r\n%b" % (kind.encode(), body))
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()  # type: ignore[union-attr]
        for part in form.iter_parts()
    }


def _common(asked: dict[str, str], encoding: str) -> dict[str, str]:
    headers = {
        "X-ClickHouse-Query-Id": asked.get("query_id") or str(uuid.uuid4()),
        "X-ClickHouse-Timezone": "UTC",
        "X-ClickHouse-Server-Display-Name": "chDB",
    }
    return headers | ({"Content-Encoding": encoding} if encoding else {})


def _with_failure(blocks: Iterable[bytes], tag: str) -> Iterator[bytes]:
    try:
        yield from blocks
    except RuntimeError as error:
        message = f"{error}\n"
        yield f"\r\n__exception__\r\n{tag}\r\n{message}{len(message)} {tag}\r\n__exception__\r\n".encode()


def _encoded(encoding: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
    if encoding == "zstd":
        packer = zstd.ZstdCompressor()
        yield from (packer.compress(block, packer.FLUSH_BLOCK) for block in blocks)
        yield packer.flush()
    elif encoding == "gzip":
        yield gzip.compress(b"".join(blocks))
    else:
        yield from blocks


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


def main(folder: str, config: str | None = None) -> None:
    Handler.engine = Engine(folder, config)
    server = Server(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.buffer.read()
    server.shutdown()
    # The engine waits for whatever is still running, and nobody is left to take the answer.
    os._exit(0)


main(*sys.argv[1:])
