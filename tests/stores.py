"""Which ClickHouse a test run has: the embedded one, the same engine over HTTP, or a server of yours.

`CLICKHOUSE=http`, `CLICKHOUSE=cluster` (two shards) and `TEST_CLICKHOUSE_URL` (of a cluster: with
`TEST_CLICKHOUSE_CLUSTER`) say so. On a server each process of a run has a database of its own, which it drops
in the end.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import clickhouse_connect

from tests.clickhouse_server import cluster, served

SERVER_URL = os.environ.get("TEST_CLICKHOUSE_URL", "")
SHARDED = os.environ.get("CLICKHOUSE") == "cluster" and not SERVER_URL
OVER_HTTP = os.environ.get("CLICKHOUSE") == "http" and not SERVER_URL
EMBEDDED = not (SERVER_URL or OVER_HTTP or SHARDED)
CLUSTER = cluster.NAME if SHARDED else os.environ.get("TEST_CLICKHOUSE_CLUSTER") or None


@contextmanager
def clickhouse(data_dir: Path) -> Iterator[str]:
    """The URL of a store that this process has to itself."""
    if SERVER_URL:
        with _database() as url:
            yield url
    elif SHARDED:
        with served(data_dir / "clickhouse", cluster.configured(data_dir / "cluster.xml")) as server:
            yield server.url
    elif OVER_HTTP:
        with served(data_dir / "clickhouse") as server:
            yield server.url
    else:
        yield f"chdb://{data_dir / 'clickhouse'}"


@contextmanager
def _database() -> Iterator[str]:
    name = f"persons_test_{uuid.uuid4().hex[:12]}"
    root = urlunsplit(urlsplit(SERVER_URL)._replace(path=""))
    yield f"{root}/{name}"
    clickhouse_connect.get_client(dsn=root).command(f"DROP DATABASE IF EXISTS {name} SYNC")
