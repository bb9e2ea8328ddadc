"""One schema, in the words of one server and of a cluster, and what brings a store to it."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from clickhouse import removal
from clickhouse.client import ClickHouse
from clickhouse.errors import ClickHouseUnavailable, SchemaFromTheFuture
from clickhouse.layout import SHARDED
from clickhouse.schema.cluster import on_cluster
from clickhouse.schema.migrate import Plan, migrate, migrations, plan
from clickhouse.sql.fragment import Fragment, sql
from tests.clickhouse_server import cluster, served

LATER = "\n    distinct_id_hash UInt64,\n    distinct_id_version UInt64,"
EVENT = b'{"team_id": 1, "event": "a", "distinct_id": "%d", "properties": "{}"}'


@pytest.fixture(scope="module")
def two_shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """An empty cluster."""
    folder = tmp_path_factory.mktemp("cluster")
    with served(folder / "clickhouse", cluster.configured(folder / "config.xml")) as server:
        yield ClickHouse(server.url, cluster=cluster.NAME)


def cluster_statements() -> list[str]:
    ahead = Plan(tuple(migrations()), "any", "persons")
    return [statement for migration in ahead.pending for statement in ahead.statements(migration)]


# Over HTTP the format that the driver asks for would be one of the statement that is explained.
@pytest.mark.embedded
def test_the_statements_of_a_cluster_are_clickhouse(clickhouse: ClickHouse) -> None:
    for statement in cluster_statements():
        if not statement.startswith("INSERT"):
            assert "ON CLUSTER 'any'" in statement or "ALTER TABLE person " in statement
        assert clickhouse.rows(Fragment(f"EXPLAIN AST {statement}"))


def test_on_a_cluster_every_table_is_replicated_and_no_statement_touches_a_row_in_the_wrong_place() -> None:
    statements = cluster_statements()
    engines = {
        found[1]: found[2]
        for each in statements
        if (found := re.match(r"CREATE TABLE IF NOT EXISTS (\w+) .*?\bENGINE = (\w+)", each, re.DOTALL))
    }
    for name, engine in engines.items():
        assert (name in SHARDED) == (engine == "Distributed")
        assert engine in {"Distributed", "Null"} or engine.startswith("Replicated")
    for each in statements:
        replicated = re.search(r"Replicated\w+\(('[^']+'), ('[^']+')", each)
        if replicated:
            # Rows that every server has are replicas of each other; rows of a shard within the shard only.
            of_shard = each.startswith("CREATE TABLE IF NOT EXISTS sharded_")
            assert ("{shard}" in replicated[1]) == of_shard
            assert replicated[2] == ("'{replica}'" if of_shard else "'{shard}-{replica}'")
        if each.startswith("CREATE MATERIALIZED VIEW"):
            assert all(table.startswith("sharded_") for table in re.findall(r"\b(?:TO|FROM) (\w+)", each))


def test_a_kind_of_statement_that_is_new_to_clusters_is_refused() -> None:
    with pytest.raises(ValueError, match="does not know how to run this on a cluster: OPTIMIZE"):
        list(on_cluster("OPTIMIZE TABLE events", "any", "persons"))


def test_a_plan_is_what_is_missing_and_changes_nothing(two_shards: ClickHouse) -> None:
    tables = Fragment("SELECT count() FROM system.tables WHERE database = currentDatabase()")
    before = two_shards.rows(tables)
    assert plan(two_shards).pending == tuple(migrations())
    assert two_shards.rows(tables) == before


def test_a_schema_that_was_cut_off_anywhere_is_finished_by_the_next_run(
    two_shards: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, left, cut_off = ClickHouse.command, 0, 0

    class CutOff(Exception):
        pass

    def command(store: ClickHouse, statement: Fragment) -> None:
        nonlocal left
        if not left:
            raise CutOff
        left -= 1
        run(store, statement)

    monkeypatch.setattr(ClickHouse, "command", command)
    while plan(two_shards).pending:
        # Later runs have less to do again.
        left = 1 + 2 * cut_off
        with suppress(CutOff):
            migrate(two_shards)
        cut_off += 1
    monkeypatch.undo()
    assert cut_off > 5
    assert plan(two_shards).pending == ()
    assert migrate(two_shards) == ()


def test_on_two_shards_each_event_is_on_one_and_is_removed_from_both(two_shards: ClickHouse) -> None:
    migrate(two_shards)
    two_shards.insert_json("events", b"\n".join(EVENT % number for number in range(1000)), token="t")
    by_shard = dict(
        two_shards.rows(Fragment("SELECT shardNum() AS shard, uniq(distinct_id) FROM events GROUP BY shard"))
    )
    assert by_shard.keys() == {1, 2}
    assert sum(by_shard.values()) == 1000
    assert min(by_shard.values()) > 300
    ids = [str(number) for number in range(500)]
    gone = removal.Remains(1, ids, [0] * 500, [-1] * 500, [2**63] * 500)
    assert removal.remove(two_shards, gone) == 0
    assert two_shards.rows(Fragment("SELECT count() FROM events")) == [(500,)]


def test_a_schema_from_the_future_is_refused_by_number(two_shards: ClickHouse) -> None:
    migrate(two_shards)
    two_shards.command(
        sql("INSERT INTO schema_migrations SELECT {number:UInt32}, 'future', now()", number=9999)
    )
    for act in (migrate, plan):
        with pytest.raises(SchemaFromTheFuture, match="schema version 9999"):
            act(two_shards)
    two_shards.command(Fragment("DELETE FROM schema_migrations WHERE number = 9999"))


def test_replicated_tables_are_made_and_rows_of_theirs_removed_as_keeper_wants_it(tmp_path: Path) -> None:
    """With a Keeper of the engine's own tests. Its tables can be made; writing needs a real one."""
    config = tmp_path / "keeper.xml"
    config.write_text(
        "<clickhouse><zookeeper><implementation>testkeeper</implementation></zookeeper>"
        "<macros><shard>1</shard><replica>a</replica></macros></clickhouse>"
    )
    gone = removal.Remains(1, ["a"], [0], [0], [1])
    with served(tmp_path / "clickhouse", config) as server:
        store = ClickHouse(server.url, cluster="any")
        for statement in cluster_statements():
            if re.match(r"CREATE TABLE IF NOT EXISTS \w+ ON CLUSTER 'any'\n", statement):
                # Columns that come later, by an ALTER.
                with_hash = re.sub(r"\n    arrival ", LATER + r"\g<0>", statement)
                store.command(Fragment(with_hash.replace(" ON CLUSTER 'any'", "")))
        made = store.rows(Fragment("SELECT table, zookeeper_path, replica_name FROM system.replicas"))
        assert ("sharded_events", "/clickhouse/tables/1/persons/sharded_events", "a") in made
        assert ("person", "/clickhouse/tables/noshard/persons/person", "1-a") in made
        for table in removal.TABLES:
            delete = removal.statement(removal.DELETE, table, gone, "any")
            with pytest.raises(ClickHouseUnavailable, match="Cannot assign mutation because shutdown called"):
                store.command(Fragment(delete.text.replace(" ON CLUSTER 'any'", ""), delete.parameters))
