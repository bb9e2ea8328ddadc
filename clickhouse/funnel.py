"""Who got how far through a funnel.

A person makes attempts: one begins at each event of the first step, and takes for every further step the
first later event that matches it within the conversion window. The attempt that counts is the one that gets
furthest, and of several that get equally far the first. In strict order, any event that does not belong to
an attempt ends it; in no order at all, an attempt makes the different steps that are done within its window.
An exclusion event spoils the attempts that it lies in. Persons are out of the funnel when every attempt that
gets furthest is spoilt. docs/semantics/funnels.md has the rules, with an example for each.

The events of each person are gathered in one array, and all attempts are followed in a few passes over it
(clickhouse/sql/attempts.py and unordered.py). ClickHouse's own windowFunnel is slower, knows no exclusions,
and lets one event take an attempt two steps further.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.query.filters import parts
from clickhouse.query.funnel import FunnelQuery, are_disjoint
from clickhouse.sql import attempts, ties, unordered
from clickhouse.sql.attempts import ENTERED, REACHED, VALUE, Elements
from clickhouse.sql.conditions import all_of, negation, where, within
from clickhouse.sql.events import in_range, of_any_entity
from clickhouse.sql.filters import is_of_entity, on_event, persons_of
from clickhouse.sql.fragment import Fragment, joined, sql
from clickhouse.sql.funnel_breakdown import Breakdown, breakdown_of
from clickhouse.sql.history import Marks, Packing
from clickhouse.sql.persons import PERSON_OF_EVENT, events_with_merges
from clickhouse.sql.stages import Column, Only, chain

# A UUID is ordered by its second half (ClickHouse manual, "UUID"), its number by the text.
PAGE = """
{persons}
ORDER BY UUIDToNum(person.id)
LIMIT {rows:UInt64} OFFSET {offset:UInt64}
""".strip()

COUNT = """
SELECT count()
FROM
(
    {persons}
)
""".strip()

_GROUPED_COLUMNS = ("actor_id", "history")
GROUPED = """
SELECT
    {grouped_by},
    arraySort({gathered}) AS history
FROM {events}
WHERE {conditions}
GROUP BY {groups}
HAVING {promising}
""".strip()


def funnel_persons(store: ClickHouse, query: FunnelQuery) -> list[UUID]:
    """A page of the persons asked for, ordered by the text of their uuid.

    One person more than `query.limit` comes back when there is another page.
    Raises ClickHouseUnavailable, ClickHouseError.
    """
    return [actor_id for (actor_id,) in store.rows(funnel_statement(query))]


def funnel_count(store: ClickHouse, query: FunnelQuery) -> int:
    """How many persons all pages have. Raises ClickHouseUnavailable, ClickHouseError."""
    ((count,),) = store.rows(sql(COUNT, persons=funnel_persons_statement(query)))
    return int(count)


def funnel_statement(query: FunnelQuery) -> Fragment:
    """The statement behind `funnel_persons`."""
    return sql(PAGE, persons=funnel_persons_statement(query), rows=query.limit + 1, offset=query.offset)


def funnel_persons_statement(query: FunnelQuery) -> Fragment:
    """The ids of all persons asked for, without order."""
    arrived = sql("person.id IN\n(\n    {actors}\n)", actors=_actors(query))
    return persons_of(query.project_id, parts(query.filter).of_person, arrived)


def _actors(query: FunnelQuery) -> Fragment:
    """Who got as far as is asked. Persons may come twice, and some may exist no more."""
    stages = _as_far_as_asked(query)
    if _chooses_attempt(query):
        stages += _counted_attempt(query)
    return chain(_grouped(query), _GROUPED_COLUMNS, stages, "SELECT actor_id FROM {previous}")


def counted_attempts(query: FunnelQuery) -> Fragment:
    """For each person who got as far as is asked: `actor_id`, `furthest`, and of the attempt that counts the
    moments at which it was `entered` and `reached` its furthest step, in the unit of `Packing`."""
    times = [
        Column("entered", Fragment(f"counted.{ENTERED}")),
        Column("reached", Fragment(f"counted.{REACHED}")),
    ]
    stages = [*_as_far_as_asked(query), *_counted_attempt(query), *times]
    return chain(
        _grouped(query),
        _GROUPED_COLUMNS,
        stages,
        "SELECT actor_id, furthest, entered, reached FROM {previous}",
    )


def _grouped(query: FunnelQuery) -> Fragment:
    breakdown = breakdown_of(query)
    return sql(
        GROUPED,
        gathered=_gathered(query, history_packing(query).pack(_mark(query, breakdown))),
        promising=where(*_promising(query), *breakdown.of_group),
        **_source(query, breakdown),
    )


def _gathered(query: FunnelQuery, event: Fragment) -> Fragment:
    """Events that match nothing count in strict order only. Otherwise they have not been read, unless they
    are events of step 1 outside the bucket of funnel trends."""
    if query.order == "strict" or query.entrance is None:
        return sql("groupArray(\n    {event}\n)", event=event)
    return sql("groupArrayIf(\n    {event},\n    mark != 0\n)", event=event)


def _promising(query: FunnelQuery) -> Iterator[Fragment]:
    """A cheap condition that holds for all who got as far as is asked: they did what the steps say, in
    whatever order. Only these persons' attempts are followed."""
    least, marks = query.furthest[0], _marks(query)
    if query.order == "unordered":
        done = f"bitCount(bitAnd(groupBitOr(mark), {marks.all_steps}))"
        yield sql(f"{done} >= {{least:UInt8}}", least=least)
        return
    required = (1 << least) - 1
    yield Fragment(f"bitAnd(groupBitOr(mark), {required}) = {required}")
    for step, times in Counter(query.steps[:least]).items():
        if times > 1:
            # Any of its bits: an event outside the bucket of funnel trends has no bit for step 1.
            bits = sum(1 << place for place, other in enumerate(query.steps[:least]) if other == step)
            yield sql(f"countIf(bitAnd(mark, {bits}) != 0) >= {{times:UInt8}}", times=times)


