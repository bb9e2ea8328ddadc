"""Who got how far through a funnel.

A funnel is walked by one person at a time. Every event of the first step opens a path; an event of step k
takes the latest path that stands at step k-1 one step further, provided that it happens within the conversion
window of that path's first event. A path stays at the steps it has reached until a later path reaches them
too. The furthest step that a path ever reached is the person's result (posthog-behaviour.md 4.1 to 4.5).

In the strict order whatever else the person does in between ends the paths; in no order at all, what counts
is how many different steps were done within one window. An exclusion ends a path, and with the best path the
person is out of the funnel.

The events of each person are gathered in one array, and the walk is a few passes over it
(clickhouse/sql/paths.py). ClickHouse's own windowFunnel is slower, knows no exclusions, and lets one event
take a path two steps further.
"""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from clickhouse.client import ClickHouse
from clickhouse.query.filters import parts
from clickhouse.query.funnel import FunnelQuery, are_disjoint
from clickhouse.sql import ties
from clickhouse.sql.conditions import all_of, negation, where, within
from clickhouse.sql.events import in_range, of_any_entity
from clickhouse.sql.filters import is_of_entity, on_event, persons_of
from clickhouse.sql.fragment import Fragment, joined, sql
from clickhouse.sql.funnel_breakdown import Breakdown, breakdown_of
from clickhouse.sql.history import Packing
from clickhouse.sql.paths import (
    Marks,
    Walk,
    gather,
    gather_sharing,
    walk_freely,
    walk_with_exclusions,
    when_gathered,
)
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
    stages = _until_as_far_as_asked(query)
    if _excludes(query):
        walk = _best_path(query)
        stages += [*walk.columns, Only("not_excluded", walk.result)]
    return chain(_grouped(query), stages, "SELECT actor_id FROM {previous}")


def ways_through(query: FunnelQuery) -> Fragment:
    """Of those who got as far as is asked: `actor_id`, `furthest`, and of the path that got them there
    `entered` and `reached`, the moments at which it began and arrived, counted as in `Packing`."""
    stages = _until_as_far_as_asked(query)
    if query.order == "unordered":
        stages += when_gathered(_marks(query), query.window.microseconds)
    else:
        walk = _best_path(query)
        stages += [*walk.columns, Only("not_excluded", walk.result), *_times(query)]
    return chain(_grouped(query), stages, "SELECT actor_id, furthest, entered, reached FROM {previous}")


def _grouped(query: FunnelQuery) -> Fragment:
    breakdown = breakdown_of(query)
    return sql(
        GROUPED,
        gathered=_gathered(query, history_packing(query).pack(_mark(query, breakdown))),
        promising=where(*_promising(query), *breakdown.of_group),
        **_source(query, breakdown),
    )


def _gathered(query: FunnelQuery, event: Fragment) -> Fragment:
    """What matches nothing counts in strict order only. Otherwise it has not been read, unless a step takes
    less than its events."""
    restricted = query.entrance is not None or (query.breakdown and query.breakdown.attribution == "step")
    if query.order == "strict" or not restricted:
        return sql("groupArray(\n    {event}\n)", event=event)
    return sql("groupArrayIf(\n    {event},\n    mark != 0\n)", event=event)


def _promising(query: FunnelQuery) -> Iterator[Fragment]:
    """What is true of all who got as far as is asked, and cheap to know: that they did what the steps say, in
    whatever order. The few that are left are walked."""
    least, marks = query.furthest[0], _marks(query)
    if query.order == "unordered":
        done = f"bitCount(bitAnd(groupBitOr(mark), {marks.all_steps}))"
        yield sql(f"{done} >= {{least:UInt8}}", least=least)
        return
    required = (1 << least) - 1
    yield Fragment(f"bitAnd(groupBitOr(mark), {required}) = {required}")
    for step, times in Counter(query.steps[:least]).items():
        if times > 1:
            # Any of its bits: what a bucket or a breakdown says of one of them is not true of the others.
            bits = sum(1 << place for place, other in enumerate(query.steps[:least]) if other == step)
            yield sql(f"countIf(bitAnd(mark, {bits}) != 0) >= {{times:UInt8}}", times=times)


def _until_as_far_as_asked(query: FunnelQuery) -> list[Column | Only]:
    """Exclusions take away, so they are looked at later, only for those who get this far without them."""
    walk = _walk(query)
    furthest = sql("furthest IN {furthest:Array(UInt8)}", furthest=list(query.furthest))
    return [
        *_in_order(query),
        *walk.columns,
        Column("furthest", walk.result),
        Only("as_far_as_asked", furthest),
    ]


def _excludes(query: FunnelQuery) -> bool:
    """Whether there are exclusions that end paths; in no order they are part of the walk itself."""
    return bool(query.exclusions) and query.order != "unordered"


def _best_path(query: FunnelQuery) -> Walk:
    """The path that got furthest, and whether it is not excluded."""
    marks, window = _marks(query), query.window.microseconds
    walk = walk_with_exclusions(marks, window)
    if not _shares_events(query):
        return walk
    despite_ties = Column("despite_ties", ties.walk_offers(marks, window))
    survives = _despite_ties(walk.result, Fragment("NOT despite_ties.4"))
    return Walk((*walk.columns, despite_ties), survives)


