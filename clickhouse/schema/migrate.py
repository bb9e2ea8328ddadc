"""Bring a store to the schema this release needs: apply the numbered files that it has not seen yet.

Every statement can be repeated (IF NOT EXISTS and the like), so a run that was cut off is simply run
again. Files are never changed once released; a change is a new number.
"""

import re
from dataclasses import dataclass
from importlib import resources

from clickhouse.client import ClickHouse
from clickhouse.errors import SchemaFromTheFuture
from clickhouse.sql.fragment import Fragment, sql

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


def migrate(store: ClickHouse) -> list[Migration]:
    """Apply what is missing and return it. Raises SchemaFromTheFuture."""
    store.command(
        Fragment(
            """
            CREATE TABLE IF NOT EXISTS schema_migrations (number UInt32, name String, applied_at DateTime)
            ENGINE = MergeTree ORDER BY number
            """
        )
    )
    applied = {number for (number,) in store.rows(Fragment("SELECT number FROM schema_migrations"))}
    known = migrations()
    if unknown := applied - {migration.number for migration in known}:
        raise SchemaFromTheFuture(
            f"The ClickHouse data has schema version {max(unknown)}, this release knows {known[-1].number} "
            "at most. Start the release that wrote it, or a newer one."
        )
    pending = [migration for migration in known if migration.number not in applied]
    for migration in pending:
        for statement in migration.statements:
            store.command(Fragment(statement.rstrip(";")))
        store.command(
            sql(
                "INSERT INTO schema_migrations (number, name, applied_at) "
                "SELECT {number:UInt32}, {name:String}, now()",
                number=migration.number,
                name=migration.name,
            )
        )
    return pending