def _as_far_as_asked(query: FunnelQuery) -> list[Column | Only]:
    """In ordered and strict funnels exclusions only take persons away, so that they are looked at later, for
    those who get this far without them."""
    furthest = sql("furthest IN {furthest:Array(UInt8)}", furthest=list(query.furthest))
    return [*_furthest_step(query), Only("as_far_as_asked", furthest)]


def _furthest_step(query: FunnelQuery) -> Iterator[Column]:
    yield from _history(query)
    if query.order == "unordered":
        columns, furthest = unordered.furthest_step(
            _marks(query), query.window.microseconds, shared=not are_disjoint(query.steps)
        )
    else:
        columns, furthest = attempts.furthest_step(_events(query))
    yield from columns
    if _has_shared_instants(query):
        columns, of_contested = attempts.furthest_step(_instants(query))
        yield from columns
        furthest = _if_contested(of_contested, furthest)
    yield Column("furthest", furthest)


def _counted_attempt(query: FunnelQuery) -> Iterator[Column | Only]:
    """The attempt that counts, for persons for whom an attempt does, with a value asked for."""
    if query.order == "unordered":
        yield from unordered.counted(
            _marks(query),
            query.window.microseconds,
            _attribution_step(query),
            shared=not are_disjoint(query.steps),
        )
    else:
        yield from attempts.attempts(_events(query))
        counted = attempts.counted(_events(query))
        if _has_shared_instants(query):
            yield from attempts.attempts(_instants(query))
            counted = _if_contested(attempts.counted(_instants(query)), counted)
        yield Column("counted", counted)
        yield Only("unspoilt", Fragment(f"counted.{ENTERED} > 0"))
    if _attribution_step(query) is not None:
        yield Only("attributed", Fragment(f"counted.{VALUE} = 1"))


def _chooses_attempt(query: FunnelQuery) -> bool:
    """Whether it matters which attempt counts, beyond its furthest step."""
    excludes = bool(query.exclusions) and query.order != "unordered"
    return excludes or _attribution_step(query) is not None


def _attribution_step(query: FunnelQuery) -> int | None:
    """The step, counted from 1, of which the event's breakdown value is asked for."""
    breakdown = query.breakdown
    if breakdown is None or breakdown.step is None or breakdown.values is None:
        return None
    return breakdown.step + 1


def _if_contested(contested: Fragment, otherwise: Fragment) -> Fragment:
    return sql(
        "if(\n    empty(contested),\n    {otherwise},\n    {contested}\n)",
        otherwise=otherwise,
        contested=contested,
    )


def _source(query: FunnelQuery, breakdown: Breakdown) -> dict[str, Fragment]:
    entities = [*query.steps, *(exclusion.entity for exclusion in query.exclusions)]
    return {
        "grouped_by": joined(",\n", [sql("{p} AS actor_id", p=PERSON_OF_EVENT), *breakdown.columns]),
        "groups": joined(", ", [Fragment("actor_id"), *breakdown.groups]),
        "events": events_with_merges(query.project_id),
        "conditions": where(
            in_range(query.project_id, query.date_range),
            *([] if query.order == "strict" else of_any_entity(query.project_id, entities)),
            on_event(query.project_id, parts(query.filter).of_event),
            *breakdown.of_event,
        ),
    }


