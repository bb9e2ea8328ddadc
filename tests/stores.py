"""Which ClickHouse a test run has: the embedded one, the same engine over HTTP, or a server of yours.

`CLICKHOUSE=http`, `CLICKHOUSE=cluster` (two shards) and `TEST_CLICKHOUSE_URL` (of a cluster: with
`TEST_CLICKHOUSE_CLUSTER`) say so. On a server each process of a run has a database of its own, which it drops
in the end.
"""

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import clickhouse_connect

from tests.clickhouse_server import ClickHouseServer, cluster, served

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


# Where ClickHouse keeps what belongs to a data folder: not in it, which may not be there at all.
_folders: dict[Path, "tempfile.TemporaryDirectory[str]"] = {}
_servers: dict[Path, ClickHouseServer] = {}


def environment_of(data_dir: Path) -> dict[str, str]:
    """What a process of the service is told, so that it has the ClickHouse of this run. Several may have the
    same, one after the other or at once."""
    if not (OVER_HTTP or SHARDED):
        return {}
    if data_dir not in _servers:
        folder = Path(_folders.setdefault(data_dir, tempfile.TemporaryDirectory(prefix="persons-")).name)
        config = cluster.configured(folder / "cluster.xml") if SHARDED else None
        _servers[data_dir] = ClickHouseServer(folder / "clickhouse", config)
    return {"CLICKHOUSE_URL": _servers[data_dir].url, "CLICKHOUSE_CLUSTER": CLUSTER or ""}


def end(data_dir: Path) -> None:
    """Kill the ClickHouse of the folder, if it has one; the next process finds another with the same data."""
    if server := _servers.pop(data_dir, None):
        server.kill()


@contextmanager
def _database() -> Iterator[str]:
    name = f"persons_test_{uuid.uuid4().hex[:12]}"
    root = urlunsplit(urlsplit(SERVER_URL)._replace(path=""))
    yield f"{root}/{name}"
    clickhouse_connect.get_client(dsn=root).command(f"DROP DATABASE IF EXISTS {name} SYNC")
