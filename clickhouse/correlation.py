"""What persons who entered a funnel did on their way through it (docs/semantics/funnels.md).

On the way is after the attempt that counts began, and before it reached the last step, or before the end of
its conversion window when it did not. Events named like the steps themselves do not count.
"""

from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.funnel import COUNT, counted_attempts, history_packing
from clickhouse.query.correlation import CorrelationQuery
from clickhouse.query.filters import Entity, parts
from clickhouse.sql.conditions import where
from clickhouse.sql.events import in_range, of_any_entity
from clickhouse.sql.filters import persons_of
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.persons import PERSON_OF_EVENT, events_with_merges

PAGE = """
{persons}
ORDER BY UUIDToNum(person.id)
LIMIT {rows:UInt64} OFFSET {offset:UInt64}
""".strip()

ENTERED = """
person.id IN
(
    SELECT actor_id
    FROM
    (
        {attempts}
    )
    WHERE {conditions}
)
""".strip()

DID = """
person.id IN
(
    SELECT attempt.actor_id
    FROM
    (
        SELECT
            {person_of_event} AS actor_id,
            {moment} AS moment
        FROM {events}
        WHERE {event_conditions}
    ) AS event
    INNER JOIN
    (
        {attempts}
    ) AS attempt ON attempt.actor_id = event.actor_id
    WHERE event.moment > attempt.entered
      AND event.moment < if(
          attempt.furthest = {steps:UInt8}, attempt.reached, attempt.entered + {window:UInt64}
      )
      AND {conditions}
)
""".strip()


def correlation_persons(store: ClickHouse, query: CorrelationQuery) -> list[UUID]:
    """A page of the persons asked for, ordered by the text of their uuid; one more than `query.limit` when
    there is another page. Raises ClickHouseUnavailable, ClickHouseError."""
    return [uuid for (uuid,) in store.rows(correlation_statement(query))]


def correlation_count(store: ClickHouse, query: CorrelationQuery) -> int:
    """How many persons all pages have. Raises ClickHouseUnavailable, ClickHouseError."""
    ((count,),) = store.rows(sql(COUNT, persons=correlation_persons_statement(query)))
    return int(count)


def correlation_statement(query: CorrelationQuery) -> Fragment:
    """The statement behind `correlation_persons`."""
    persons = correlation_persons_statement(query)
    return sql(PAGE, persons=persons, rows=query.limit + 1, offset=query.offset)


def correlation_persons_statement(query: CorrelationQuery) -> Fragment:
    """The ids of all persons asked for, without order."""
    funnel = query.funnel
    condition = _entered(query) if query.entity is None else _did(query, query.entity)
    return persons_of(funnel.project_id, parts(funnel.filter).of_person, condition)


def _entered(query: CorrelationQuery) -> Fragment:
    return sql(ENTERED, attempts=counted_attempts(query.funnel), conditions=where(*_converted(query)))


def _did(query: CorrelationQuery, entity: Entity) -> Fragment:
    funnel = query.funnel
    until = sql("timestamp < {until:DateTime64(6, 'UTC')}", until=funnel.date_range.date_to)
    names = list(query.excluded_names)
    other = [sql("events.event NOT IN {excluded:Array(String)}", excluded=names)] if names else []
    return sql(
        DID,
        person_of_event=PERSON_OF_EVENT,
        moment=history_packing(funnel).moment_of_event(),
        events=events_with_merges(funnel.project_id),
        event_conditions=where(
            in_range(funnel.project_id, funnel.date_range),
            until,
            *of_any_entity(funnel.project_id, [entity]),
            *other,
        ),
        attempts=counted_attempts(funnel),
        steps=len(funnel.steps),
        window=funnel.window.microseconds,
        conditions=where(*_converted(query)),
    )


def _converted(query: CorrelationQuery) -> list[Fragment]:
    if query.converted is None:
        return []
    sign = Fragment("=" if query.converted else "!=")
    return [sql("furthest {sign} {last:UInt8}", sign=sign, last=len(query.funnel.steps))]
