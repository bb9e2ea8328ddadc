"""Who got how far through an ordered list of steps.

A funnel is walked by one person at a time. Every event of the first step opens a path; an event of step
k takes the latest path that stands at step k-1 one step further, provided that it happens within the
conversion window of that path's first event. Other events in between do not matter. A path stays at the
steps it has reached until a later path reaches them too, so what is remembered is one entry per step:
when the path that reached it last began. The furthest step that ever had an entry is the person's result
(posthog-behaviour.md 4.1 to 4.3).

There are two ways to that number. When no event can match two steps, ClickHouse's windowFunnel is exactly
this. Otherwise it is not (one event would take a path two steps further), and the history of each person
is folded event by event.
"""

from collections.abc import Sequence
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.query.filters import Entity, parts
from clickhouse.query.funnel import FunnelQuery
from clickhouse.sql.conditions import known, where
from clickhouse.sql.events import in_range, of_any_entity
from clickhouse.sql.filters import of_entity, on_event, persons_of
from clickhouse.sql.fragment import Fragment, joined, sql
from clickhouse.sql.persons import PERSON_OF_EVENT, events_with_merges

# A UUID is ordered by its second half (ClickHouse manual, "UUID"), its number by the text.
PAGE = """
{persons}
ORDER BY UUIDToNum(actor_id)
LIMIT {rows:UInt64} OFFSET {offset:UInt64}
""".strip()

COUNT = """
SELECT count()
FROM
(
    {persons}
)
""".strip()

PERSONS = """
SELECT actor_id
FROM
(
    {furthest_by_actor}
)
WHERE furthest IN {furthest:Array(UInt8)}
  AND actor_id IN
  (
      {persons}
  )
""".strip()

# Microseconds since 1653: windowFunnel takes no negative numbers, and 0 means "never" to the folds.
MOMENT = Fragment("toUInt64(toUnixTimestamp64Micro(timestamp) + 10000000000000000)")

# For steps of which no two have an event in common.
DISJOINT = """
SELECT
    {person_of_event} AS actor_id,
    windowFunnel({window:UInt64})(
        {moment},
        {conditions}
    ) AS furthest
FROM {events}
WHERE {condition}
GROUP BY actor_id
""".strip()

# Any steps. Two kinds of fold, because only a person with a contested moment, one at which events of
# different steps tie, needs the slower kind; such persons are few, and if() computes a branch only for
# the rows that take it.
OVERLAPPING = """
WITH
    history.1 AS moments,
    history.3 AS step_sets,
    arrayFilter(
        (moment, steps, next_moment, next_steps) -> moment = next_moment AND steps != next_steps,
        arrayPopBack(moments), arrayPopBack(step_sets), arrayPopFront(moments), arrayPopFront(step_sets)
    ) AS contested,
    {ordered_triples} AS triples
SELECT
    actor_id,
    arrayCount(
        entry -> entry > 0,
        if(
            empty(contested),
            {entries},
            {entries_despite_ties}
        )
    ) AS furthest
FROM
(
    SELECT
        {person_of_event} AS actor_id,
        arraySort(groupArray((
            {moment},
            arrival,
            {step_set}
        ))) AS history
    FROM {events}
    WHERE {condition}
    GROUP BY actor_id
)
""".strip()

# One entry per step: when the latest path that reached it began, 0 for none. An event moves paths from
# all the steps before its own at once, so that none moves twice; to step 1 comes a path that begins now.
ENTRIES = """
arrayFold(
    (entries, moment, steps) -> arrayMap(
        (step, coming, present) -> if(
            bitTest(steps, step) AND coming > 0 AND moment <= coming + {window:UInt64},
            coming,
            present
        ),
        range({steps:UInt8}),
        arrayPushFront(arrayPopBack(entries), moment),
        entries
    ),
    moments, step_sets,
    arrayWithConstant({steps:UInt8}, toUInt64(0))
)
""".strip()

