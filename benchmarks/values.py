"""What it costs to list the values of a property: of one with five values, and of one with a million.

    PERSONS=1000000 python -m benchmarks.values

fills .bench/values-1000000 unless it is there already: nothing but persons. One in twenty is deleted, and
one in a hundred has just changed, so that its versions are not merged yet. The floor is the same column of
the same persons, grouped as it is stored and counted. Times are the best of five.
"""

import os
from pathlib import Path

from benchmarks.measure import best, line, peak_memory, write
from clickhouse.client import ClickHouse
from clickhouse.query.values import ValuesQuery
from clickhouse.schema.migrate import migrate
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.persons import from_live_persons
from clickhouse.sql.properties import marked_text
from clickhouse.values import distinct_ids, distinct_ids_statement, property_values, values_statement

PERSONS, PROJECT = int(os.environ.get("PERSONS", "1000000")), 1

# One version of the persons whose number `step` divides.
_VERSION = """
INSERT INTO person (team_id, id, created_at, properties, is_identified, is_deleted, version, key)
SELECT
    {project:Int64}, {person_id}, toDateTime64('2024-01-01 00:00:00', 6, 'UTC'),
    concat(
        '{"email":"somebody-', toString(number), '@example.com","plan":"plan ', toString(number % 5),
        '","seats":', toString(sipHash64(number) % 100000),
        ',"tags":["tag ', toString(number % 7), '","tag ', toString(number % 11), '"]}'
    ),
    1, {deleted:Bool}, {version:UInt64}, number
FROM numbers({persons:UInt64})
WHERE number % {step:UInt64} = 0
"""
_DISTINCT_IDS = """
INSERT INTO person_distinct_id2 (team_id, distinct_id, person_id, is_deleted, version)
SELECT {project:Int64}, concat('somebody-', toString(number)), {person_id}, 0, 1
FROM numbers({persons:UInt64})
"""
_PERSON_ID = Fragment("reinterpretAsUUID(sipHash128('person', number))")

_ID_FLOOR = sql(
    "SELECT distinct_id FROM person_distinct_id2 FINAL WHERE team_id = {project:Int64} AND is_deleted = 0 "
    "ORDER BY distinct_id LIMIT 20",
    project=PROJECT,
)
_FLOOR = """
SELECT {text} AS text, count() AS count
{from_persons}
GROUP BY text
ORDER BY count DESC
LIMIT 20
"""


# Of which most persons share their value.
_PROPERTIES = {"plan": True, "tags": True, "seats": False, "email": False}


def main() -> None:
    """Print one line per property and search."""
    store = _filled_store()
    write(f"\n{PERSONS:,} persons: the values of a property\n")
    write(f"{'':52}{'best':>9}{'ratio':>8}{'memory':>10}\n")
    for key, shared in _PROPERTIES.items():
        at_least = best(lambda key=key: store.rows(_floor(key)))  # type: ignore[misc]
        line(f"{key}: floor", at_least, at_least, peak_memory(store, _floor(key)))
        for name, search in ((key, None), (f"{key}: searched", "7")):
            query = ValuesQuery(project_id=PROJECT, key=key, search=search)
            seconds = best(lambda query=query: property_values(store, query))  # type: ignore[misc]
            line(name, seconds, at_least, peak_memory(store, values_statement(query, shared=shared)))
    ids = ValuesQuery(project_id=PROJECT, key="distinct_id")
    floor = best(lambda: store.rows(_ID_FLOOR))
    line("distinct ids: floor", floor, floor, peak_memory(store, _ID_FLOOR))
    seconds = best(lambda: distinct_ids(store, ids))
    line("distinct ids", seconds, floor, peak_memory(store, distinct_ids_statement(ids)))
    store.close()


def _floor(key: str) -> Fragment:
    persons = from_live_persons(PROJECT)
    return sql(_FLOOR, text=marked_text("person", key), from_persons=persons)


def _filled_store() -> ClickHouse:
    folder = Path(__file__).parent.parent / ".bench" / f"values-{PERSONS}"
    folder.mkdir(parents=True, exist_ok=True)
    store = ClickHouse(f"chdb://{folder}")
    migrate(store)
    if store.rows(Fragment("SELECT count() FROM person_distinct_id2")) != [(PERSONS,)]:
        _fill(store)
    return store


def _fill(store: ClickHouse) -> None:
    for table in ("person", "person_distinct_id2"):
        store.command(Fragment(f"TRUNCATE TABLE {table}"))
    _write(store, version=1, step=1)
    _write(store, version=2, step=20, deleted=True)
    store.command(Fragment("OPTIMIZE TABLE person FINAL"))
    _write(store, version=3, step=101)
    store.command(sql(_DISTINCT_IDS, project=PROJECT, person_id=_PERSON_ID, persons=PERSONS))


def _write(store: ClickHouse, *, version: int, step: int, deleted: bool = False) -> None:
    store.command(
        sql(
            _VERSION,
            project=PROJECT,
            person_id=_PERSON_ID,
            persons=PERSONS,
            step=step,
            deleted=deleted,
            version=version,
        )
    )


if __name__ == "__main__":
    main()