def _mark(query: FunnelQuery, breakdown: Breakdown) -> Fragment:
    """What an event is to the funnel, as a number: see Marks."""
    marks, steps = _marks(query), [is_of_entity(query.project_id, step) for step in query.steps]
    bits = [(matches, 1 << marks.step(step)) for step, matches in enumerate(steps, 1)]
    if query.entrance is not None:
        inside = within([query.entrance], Fragment("events.timestamp"))
        bits[0] = (all_of([steps[0], inside]), bits[0][1])
        if marks.has_calm:
            bits.append((all_of([steps[0], negation(inside)]), 1 << marks.calm))
    if breakdown.has_value is not None:
        bits.append((breakdown.has_value, 1 << marks.value))
    parts = [sql("({matches}) * {bit}", matches=matches, bit=Fragment(str(bit))) for matches, bit in bits]
    mark = sql("toUInt64(\n    {parts}\n)", parts=joined("\n+ ", parts))
    for exclusion in query.exclusions:
        standing_at = range(exclusion.from_step + 1, exclusion.to_step + 1)
        places = [1] if query.order == "unordered" else standing_at
        mark = sql(
            "bitOr(\n    {mark},\n    if({excludes}, {bits}, 0)\n)",
            mark=mark,
            excludes=is_of_entity(query.project_id, exclusion.entity),
            bits=Fragment(str(sum(1 << marks.exclusion(step) for step in places))),
        )
    return sql("{mark} AS mark", mark=mark)


def _marks(query: FunnelQuery) -> Marks:
    return Marks(
        steps=len(query.steps),
        excluding=bool(query.exclusions),
        has_calm=query.order == "strict",
        has_value=_attribution_step(query) is not None,
    )


def history_packing(query: FunnelQuery) -> Packing:
    """How the events of a person's history are written as numbers."""
    # Where arrival does not matter, the events of one instant are sorted by step.
    by_step = _orders_instants(query) and are_disjoint(dict.fromkeys(query.steps))
    with_arrival = not by_step or _attribution_step(query) is not None
    return Packing(_marks(query), query.date_range, with_arrival=with_arrival)


def _orders_instants(query: FunnelQuery) -> bool:
    """Whether the events of one instant count in the order of the steps. In funnel trends and in unordered
    funnels they count in the order of their arrival."""
    return query.order != "unordered" and query.entrance is None


def _has_shared_instants(query: FunnelQuery) -> bool:
    """Whether one instant may have events that match several steps."""
    return _orders_instants(query) and not are_disjoint(query.steps)


def _has_unsorted_instants(query: FunnelQuery) -> bool:
    """Whether the numbers of the events do not have the order in which they count."""
    by_number = query.order == "ordered" and not query.exclusions and _attribution_step(query) is None
    return _orders_instants(query) and not by_number


def _history(query: FunnelQuery) -> Iterator[Column]:
    """The events in the order in which they count."""
    packing, events = history_packing(query), "history"
    if _has_shared_instants(query):
        yield ties.contested(packing)
        yield from ties.instants(packing, _attribution_step(query))
    elif _has_unsorted_instants(query):
        yield ties.contested(packing)
        yield ties.sorted_history(packing)
        events = "sorted_history"
    if query.order == "strict":
        yield Column("unbroken", _without_repeated_breaks(packing, events))
        events = "unbroken"
    for name, value in (("moments", packing.moment("event")), ("marks", packing.mark("event"))):
        values = f"arrayMap(event -> {value}, {events})"
        yield Column(name, Fragment(values if query.order == "unordered" else f"arrayPushFront({values}, 0)"))


def _without_repeated_breaks(packing: Packing, events: str) -> Fragment:
    """Of consecutive events that match nothing, one is enough to end an attempt."""
    return Fragment(
        f"""
arrayFilter(
    (event, previous) -> {packing.kind("event")} != 0 OR {packing.kind("previous")} != 0,
    {events}, arrayPopBack(arrayPushFront({events}, 0))
)
""".strip()
    )


def _events(query: FunnelQuery) -> Elements:
    return Elements(
        _marks(query),
        query.window.microseconds,
        strict=query.order == "strict",
        trends=query.entrance is not None,
        attribution_step=_attribution_step(query),
    )


def _instants(query: FunnelQuery) -> Elements:
    return replace(_events(query), prefix=ties.PREFIX, with_moves=True)
