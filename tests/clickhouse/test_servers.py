"""Several servers behind one URL: when one is lost another is asked, and nothing is done twice."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from clickhouse.client import ClickHouse, Limits
from clickhouse.errors import ClickHouseError, ClickHouseUnavailable
from clickhouse.servers import servers
from clickhouse.sql.fragment import Fragment, sql
from tests.clickhouse_server import ClickHouseServer, served

WHERE = Fragment("SELECT name FROM mark")


class Way:
    """A way to a server: a replica with the same data, which can disappear."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.lets_answers_through = True
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def disappear(self) -> None:
        """Refuse everybody from now on, and cut off those who are connected."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open += [near, far]
                threading.Thread(target=self._forward, args=[near, far, False], daemon=True).start()
                threading.Thread(target=self._forward, args=[far, near, True], daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if is_answer and not self.lets_answers_through:
                    # What was asked has been done.
                    self.disappear()
                target.sendall(data)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    with served(tmp_path_factory.mktemp("shared")) as started:
        yield started


@pytest.fixture
def ways(server: ClickHouseServer) -> Iterator[tuple[Way, Way]]:
    both = Way(server.port), Way(server.port)
    yield both
    for way in both:
        way.disappear()


def store_of(*ports: int, limits: Limits | None = None) -> ClickHouse:
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return ClickHouse(f"http://{hosts}/persons", limits)


def test_a_url_with_several_hosts_is_a_url_for_each() -> None:
    assert servers("http://u:p%2C@a:8123,b:8124/persons?verify=false") == (
        "http://u:p%2C@a:8123/persons?verify=false",
        "http://u:p%2C@b:8124/persons?verify=false",
    )
    assert servers("https://one/persons") == ("https://one/persons",)


@pytest.mark.parametrize(
    "url", ["http://a,,b/persons", "http:///persons", "http://a:x/persons", "http://u@/p"]
)
def test_a_url_with_a_host_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"host|[Pp]ort"):
        servers(url)


def test_when_a_server_is_killed_the_next_one_answers_and_takes_inserts(tmp_path: Path) -> None:
    with ExitStack() as stack:
        first, second = (stack.enter_context(served(tmp_path / name)) for name in ("first", "second"))
        for server, name in ((first, "first"), (second, "second")):
            store_of(server.port).command(
                sql(
                    "CREATE TABLE mark ENGINE = MergeTree ORDER BY name AS SELECT {name:String} AS name",
                    name=name,
                )
            )
        store = store_of(first.port, second.port)
        assert store.rows(WHERE) == [("first",)]
        first.kill()
        assert store.rows(WHERE) == [("second",)]
        store.insert_json("mark", b'{"name": "more"}', token="1")
        assert store.rows(Fragment("SELECT count() FROM mark")) == [(2,)]
        second.kill()
        with pytest.raises(ClickHouseUnavailable):
            store.rows(WHERE)


def test_a_batch_whose_answer_was_lost_is_there_once(server: ClickHouseServer, ways: tuple[Way, Way]) -> None:
    direct = store_of(server.port)
    direct.command(
        Fragment(
            "CREATE TABLE batch (n UInt64) ENGINE = MergeTree ORDER BY n "
            "SETTINGS non_replicated_deduplication_window = 100"
        )
    )
    first, second = ways
    store = store_of(first.port, second.port)
    store.ping()
    first.lets_answers_through = False
    store.insert_json("batch", b'{"n": 1}\n{"n": 2}', token="a")
    store.insert_json("batch", b'{"n": 3}', token="b")
    assert direct.rows(Fragment("SELECT n FROM batch ORDER BY n")) == [(1,), (2,), (3,)]


def test_a_server_that_says_nothing_is_given_up(server: ClickHouseServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.MonkeyPatch.context() as patch:
        patch.setattr("clickhouse.client._GRACE_SECONDS", 0.5)
        store = store_of(silent.getsockname()[1], server.port, limits=Limits(seconds=0.5, memory=10**9))
        assert store.ping()


def test_rows_that_were_handed_over_are_not_read_again(
    server: ClickHouseServer, ways: tuple[Way, Way]
) -> None:
    store, seen = store_of(*(way.port for way in ways)), list[int]()

    def take(numbers: list[int]) -> None:
        seen.extend(numbers)
        ways[0].disappear()

    many = Fragment("SELECT number FROM numbers(30000000) ORDER BY number")
    with pytest.raises(ClickHouseUnavailable):
        store.read_blocks(many, take)
    assert seen == list(range(len(seen)))
    assert store.ping()


def test_a_mistake_is_not_asked_twice(ways: tuple[Way, Way]) -> None:
    store = store_of(*(way.port for way in ways))
    store.ping()
    ways[1].disappear()
    with pytest.raises(ClickHouseError) as refusal:
        store.rows(Fragment("SELECT nothing"))
    assert not isinstance(refusal.value, ClickHouseUnavailable)


@pytest.mark.parametrize(
    "act",
    [
        lambda store: store.rows(Fragment("SELECT 1")),
        lambda store: store.command(Fragment("CREATE TABLE IF NOT EXISTS c (n Int8) ENGINE = Null")),
    ],
)
def test_a_connection_that_was_cut_while_it_was_idle_is_no_failure(
    server: ClickHouseServer, ways: tuple[Way, Way], act: Callable[[ClickHouse], object]
) -> None:
    store = store_of(ways[0].port, server.port)
    store.ping()
    ways[0].disappear()
    act(store)
