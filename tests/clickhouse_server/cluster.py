"""A cluster of two shards in one process: both are this server, and each sees its half of the rows only.

Every statement really is cut in pieces, sent to the shards and put together again. What needs more than one
process is left out, as if it had happened: ON CLUSTER, and replication with its Keeper.
"""

import re
from pathlib import Path

from clickhouse.layout import SHARDED

NAME = "two_shards"
_CONFIG = """
<clickhouse>
    <tcp_port>9000</tcp_port>
    <remote_servers><{name}>{shards}</{name}></remote_servers>
    <user_directories><users_xml><path>{file}</path></users_xml></user_directories>
    <profiles><default/></profiles>
    <quotas><default/></quotas>
    <users>
        <default>
            <password/>
            <networks><ip>::/0</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
            <databases><persons>{filters}</persons></databases>
        </default>
    </users>
</clickhouse>
"""
_SHARD = "<shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>"
# As the sharding key says where rows go; 0 is whoever asks for the table itself.
_FILTER = (
    "<sharded_{table}><filter>shardNum() IN (0, cityHash64(distinct_id) % 2 + 1)</filter></sharded_{table}>"
)
_ON_CLUSTER = re.compile(rf" ON CLUSTER '{NAME}'")
_REPLICATED = re.compile(r"\bReplicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?")
# Of one batch both shards have a block under the same token, and here these would be one table's.
_WINDOW = re.compile(
    r"\breplicated_deduplication_window = (\d+), replicated_deduplication_window_seconds = \d+"
)


def configured(file: Path) -> Path:
    """The file, with the configuration of a server that is a cluster."""
    filters = "".join(_FILTER.format(table=table) for table in SHARDED if table != "event_with_update")
    file.write_text(_CONFIG.format(name=NAME, shards=_SHARD * 2, file=file, filters=filters))
    return file


def by_one_server(statement: str) -> str:
    """The statement without what only several servers can do."""
    if not _ON_CLUSTER.search(statement):
        return statement
    plain = _REPLICATED.sub(r"\1(", _ON_CLUSTER.sub("", statement))
    tokens = "0" if plain.startswith("CREATE TABLE IF NOT EXISTS sharded_") else r"\1"
    return _WINDOW.sub(f"non_replicated_deduplication_window = {tokens}", plain)
