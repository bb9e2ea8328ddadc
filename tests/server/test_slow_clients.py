"""Clients that are slow, idle or gone, and queries that take long, keep the service from no one else."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import pytest

from persons_api import embedded
from tests.server.conftest import Serve
from tests.server.process import Api, Server

POST = b"POST /batch/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
# What each client sends before it falls silent. Eight of one kind once took all threads.
SILENT = {
    "nothing": b"",
    "half a header": b"GET /_livez HTTP/1.1\r\nHost: local",
    "two bytes of a body": POST + b'Content-Length: 1000\r\n\r\n{"',
    "two bytes of a body in chunks": POST + b'Transfer-Encoding: chunked\r\n\r\n2\r\n{"\r\n',
}
EACH = 30
EVENT = {"event": "seen", "distinct_id": "ann", "timestamp": "2025-03-01T12:00:00Z"}


@pytest.fixture
def api(folder: Path, serve: Serve) -> Api:
    server = serve(folder).ready()
    api = Api(server.url, server.create_project())
    api.send([EVENT])
    return api


@contextmanager
def silent_clients(server_url: str) -> Iterator[dict[str, list[socket.socket]]]:
    host, port = server_url.removeprefix("http://").split(":")
    with ExitStack() as stack:
        opened: dict[str, list[socket.socket]] = {}
        for kind, sent in SILENT.items():
            for _ in range(EACH):
                client = stack.enter_context(socket.create_connection((host, int(port)), timeout=90))
                client.sendall(sent)
                opened.setdefault(kind, []).append(client)
        yield opened


def assert_others_are_answered(api: Api) -> None:
    """Well before what stands in their way would end by itself."""
    for path in ("/_livez", "/_health"):
        with urlopen(f"{api.url}{path}", timeout=10) as answer:
            assert answer.status == 200
    assert api.send([EVENT]) == {"status": "Ok"}
    (person,) = api.get("", distinct_id="ann")["results"]
    assert api.get(f"{person['uuid']}/")["distinct_ids"] == ["ann"]


def test_silent_clients_change_nothing_for_others_and_are_turned_away(api: Api) -> None:
    with silent_clients(api.url) as opened:
        assert_others_are_answered(api)
        for kind in ("two bytes of a body", "two bytes of a body in chunks"):
            for client in opened[kind]:
                head, _, body = read_all(client).partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 408 ")
                error = json.loads(body)
                assert (error["type"], error["code"], error["attr"]) == (
                    "invalid_request",
                    "request_timeout",
                    None,
                )
        for kind in ("nothing", "half a header"):
            assert {read_all(client) for client in opened[kind]} == {b""}


def read_all(client: socket.socket) -> bytes:
    """Everything up to the end of the connection."""
    received = b""
    while part := client.recv(65_536):
        received += part
    return received


def test_silent_clients_do_not_delay_a_stop(folder: Path, serve: Serve) -> None:
    server = serve(folder).ready()
    (worker,) = server.workers()
    with silent_clients(server.url):
        server.process.terminate()
        # The parent kills a worker that has not ended after ten seconds.
        assert worker.wait(30) in (0, None)
        assert server.process.wait(30) == 0


def test_a_body_that_is_announced_too_large_is_refused_unread(server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(POST + b"Content-Length: 99999999\r\n\r\n")
        answer = read_all(client)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"payload_too_large"' in answer


def test_an_address_that_is_too_long_is_refused(server: Server) -> None:
    with pytest.raises(HTTPError) as refused, urlopen(f"{server.url}/api/users/@me/?x={'a' * 62_000}"):
        pass
    assert refused.value.code == 414
    assert json.loads(refused.value.read())["code"] == "address_too_long"


def test_a_body_in_chunks_is_read_up_to_the_limit_only(server: Server) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(21):
            client.sendall(chunk)
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_slow_queries_wait_for_their_own_slots_and_change_nothing_for_others(api: Api, folder: Path) -> None:
    def ask() -> tuple[int, Any, str | None]:
        try:
            return 200, api.get("", cohort="1"), None
        except HTTPError as error:
            return error.code, error, error.headers["Retry-After"]

    with (
        ThreadPoolExecutor(16) as threads,
        psycopg.connect(host=embedded.postgres_host(folder), dbname="postgres", user="postgres") as other,
    ):
        # Queries that name a cohort look it up first.
        other.execute("LOCK TABLE persons_cohort IN ACCESS EXCLUSIVE MODE")
        asked = [threads.submit(ask) for _ in range(16)]
        assert_others_are_answered(api)
        # Four have the slots. The others are told to come back.
        refused = [each.result() for each in asked if _ends(each)]
        assert len(refused) == 12
        assert {(status, wait) for status, _, wait in refused} == {(503, "2")}
        assert_others_are_answered(api)
        other.rollback()
        answered = [each.result()[0] for each in asked]
    assert sorted(set(answered)) == [400, 503]
    assert answered.count(400) == 4


def _ends(asked: Any) -> bool:
    try:
        asked.result(10)
    except TimeoutError:
        return False
    return True