# The history taken apart into (moment, event, step). All rules of ties are in the order of these: at a
# contested moment by step, so that steps 1 and 2 convert whichever arrived first; at any other moment by
# event, from its highest step down.
ORDERED_TRIPLES = """
arraySort(
    triple -> if(
        has(contested, triple.1),
        (triple.1, triple.3, toInt64(triple.2)),
        (triple.1, toInt64(triple.2), -triple.3)
    ),
    arrayFlatten(arrayMap(
        (moment, event, steps) -> arrayMap(
            step -> (moment, event, toInt64(step)),
            bitPositionsToArray(steps)
        ),
        moments, arrayEnumerate(moments), step_sets
    ))
)
""".strip()

# As ENTRIES, one triple after the other. A path remembers its events as well, (entry, events), so that it
# uses each of them once; a step that a path has reached keeps the event by which it did.
ENTRIES_DESPITE_TIES = """
arrayFold(
    (paths, moment, event, step) -> arrayMap(
        (own_step, coming, present) -> if(
            step = own_step AND coming.1 > 0 AND moment <= coming.1 + {window:UInt64}
                AND coming.1 != present.1 AND NOT has(coming.2, event),
            (coming.1, arrayPushBack(coming.2, event)),
            present
        ),
        range({steps:UInt8}),
        arrayPushFront(arrayPopBack(paths), (moment, emptyArrayUInt32())),
        paths
    ),
    triples.1, triples.2, triples.3,
    arrayWithConstant({steps:UInt8}, (toUInt64(0), emptyArrayUInt32()))
).1
""".strip()


def funnel_persons(store: ClickHouse, query: FunnelQuery) -> list[UUID]:
    """A page of the persons asked for, ordered by the text of their uuid.

    One person more than `query.limit` comes back when there is another page.
    Raises ClickHouseUnavailable, ClickHouseError.
    """
    return [actor_id for (actor_id,) in store.rows(funnel_statement(query))]


def funnel_count(store: ClickHouse, query: FunnelQuery) -> int:
    """How many persons all pages have. Raises ClickHouseUnavailable, ClickHouseError."""
    ((count,),) = store.rows(sql(COUNT, persons=_persons(query)))
    return int(count)


def funnel_statement(query: FunnelQuery) -> Fragment:
    """The statement behind `funnel_persons`."""
    return sql(PAGE, persons=_persons(query), rows=query.limit + 1, offset=query.offset)


def _persons(query: FunnelQuery) -> Fragment:
    return sql(
        PERSONS,
        furthest_by_actor=_disjoint(query) if _are_disjoint(query.steps) else _overlapping(query),
        furthest=list(query.furthest),
        persons=persons_of(query.project_id, parts(query.filter).of_person),
    )


def _are_disjoint(steps: Sequence[Entity]) -> bool:
    if any(step.names is None for step in steps):
        return False
    names = [name for step in steps for name in step.names or ()]
    return len(set(names)) == len(names)


def _disjoint(query: FunnelQuery) -> Fragment:
    return sql(
        DISJOINT,
        window=query.window.microseconds,
        moment=MOMENT,
        conditions=joined(",\n", (known(of_entity(query.project_id, step)) for step in query.steps)),
        **_source(query),
    )


def _overlapping(query: FunnelQuery) -> Fragment:
    bounds = {"window": query.window.microseconds, "steps": len(query.steps)}
    return sql(
        OVERLAPPING,
        ordered_triples=Fragment(ORDERED_TRIPLES),
        entries=sql(ENTRIES, **bounds),
        entries_despite_ties=sql(ENTRIES_DESPITE_TIES, **bounds),
        moment=MOMENT,
        step_set=_step_set(query),
        **_source(query),
    )


def _step_set(query: FunnelQuery) -> Fragment:
    """The steps that an event matches as one number: its lowest bit is step 1."""
    bits = [
        sql(
            "({matches}) * {bit}",
            matches=known(of_entity(query.project_id, step)),
            bit=Fragment(str(1 << place)),
        )
        for place, step in enumerate(query.steps)
    ]
    return sql("toUInt32(\n    {bits}\n)", bits=joined("\n+ ", bits))


def _source(query: FunnelQuery) -> dict[str, Fragment]:
    return {
        "person_of_event": PERSON_OF_EVENT,
        "events": events_with_merges(query.project_id),
        "condition": where(
            in_range(query.project_id, query.date_range),
            *of_any_entity(query.project_id, query.steps),
            on_event(query.project_id, parts(query.filter).of_event),
        ),
    }
