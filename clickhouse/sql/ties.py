"""Events of one person at the same instant (docs/semantics/funnels.md, "Ties").

An instant is contested when its events do not all match the same steps and exclusions. There, exclusions and
strictness do not count. Events are offered to the steps in the order of the steps, those of one step in the
order of their arrival, and an attempt uses each event once.

When no event matches two steps, sorting such an instant by step is enough. Otherwise a contested instant
becomes one element of the history. Where it takes an attempt depends only on the step at which the attempt
stands, so its `moves` are worked out once: for the steps A, B, C and the events B and A at
one instant, an attempt that begins there moves from step 0 to step 2, one that stands at step 1 moves to
step 2, and one that stands at step 2 does not move.

Few persons have contested instants. For the others the arrays here are empty, so that passes over them cost
nothing.
"""

from collections.abc import Iterator

from clickhouse.sql.attempts import MOVED_VALUE, TARGET
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.history import Packing
from clickhouse.sql.stages import Column

PREFIX = "instant_"

# Events of one instant are neighbours. Where not all are alike, two neighbours are unlike.
CONTESTED = """
arrayDistinct(arrayMap(
    event -> {moment},
    arrayFilter(
        (event, next) -> {moment} = {next_moment} AND {kind} != {next_kind},
        arrayPopBack(history), arrayPopFront(history)
    )
))
""".strip()

# When no event matches two steps, it is enough to sort a contested instant by step. `kind` has a bit for each
# step, the lowest for the first; what matches nothing is left out.
SORTED = """
if(
    empty(contested),
    history,
    arraySort(
        event -> ({moment}, {kind}, event),
        arrayFilter(
            event -> {kind} != {only_calm},
            arrayMap(
                event -> if(has(contested, {moment}), {calmed}, event),
                history
            )
        )
    )
)
""".strip()

# Otherwise each element is an array of events: those of a contested instant, or one event.
INSTANTS = """
arrayMap(
    history -> arraySplit(
        (event, previous) -> {moment} != {previous_moment} OR NOT has(contested, {moment}),
        history, arrayPushFront(arrayPopBack(history), 0)
    ),
    if(empty(contested), [], [history])
)[1]
""".strip()

MOVES = """
arrayMap(
    instant -> arrayMap(
        standing -> if(
            length(instant) = 1,
            (toUInt8(standing + bitTest({first}, standing)), toUInt8({first_value})),
            {of_contested}
        ),
        range({steps})
    ),
    instants
)
""".strip()

# The state has the slots of a move, and the places of the events that the attempt has used.
_USED = 3
OF_CONTESTED = """
arrayMap(
    state -> (state.{target}, state.{moved_value}),
    [arrayFold(
        (state, step) -> arrayMap(
            place -> if(
                place > 0 AND step > standing AND state.{target} = step - 1,
                (toUInt8(step), toUInt8({value}), arrayPushBack(state.{used}, place)),
                state
            ),
            [arrayFirstIndex(
                (event, place) -> bitTest({mark}, step - 1) AND NOT has(state.{used}, place),
                instant, arrayEnumerate(instant)
            )]
        )[1],
        range(1, {steps} + 1),
        (toUInt8(standing), toUInt8(0), emptyArrayUInt32())
    )]
)[1]
""".strip()


def contested(packing: Packing) -> Column:
    """The moments at which events are unlike each other."""
    expression = sql(
        CONTESTED,
        moment=Fragment(packing.moment("event")),
        kind=Fragment(packing.kind("event")),
        next_moment=Fragment(packing.moment("next")),
        next_kind=Fragment(packing.kind("next")),
    )
    return Column("contested", expression)


def sorted_history(packing: Packing) -> Column:
    """The history in the order in which its events count, when no event matches two steps."""
    marks, number = packing.marks, packing.number
    exclusions = sum(1 << marks.exclusion(step) for step in range(1, marks.steps)) if marks.excluding else 0
    calm = 1 << marks.calm if marks.has_calm else 0
    cleared = f"bitAnd(event, bitNot(to{number}({exclusions})))"
    expression = sql(
        SORTED,
        moment=Fragment(packing.moment("event")),
        kind=Fragment(packing.kind("event")),
        only_calm=Fragment(str(calm)),
        calmed=Fragment(f"bitOr({cleared}, to{number}({calm}))"),
    )
    return Column("sorted_history", expression)


def instants(packing: Packing, attribution_step: int | None) -> Iterator[Column]:
    """The elements of persons with contested instants: their moments, marks and moves."""
    moment, previous = Fragment(packing.moment("event")), Fragment(packing.moment("previous"))
    yield Column("instants", sql(INSTANTS, moment=moment, previous_moment=previous))
    # A contested instant excludes nothing, and leaves attempts at every step.
    mark = f"if(length(instant) = 1, {packing.mark('instant[1]')}, {packing.marks.all_steps})"
    first_moment = packing.moment("instant[1]")
    yield Column(
        f"{PREFIX}moments", _with_origin(Fragment(f"arrayMap(instant -> {first_moment}, instants)"), "0")
    )
    yield Column(f"{PREFIX}marks", _with_origin(Fragment(f"arrayMap(instant -> {mark}, instants)"), "0"))
    yield Column(f"{PREFIX}moves", _with_origin(_moves(packing, attribution_step), "[]"))


def _moves(packing: Packing, attribution_step: int | None) -> Fragment:
    first_value, value = "0", f"state.{MOVED_VALUE}"
    if attribution_step is not None:
        bit = packing.marks.value
        first_value = f"bitTest({packing.mark('instant[1]')}, {bit})"
        value = f"if(step = {attribution_step}, bitTest({packing.mark('instant[place]')}, {bit}), {value})"
    steps = Fragment(str(packing.marks.steps))
    of_contested = sql(
        OF_CONTESTED,
        target=Fragment(str(TARGET)),
        moved_value=Fragment(str(MOVED_VALUE)),
        used=Fragment(str(_USED)),
        value=Fragment(value),
        mark=Fragment(packing.mark("event")),
        steps=steps,
    )
    return sql(
        MOVES,
        first=Fragment(packing.mark("instant[1]")),
        first_value=Fragment(first_value),
        of_contested=of_contested,
        steps=steps,
    )


def _with_origin(array: Fragment, origin: str) -> Fragment:
    return sql("arrayPushFront(\n    {array},\n    {origin}\n)", array=array, origin=Fragment(origin))