def _times(query: FunnelQuery) -> Iterator[Column]:
    for name, place, tied_place in (("entered", 1, 2), ("reached", 5, 3)):
        time = Fragment(f"best.2.{place}")
        tied = Fragment(f"despite_ties.{tied_place}")
        yield Column(name, _despite_ties(time, tied) if _shares_events(query) else time)


def _source(query: FunnelQuery, breakdown: Breakdown) -> dict[str, Fragment]:
    events = events_with_merges(query.project_id)
    entities = [*query.steps, *(exclusion.entity for exclusion in query.exclusions)]
    return {
        "grouped_by": joined(",\n", [sql("{p} AS actor_id", p=PERSON_OF_EVENT), *breakdown.columns]),
        "groups": joined(", ", [Fragment("actor_id"), *breakdown.groups]),
        "events": joined("\n", [events, *breakdown.source]),
        "conditions": where(
            in_range(query.project_id, query.date_range),
            *([] if query.order == "strict" else of_any_entity(query.project_id, entities)),
            on_event(query.project_id, parts(query.filter).of_event),
            *breakdown.of_event,
        ),
    }


def _steps(query: FunnelQuery, breakdown: Breakdown) -> list[Fragment]:
    """For each step, whether an event matches it. Never NULL."""
    conditions = [is_of_entity(query.project_id, step) for step in query.steps]
    if breakdown.at_step is not None:
        number, condition = breakdown.at_step
        conditions[number] = all_of([conditions[number], condition])
    return conditions


def _mark(query: FunnelQuery, breakdown: Breakdown) -> Fragment:
    """What an event is to the funnel, as a number: see Marks."""
    marks, steps = _marks(query), _steps(query, breakdown)
    bits = [(matches, 1 << marks.step(step)) for step, matches in enumerate(steps, 1)]
    if query.entrance is not None:
        inside = within([query.entrance], Fragment("events.timestamp"))
        bits[0] = (all_of([steps[0], inside]), bits[0][1])
        if marks.strict:
            bits.append((all_of([steps[0], negation(inside)]), 1 << marks.calm))
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
        strict=query.order == "strict",
        of_bucket=query.entrance is not None,
    )


def history_packing(query: FunnelQuery) -> Packing:
    """How the events of a person's history are written as numbers."""
    # Events of one instant that are alike can change places, and others are sorted by step. A repeated step
    # makes no two events unlike each other that share a step.
    by_arrival = not _heeds_ties(query) or not are_disjoint(dict.fromkeys(query.steps))
    return Packing(_marks(query), query.date_range, with_arrival=by_arrival)


def _heeds_ties(query: FunnelQuery) -> bool:
    return query.order != "unordered" and query.entrance is None


def _shares_events(query: FunnelQuery) -> bool:
    """Whether ties are heeded of events that may match two steps."""
    return _heeds_ties(query) and not are_disjoint(query.steps)


def _walk(query: FunnelQuery) -> Walk:
    """How far everybody gets, without looking at the exclusions of ordered funnels."""
    marks, window = _marks(query), query.window.microseconds
    if query.order == "unordered":
        return gather(marks, window) if are_disjoint(query.steps) else gather_sharing(marks, window)
    walk = walk_freely(marks, window)
    if not _shares_events(query):
        return walk
    tied = Column("tied", ties.tied_histories())
    offers = Column("offers", ties.offers(history_packing(query)))
    furthest = sql("{walk}.1", walk=ties.walk_offers(marks, window))
    return Walk((tied, offers, *walk.columns), _despite_ties(walk.result, furthest))


def _despite_ties(result: Fragment, despite_ties: Fragment) -> Fragment:
    return sql(
        "if(\n    empty(contested),\n    {result},\n    {despite_ties}\n)",
        result=result,
        despite_ties=despite_ties,
    )


def _in_order(query: FunnelQuery) -> Iterator[Column]:
    """The events in the order in which they count."""
    packing, strict = history_packing(query), query.order == "strict"
    events = "history"
    if _heeds_ties(query) and (strict or query.exclusions or _shares_events(query)):
        yield Column("contested", ties.contested(packing))
        if not _shares_events(query):
            yield Column("settled", ties.settled(packing))
            events = "settled"
    if strict:
        yield Column("unbroken", _without_repeated_breaks(packing, events))
        events = "unbroken"
    for name, value in (("moments", packing.moment("event")), ("marks", packing.mark("event"))):
        yield Column(name, Fragment(f"arrayPushFront(arrayMap(event -> {value}, {events}), 0)"))


def _without_repeated_breaks(packing: Packing, events: str) -> Fragment:
    """Of events that match nothing, one after another is enough to forget everything."""
    return Fragment(
        f"""
arrayFilter(
    (event, previous) -> {packing.mark("event")} != 0 OR {packing.mark("previous")} != 0,
    {events}, arrayPopBack(arrayPushFront({events}, 0))
)
""".strip()
    )
