"""Where the rows of a table lie: on one server, or on the shards of a cluster.

On a cluster, what happened is divided among the shards by distinct id: `events` is a Distributed table over
`sharded_events` on each of them, and so are the tables made of events. Who is who is small and is needed
wherever events are, so every server has all of it: then a join with it never leaves the server.
"""

from clickhouse.sql.fragment import Fragment

SHARDED = ("events", "event_with_update", "person_property_history")


def on_each_server(table: str, cluster: str | None) -> str:
    """The name of the table that has rows itself, where there is another that only knows where they are."""
    return f"sharded_{table}" if cluster and table in SHARDED else table


def stored_rows(table: str, cluster: str | None) -> Fragment:
    """What follows DELETE FROM or TRUNCATE TABLE, so that no server keeps any of the rows.

    A Distributed table cannot do that. A table that every server has whole passes it on by itself.
    """
    name = on_each_server(table, cluster)
    return Fragment(name if name == table else f"{name} ON CLUSTER '{cluster}'")
