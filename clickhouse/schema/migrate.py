"""Bring a store to the schema this release needs: apply the numbered files that it has not seen yet.

Every statement can be repeated (IF NOT EXISTS and the like), so a run that was cut off is simply run
again. Files are never changed once released; a change is a new number.
"""

import re
from dataclasses import dataclass
from importlib import resources

from clickhouse.client import ClickHouse
from clickhouse.errors import SchemaFromTheFuture
from clickhouse.schema.cluster import on_cluster
from clickhouse.sql.fragment import Fragment, sql

_APPLIED = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    number     UInt32,
    name       String,
    applied_at DateTime
)
ENGINE = MergeTree
ORDER BY number
""".strip()
_FILE_NAME = re.compile(r"(?P<number>\d{4})_\w+\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file: its number, its name without the ending, its statements in order."""

    number: int
    name: str
    statements: tuple[str, ...]


def migrations() -> list[Migration]:
    """All files of this release, by number."""
    found = []
    for file in resources.files("clickhouse.schema").iterdir():
        if match := _FILE_NAME.fullmatch(file.name):
            text = "\n".join(
                line for line in file.read_text("utf-8").splitlines() if not line.startswith("--")
            )
            statements = tuple(part.strip() for part in text.split(";\n") if part.strip(" ;\n"))
            found.append(Migration(int(match["number"]), file.name.removesuffix(".sql"), statements))
    return sorted(found, key=lambda migration: migration.number)


@dataclass(frozen=True, slots=True)
class Plan:
    """The files that are still to be applied, and the statements they come to on this store."""

    pending: tuple[Migration, ...]
    cluster: str | None
    database: str

    def statements(self, migration: Migration) -> list[str]:
        """What one of them comes to, in order."""
        plain = [statement.rstrip(";") for statement in migration.statements]
        if not self.cluster:
            return plain
        return [each for statement in plain for each in on_cluster(statement, self.cluster, self.database)]


def plan(store: ClickHouse) -> Plan:
    """What `migrate` would do now; changes nothing. Raises SchemaFromTheFuture, ClickHouseUnavailable."""
    applied = _applied(store)
    known = migrations()
    if unknown := applied - {migration.number for migration in known}:
        raise SchemaFromTheFuture(
            f"The ClickHouse data has schema version {max(unknown)}, this release knows {known[-1].number} "
            "at most. Start the release that wrote it, or a newer one."
        )
    pending = tuple(each for each in known if each.number not in applied)
    return Plan(pending, store.cluster, store.database)


def migrate(store: ClickHouse) -> tuple[Migration, ...]:
    """Apply what is missing and return it. Raises SchemaFromTheFuture.

    Two runners at once would do each other's work again: whoever may have company holds a lock.
    """
    store.create_database()
    for statement in _bookkeeping(store):
        store.command(Fragment(statement))
    ahead = plan(store)
    for migration in ahead.pending:
        for statement in ahead.statements(migration):
            store.command(Fragment(statement))
        store.command(
            sql(
                "INSERT INTO schema_migrations (number, name, applied_at) "
                "SELECT {number:UInt32}, {name:String}, now()",
                number=migration.number,
                name=migration.name,
            )
        )
    return ahead.pending


def _bookkeeping(store: ClickHouse) -> list[str]:
    return list(on_cluster(_APPLIED, store.cluster, store.database)) if store.cluster else [_APPLIED]


def _applied(store: ClickHouse) -> set[int]:
    """The numbers of the files that were applied; on a store that is still empty, none."""
    if not store.database_exists() or store.rows(Fragment("EXISTS TABLE schema_migrations")) == [(0,)]:
        return set()
    return {number for (number,) in store.rows(Fragment("SELECT number FROM schema_migrations"))}
