"""Who did something, and how much: trends and stickiness (posthog-behaviour.md 5 and 11).

Every person who did it gets one number, and persons come by their numbers. Stickiness is the same question
with the number of intervals in which somebody did it.
"""

from typing import NamedTuple
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.query.filters import both, parts
from clickhouse.query.trends import TrendsQuery
from clickhouse.sql.conditions import where
from clickhouse.sql.events import in_range, of_any_entity
from clickhouse.sql.filters import on_event, persons_of
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.measures import aggregate
from clickhouse.sql.persons import PERSON_OF_EVENT, events_with_merges

# A UUID is ordered by its second half (ClickHouse manual, "UUID"), its number by the text.
PAGE = """
{persons}
ORDER BY value DESC NULLS LAST, UUIDToNum(actor_id)
LIMIT {rows:UInt64} OFFSET {offset:UInt64}
""".strip()

COUNT = """
SELECT count()
FROM
(
    {persons}
)
""".strip()

# A join, because the engine would ask of every event whether its person is IN a set.
PERSONS = """
SELECT person.id AS actor_id, did.value AS value
FROM
(
    {persons}
) AS person
INNER JOIN
(
    SELECT
        {person_of_event} AS actor_id,
        {value} AS value
    FROM {events}
    WHERE {conditions}
    GROUP BY actor_id
) AS did ON did.actor_id = person.id
WHERE {wanted}
""".strip()


class Actor(NamedTuple):
    """A person, and its number: None when it has none, as a sum of nothing."""

    uuid: UUID
    value: float | None


def trends_persons(store: ClickHouse, query: TrendsQuery) -> list[Actor]:
    """A page of the persons asked for, by their numbers, the largest first, then by the text of their uuid.

    One person more than `query.limit` comes back when there is another page.
    Raises ClickHouseUnavailable, ClickHouseError.
    """
    return [Actor(*row) for row in store.rows(trends_statement(query))]


def trends_count(store: ClickHouse, query: TrendsQuery) -> int:
    """How many persons all pages have. Raises ClickHouseUnavailable, ClickHouseError."""
    ((count,),) = store.rows(sql(COUNT, persons=_persons(query)))
    return int(count)


def trends_statement(query: TrendsQuery) -> Fragment:
    """The statement behind `trends_persons`."""
    return sql(PAGE, persons=_persons(query), rows=query.limit + 1, offset=query.offset)


def _persons(query: TrendsQuery) -> Fragment:
    """All persons asked for and their numbers, without order."""
    project, entity = query.project_id, parts(query.entity.filter)
    asked = parts(query.filter)
    wanted = [] if query.value is None else [sql("value = {value:UInt64}", value=query.value)]
    return sql(
        PERSONS,
        persons=persons_of(project, both(asked.of_person, entity.of_person)),
        person_of_event=PERSON_OF_EVENT,
        value=aggregate(query.measure),
        events=events_with_merges(project),
        conditions=where(
            in_range(project, query.date_range),
            *of_any_entity(project, [query.entity.model_copy(update={"filter": entity.of_event})]),
            on_event(project, asked.of_event),
        ),
        wanted=where(*wanted),
    )
