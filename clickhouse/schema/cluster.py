"""The same schema on a cluster: the statements of the numbered files in the words of a cluster.

Tables that are divided among the shards (clickhouse/layout.py) become two: `sharded_NAME`, which every
replica of a shard has, and NAME, a Distributed table over them. All others are one that every server has
whole. Both are Replicated; of their paths in Keeper the server knows the macros {shard} and {replica}, which
have to be in its configuration.
"""

import re
from collections.abc import Iterator

from clickhouse.layout import SHARDED, on_each_server

_SHARD_PATH = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
_COMMON_PATH = "'/clickhouse/tables/noshard/{database}/{table}', '{shard}-{replica}'"
# Rows of one distinct id lie together: rows that replace each other, and what a view makes of an event.
_SHARDING_KEY = "cityHash64(distinct_id)"
# Tokens are kept as long as somebody may repeat a batch: only their number is limited, as without a cluster.
_KEPT_SECONDS = 10 * 365 * 24 * 3600

_CREATE_TABLE = re.compile(
    r"CREATE TABLE IF NOT EXISTS (?P<name>\w+)\s+(?P<columns>\(.*\))\s+ENGINE = ", re.DOTALL
)
_CREATE_VIEW = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS (?P<name>\w+) TO (?P<to>\w+) AS\n")
_ALTER = re.compile(
    r"ALTER TABLE (?P<name>\w+) (?P<what>ADD COLUMN|MODIFY COLUMN|MATERIALIZE COLUMN|MODIFY SETTING)\b"
)
_MODIFY_QUERY = re.compile(r"ALTER TABLE (?P<view>\w+) MODIFY QUERY\n")
_INSERT = re.compile(r"INSERT INTO \w+(?: \([\w, ]+\))?\s+SELECT\b")
_ENGINE = re.compile(r"\bENGINE = (?P<kind>\w*MergeTree)(?:\((?P<arguments>[^)]*)\))?")
_WINDOW = re.compile(r"\bnon_replicated_deduplication_window = (\d+)")


def on_cluster(statement: str, cluster: str, database: str) -> Iterator[str]:
    """What is to be run in the database instead, in this order. Each can be repeated if the statement can.

    Raises ValueError for a kind of statement that the numbered files have not had yet.
    """
    if table := _CREATE_TABLE.match(statement):
        yield from _tables(statement, table, cluster, database)
    elif view := _CREATE_VIEW.match(statement):
        yield _view(statement, view, cluster)
    elif view := _MODIFY_QUERY.match(statement):
        query = _of_shard(statement[view.end() :], cluster)
        yield f"ALTER TABLE {view['view']} ON CLUSTER '{cluster}' MODIFY QUERY\n{query}"
    elif change := _ALTER.match(statement):
        yield from _changes(statement, change, cluster)
    elif _INSERT.match(statement):
        # From a Distributed table into another: each row goes to its shard.
        yield statement
    else:
        raise ValueError(
            f"clickhouse/schema/cluster.py does not know how to run this on a cluster: {statement}"
        )


def _tables(statement: str, table: re.Match[str], cluster: str, database: str) -> Iterator[str]:
    name, columns = table["name"], table["columns"]
    stored = on_each_server(name, cluster)
    rest = _replicated(statement[table.end("columns") :], is_sharded=stored != name)
    yield f"CREATE TABLE IF NOT EXISTS {stored} ON CLUSTER '{cluster}'\n{columns}{rest}"
    if stored != name:
        yield (
            f"CREATE TABLE IF NOT EXISTS {name} ON CLUSTER '{cluster}' AS {stored}\n"
            # Not currentDatabase(): the other servers would take their own.
            f"ENGINE = Distributed('{cluster}', '{database}', '{stored}', {_SHARDING_KEY})"
        )


def _replicated(rest: str, *, is_sharded: bool) -> str:
    """The engine and the settings after a list of columns."""

    def engine(match: re.Match[str]) -> str:
        arguments = [_SHARD_PATH if is_sharded else _COMMON_PATH, *filter(None, [match["arguments"]])]
        return f"ENGINE = Replicated{match['kind']}({', '.join(arguments)})"

    def window(match: re.Match[str]) -> str:
        return (
            f"replicated_deduplication_window = {match[1]}, "
            f"replicated_deduplication_window_seconds = {_KEPT_SECONDS}"
        )

    return _WINDOW.sub(window, _ENGINE.sub(engine, rest))


def _view(statement: str, view: re.Match[str], cluster: str) -> str:
    """A view makes of each shard's rows more rows of the same shard."""
    query = _of_shard(statement[view.end() :], cluster)
    to = on_each_server(view["to"], cluster)
    return f"CREATE MATERIALIZED VIEW IF NOT EXISTS {view['name']} ON CLUSTER '{cluster}' TO {to} AS\n{query}"


def _of_shard(query: str, cluster: str) -> str:
    return re.sub(
        rf"\bFROM ({'|'.join(SHARDED)})\b",
        lambda source: f"FROM {on_each_server(source[1], cluster)}",
        query,
    )


def _changes(statement: str, change: re.Match[str], cluster: str) -> Iterator[str]:
    name, rest = change["name"], statement[change.end("name") :]
    stored = on_each_server(name, cluster)
    is_sharded, is_local = stored != name, change["what"] == "MODIFY SETTING"
    # A table that every server has is changed on one, and the others follow; shards are on their own.
    where = f" ON CLUSTER '{cluster}'" if is_sharded or is_local else ""
    yield f"ALTER TABLE {stored}{where}{rest}"
    if is_sharded and change["what"] in {"ADD COLUMN", "MODIFY COLUMN"}:
        yield f"ALTER TABLE {name} ON CLUSTER '{cluster}'{rest}"
