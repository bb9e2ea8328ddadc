"""Events of different steps at the same instant (posthog-behaviour.md 4.3, "Ties").

At such a contested instant exclusions and strictness do not count, and events are offered to the steps in the
order of the steps, each at most once to a path. Few persons have any, so what is expensive here is computed
for those alone: if() computes a branch only for the rows that take it.
"""

from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.history import Packing
from clickhouse.sql.paths import Marks

# Events of one instant are neighbours: where not all are alike, two neighbours are unlike.
CONTESTED = """
arrayDistinct(arrayMap(
    event -> {moment},
    arrayFilter(
        (event, next) -> {moment} = {next_moment} AND {mark} != {next_mark},
        arrayPopBack(history), arrayPopFront(history)
    )
))
""".strip()

# When no event matches two steps, a contested instant is in order once it is sorted by step: what is no step
# is left out, and marks are below the moment in an event's number.
SETTLED = """
if(
    empty(contested),
    history,
    arraySort(arrayFilter(
        event -> {mark} != {dropped},
        arrayMap(
            event -> if(has(contested, {moment}), {calmed}, event),
            history
        )
    ))
)
""".strip()

_OF_CONTESTED = 63

# Otherwise the history is taken apart: (moment, event, step, mark). Step 0 excludes, before the steps of its
# event from the highest down; step -1 forgets, after them. The last bit of a mark says that its instant is
# contested.
OFFERS = """
arraySort(
    offer -> if(
        has(contested, offer.1),
        (offer.1, offer.3, offer.2, toInt64(0)),
        (offer.1, offer.2, if(offer.3 > 0, toInt64(1), -2 * offer.3), -offer.3)
    ),
    arrayFlatten(arrayMap(
        (event, place) -> arrayMap(
            step -> (
                {moment}, toInt64(place), step,
                if(has(contested, {moment}), bitOr({mark}, {of_contested}), {mark})
            ),
            arrayConcat(
                arrayMap(bit -> toInt64(bit) + 1, bitPositionsToArray(bitAnd({mark}, {all_steps}))),
                if(has(contested, {moment}), emptyArrayInt64(), {around:Array(Int64)})
            )
        ),
        history, arrayEnumerate(history)
    ))
)
""".strip()

# State: for each step the path that reached it last, (entry, its events, whether it is excluded); then of the
# best path its step, its entry, when it got there, and whether it is excluded.
WALK = """
arrayFold(
    (state, moment, event, step, mark) -> (
        arrayMap(
            (path, before, following, place) -> multiIf(
                step = place AND {reached},
                (before.1, arrayPushBack(before.2, event), before.3),
                step = 0 AND bitTest(mark, {steps} - 1 + place) AND path.1 > 0
                    AND moment <= path.1 + {window:UInt64} AND path.1 != following.1,
                (path.1, path.2, true),
                step = -1 AND NOT bitTest(mark, place - 1),
                (toUInt64(0), emptyArrayInt64(), false),
                path
            ),
            state.1,
            {before},
            arrayPushBack(arrayPopFront(state.1), (toUInt64(0), emptyArrayInt64(), false)),
            range(1, {steps} + 1)
        ),
        if({better}, toUInt8(step), state.2),
        if({better}, {arriving}.1, state.3),
        if({better}, moment, state.4),
        if({better}, {arriving}.3, state.5 OR (
            step = 0 AND state.2 > 0 AND bitTest(mark, {steps} - 1 + state.2)
            AND moment <= state.3 + {window:UInt64}
        ))
    ),
    offers.1, offers.2, offers.3, offers.4,
    (
        arrayWithConstant({steps}, (toUInt64(0), emptyArrayInt64(), false)),
        toUInt8(0), toUInt64(0), toUInt64(0), false
    )
)
""".strip()
_BEFORE = Fragment("arrayPushFront(arrayPopBack(state.1), (moment, emptyArrayInt64(), false))")
_REACHED = """
(
    before.1 > 0 AND moment <= before.1 + {window:UInt64} AND NOT has(before.2, event)
    AND (before.1 != path.1 OR (place = 1 AND NOT bitTest(mark, {of_contested})))
)
""".strip()
_BETTER = """
(
    step > 0
    AND NOT (state.2 = {steps} AND NOT state.5)
    AND (step > state.2 OR (step = state.2 AND NOT {arriving}.3))
    AND arrayMap((path, before, place) -> {reached}, [state.1[step]], [{arriving}], [step])[1]
)
""".strip()


def contested(packing: Packing) -> Fragment:
    """The instants at which events are unlike each other."""
    return sql(
        CONTESTED,
        moment=Fragment(packing.moment("event")),
        mark=Fragment(packing.mark("event")),
        next_moment=Fragment(packing.moment("next")),
        next_mark=Fragment(packing.mark("next")),
    )


def settled(packing: Packing) -> Fragment:
    """The history in the order in which its events count, when no event matches two steps."""
    marks, number = packing.marks, packing.number
    exclusions = sum(1 << marks.exclusion(step) for step in range(1, marks.steps)) if marks.excluding else 0
    calm = 1 << marks.calm if marks.strict else 0
    cleared = f"bitAnd(event, bitNot(to{number}({exclusions})))"
    return sql(
        SETTLED,
        moment=Fragment(packing.moment("event")),
        mark=Fragment(packing.mark("event")),
        calmed=Fragment(f"bitOr({cleared}, to{number}({calm}))"),
        dropped=Fragment(str(calm)),
    )


def tied_histories() -> Fragment:
    """The history, where something is contested, as the one element of an array that is empty elsewhere: what
    is done with its elements is done for those persons alone."""
    return Fragment("if(empty(contested), [], [history])")


def offers(packing: Packing) -> Fragment:
    """The tied histories taken apart, for steps that share events."""
    marks = packing.marks
    taken_apart = sql(
        OFFERS,
        moment=Fragment(packing.moment("event")),
        mark=Fragment(packing.mark("event")),
        all_steps=Fragment(str(marks.all_steps)),
        of_contested=Fragment(str(1 << _OF_CONTESTED)),
        around=[0] * marks.excluding + [-1] * marks.strict,
    )
    return sql("arrayMap(\n    history -> {taken_apart},\n    tied\n)", taken_apart=taken_apart)


def walk_offers(marks: Marks, window: int) -> Fragment:
    """Of the path that got furthest, its step, when it entered, when it got there, and whether it is
    excluded. A path remembers its events, so that it uses each of them once. The first path of a contested
    instant is kept."""
    reached = sql(_REACHED, window=window, of_contested=Fragment(str(_OF_CONTESTED)))
    arriving = sql("{before}[step]", before=_BEFORE)
    steps = Fragment(str(marks.steps))
    walk = sql(
        WALK,
        reached=reached,
        before=_BEFORE,
        arriving=arriving,
        better=sql(_BETTER, steps=steps, arriving=arriving, reached=reached),
        steps=steps,
        window=window,
    )
    return sql(
        "arrayMap(\n    last -> (last.2, last.3, last.4, last.5),\n"
        "    arrayMap(\n        offers -> {walk},\n        offers\n    )\n)[1]",
        walk=walk,
    )
