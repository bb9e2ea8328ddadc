"""Which values a person property has, and how many live persons have each (decisions.md 10).

A value goes by its name: a text itself, anything else as JSON writes it, so that 5 and "5" are one value. An
array has the values of its elements. Nulls and empty texts are no values.
"""

from typing import NamedTuple

from clickhouse.client import ClickHouse
from clickhouse.query.conditions import Contains
from clickhouse.query.values import ValuesQuery
from clickhouse.sql.conditions import holds, where
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.persons import from_live_persons
from clickhouse.sql.properties import marked_text

VALUES = """
SELECT
    arrayJoin(
        {names}
    ) AS name,
    sum(persons) AS count
FROM
(
    {texts}
)
WHERE {conditions}
GROUP BY name
ORDER BY count DESC, name
LIMIT {rows:UInt64} OFFSET {offset:UInt64}
""".strip()

# The first character of a text says what it is (schema/0002_property_texts.sql).
NAMES = Fragment(
    """
if(
    startsWith(text, '=['),
    arrayDistinct(
        arrayMap(
            element -> if(startsWith(element, '"'), JSONExtractString(element), element),
            arrayFilter(element -> element != 'null', JSONExtractArrayRaw(substring(text, 2)))
        )
    ),
    [substring(text, 2)]
)
""".strip()
)

# Making names of a text that many persons have once, not for each of them, halves the time; grouping texts
# that hardly two persons share doubles it.
SHARED_TEXTS = "SELECT assumeNotNull({text}) AS text, count() AS persons\n{from_persons}\nGROUP BY text"
RARE_TEXTS = "SELECT assumeNotNull({text}) AS text, 1 AS persons\n{from_persons}"
SAMPLE = """
SELECT uniqExact(text) * 2 < count()
FROM
(
    SELECT {text} AS text
    FROM person
    WHERE team_id = {project:Int64} AND text IS NOT NULL
    LIMIT 10000
)
""".strip()

# An id that is not deleted has a live person: merges hand ids over, deletions delete them.
DISTINCT_IDS = """
SELECT distinct_id, 1 AS count
FROM person_distinct_id2 FINAL
WHERE {conditions}
ORDER BY distinct_id
LIMIT {rows:UInt64} OFFSET {offset:UInt64}
""".strip()

_NAME, _DISTINCT_ID = Fragment("name"), Fragment("distinct_id")


class Value(NamedTuple):
    """The name of a value, and how many persons have it."""

    name: str
    persons: int


def property_values(store: ClickHouse, query: ValuesQuery) -> list[Value]:
    """A page of values, by count and then by name, byte by byte; one more when there is another page.

    Raises ClickHouseUnavailable, ClickHouseError.
    """
    text = marked_text("person", query.key)
    ((shared,),) = store.rows(sql(SAMPLE, text=text, project=query.project_id))
    return [Value(*row) for row in store.rows(values_statement(query, shared=bool(shared)))]


def values_statement(query: ValuesQuery, *, shared: bool) -> Fragment:
    """The statement behind `property_values`; `shared` when most texts are those of several persons."""
    text = marked_text("person", query.key)
    persons = from_live_persons(query.project_id, sql("{text} != '\"'", text=text))
    return sql(
        VALUES,
        names=NAMES,
        texts=sql(SHARED_TEXTS if shared else RARE_TEXTS, text=text, from_persons=persons),
        conditions=where(Fragment("name != ''"), *_searched(query, _NAME)),
        rows=query.limit + 1,
        offset=query.offset,
    )


def distinct_ids(store: ClickHouse, query: ValuesQuery) -> list[Value]:
    """The distinct ids of live persons as if they were values of theirs; `key` has no effect.

    Raises ClickHouseUnavailable, ClickHouseError.
    """
    return [Value(*row) for row in store.rows(distinct_ids_statement(query))]


def distinct_ids_statement(query: ValuesQuery) -> Fragment:
    """The statement behind `distinct_ids`."""
    owned = sql("team_id = {project:Int64}\n  AND is_deleted = 0", project=query.project_id)
    return sql(
        DISTINCT_IDS,
        conditions=where(owned, *_searched(query, _DISTINCT_ID)),
        rows=query.limit + 1,
        offset=query.offset,
    )


def _searched(query: ValuesQuery, name: Fragment) -> list[Fragment]:
    return [] if query.search is None else [holds(Contains(texts=(query.search,)), name)]
