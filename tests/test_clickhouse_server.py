"""The server that tests reach over HTTP does what ClickHouse's does, as far as the driver can tell."""

import gzip
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from tests.clickhouse_server import ClickHouseServer, served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    with served(tmp_path_factory.mktemp("served")) as started:
        yield started


def client(server: ClickHouseServer, **options: Any) -> Any:
    return clickhouse_connect.get_client(dsn=server.url, **options)


def asked(server: ClickHouseServer, query: dict[str, str], body: bytes = b"", **headers: str) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/?{urlencode(query)}", body or None, headers
    )
    return urllib.request.urlopen(request, timeout=10)


@pytest.mark.parametrize("compress", ["zstd", "gzip", False])
def test_native_blocks_go_in_and_come_out_compressed_or_not(server: ClickHouseServer, compress: Any) -> None:
    own = client(server, compress=compress, autogenerate_session_id=False)
    own.command("CREATE OR REPLACE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
    rows = [(number, "line\nFORMAT x;" * (number % 3)) for number in range(20_000)]
    own.insert("t", rows, column_names=["n", "s"])
    assert own.query("SELECT n, s FROM t ORDER BY n").result_rows == rows
    with own.query_rows_stream("SELECT n, s FROM t ORDER BY n") as stream:
        assert list(stream) == rows


def test_a_session_keeps_what_is_made_in_it_and_has_one_statement_at_a_time(server: ClickHouseServer) -> None:
    one, other = client(server, session_id="one"), client(server, session_id="other")
    one.command("CREATE TEMPORARY TABLE mine AS SELECT 1 AS n")
    assert one.query("SELECT n FROM mine").result_rows == [(1,)]
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        other.query("SELECT n FROM mine")
    with pytest.raises(urllib.error.HTTPError) as missing:
        asked(server, {"query": "SELECT 1", "session_id": "nobody's", "session_check": "1"})
    assert (missing.value.code, missing.value.headers["X-ClickHouse-Exception-Code"]) == (404, "372")


def test_errors_have_a_code_whatever_is_wrong(server: ClickHouseServer) -> None:
    for query, code in (
        ({"query": "SELECT nothing"}, "47"),
        ({"query": "SELECT 1 FROM nowhere"}, "60"),
        ({"query": "SELECT 1", "database": "nowhere"}, "81"),
        ({"query": "SELECT 1", "no_such_setting": "1"}, "115"),
        # A GET may only read.
        ({"query": "CREATE TABLE made (n Int8) ENGINE = Null"}, "164"),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            asked(server, {"database": "persons", **query})
        assert refused.value.headers["X-ClickHouse-Exception-Code"] == code
        assert f"Code: {code}." in refused.value.read().decode()


def test_values_and_settings_come_in_the_url_in_a_form_and_compressed(server: ClickHouseServer) -> None:
    own = client(server, autogenerate_session_id=False)
    ids = [f"it's \\ {number}" for number in range(30_000)]
    assert own.query("SELECT {ids:Array(String)}", parameters={"ids": ids}).result_rows == [(ids,)]
    body = gzip.compress(b"SELECT {n:UInt8}, getSetting('max_threads')")
    answer = asked(server, {"param_n": "7", "max_threads": "3"}, body, **{"Content-Encoding": "gzip"})
    assert answer.read() == b"7\t3\n"


def test_a_stream_that_fails_says_why(server: ClickHouseServer) -> None:
    own = client(server, autogenerate_session_id=False)
    with own.query_row_block_stream("SELECT throwIf(number = 900000) FROM numbers(1000000)") as blocks:
        assert next(blocks)
        with pytest.raises(StreamFailureError, match="Code: 395"):
            list(blocks)
