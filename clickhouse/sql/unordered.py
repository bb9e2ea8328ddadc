"""Attempts at an unordered funnel, as expressions over the history of one person.

An attempt begins at each event that matches a step and lasts for one conversion window
(docs/semantics/funnels.md). It makes the different steps that are done within it. An exclusion within it
spoils it, unless it has made all steps by then. So each element looks ahead: `next_k` has the moment of the
first event of step k from there on, `NEVER` if an exclusion comes before it.

For the steps A, B, C, a window of 10 and the events A at 1, B at 2, X (an exclusion) at 20, C at 21:

    next_1      1, never, never, never
    next_2      2, 2, never, never
    next_3      never, never, 21, 21
    made        2, 1, 0, 1
    counted     the attempt that begins at 1: it makes most steps, and X comes after its window

An event that matches several steps counts for one of them (`assigned_marks`).
"""

from collections.abc import Iterator

from clickhouse.sql.attempts import NEVER
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.history import Marks
from clickhouse.sql.stages import Column

# State: the moment of the latest event of each step, and the marks so far, each with one step at most.
_LATEST, _ASSIGNED = 1, 2
ASSIGNED_MARKS = """
arrayFold(
    (state, moment, mark) -> arrayMap(
        step -> (
            arrayMap(
                (latest, number) -> multiIf({excludes}, 0, number = step, moment, latest),
                state.{latest}, range(1, {steps} + 1)
            ),
            arrayPushBack(
                state.{assigned},
                bitOr(
                    bitAnd(mark, bitNot(toUInt64({all_steps}))),
                    if({excludes}, 0, bitShiftLeft(toUInt64(1), toUInt8(step - 1)))
                )
            )
        ),
        [{step}]
    )[1],
    moments, marks,
    (arrayWithConstant({steps}, toUInt64(0)), emptyArrayUInt64())
).{assigned}
""".strip()
# The step that was done longest ago within the window; one that was not done within it counts as longest.
_STEP_OF_EVENT = """
arrayMap(
    latest -> indexOf(latest, arrayMin(latest)),
    [arrayMap(
        (latest, number) -> multiIf(
            NOT bitTest(mark, number), {never},
            latest + {window:UInt64} >= moment, latest,
            0
        ),
        state.{latest}, range({steps})
    )]
)[1]
""".strip()

NEXT = """
arrayPopBack(arrayReverseFill(
    next -> next > 0,
    arrayPushBack(
        arrayMap(
            (moment, mark) -> {next},
            moments, {marks}
        ),
        {never}
    )
))
""".strip()

MADE = """
arrayMap(
    ({names}) -> {made},
    {arrays}
)
""".strip()

# The places of the first events of the steps that are made, in their order.
MADE_PLACES = """
arraySort(arrayFilter(
    made -> made > 0 AND moments[made] <= moments[place] + {window:UInt64},
    arrayMap(
        step -> arrayFirstIndex(
            (mark, at) -> at >= place AND bitTest(mark, step),
            {marks}, arrayEnumerate({marks})
        ),
        range({steps})
    )
))
""".strip()


def furthest_step(marks: Marks, window: int, *, shared: bool) -> tuple[list[Column], Fragment]:
    """Columns, and the number of steps that the best attempt makes which is not spoilt; 0 for none.

    `shared`: the steps may match the same events.
    """
    columns = [_assigned_marks(marks, window)] if shared else []
    of = "assigned_marks" if shared else "marks"
    columns += [Column(f"next_{step}", _next_event(marks, step, of)) for step in range(1, marks.steps + 1)]
    if marks.excluding:
        columns.append(Column("next_exclusion", _next(f"if({_excludes(marks)}, moment, 0)", of)))
    return [*columns, Column("made", _made(marks, window))], Fragment("arrayMax(made)")


def counted(marks: Marks, window: int, attribution_step: int | None, *, shared: bool) -> Iterator[Column]:
    """The column `counted`: the first attempt that makes the most steps, with the slots of attempts.py."""
    yield Column("place", Fragment("indexOf(made, furthest)"))
    of = "assigned_marks" if shared else "marks"
    places = sql(MADE_PLACES, window=window, marks=Fragment(of), steps=Fragment(str(marks.steps)))
    yield Column("made_places", places)
    value = "toUInt8(0)"
    if attribution_step is not None:
        # The array has no element there when the step was not made, and element 0 has the mark 0.
        value = f"bitTest({of}[made_places[{attribution_step}]], {marks.value})"
    reached, spoilt = "moments[made_places[-1]]", f"toUInt64({NEVER})"
    yield Column("counted", Fragment(f"(moments[place], {reached}, {spoilt}, {value})"))


def _assigned_marks(marks: Marks, window: int) -> Column:
    step = sql(
        _STEP_OF_EVENT,
        never=Fragment(NEVER),
        latest=Fragment(str(_LATEST)),
        steps=Fragment(str(marks.steps)),
        window=window,
    )
    expression = sql(
        ASSIGNED_MARKS,
        excludes=Fragment(_excludes(marks)),
        latest=Fragment(str(_LATEST)),
        assigned=Fragment(str(_ASSIGNED)),
        steps=Fragment(str(marks.steps)),
        all_steps=Fragment(str(marks.all_steps)),
        step=step,
    )
    return Column("assigned_marks", expression)


def _excludes(marks: Marks) -> str:
    return f"bitTest(mark, {marks.exclusion(1)})" if marks.excluding else "false"


def _next_event(marks: Marks, step: int, of: str) -> Fragment:
    matches = f"bitTest(mark, {marks.step(step)})"
    if not marks.excluding:
        return _next(f"if({matches}, moment, 0)", of)
    # An exclusion does nothing else, whatever steps it matches.
    return _next(f"multiIf({_excludes(marks)}, toUInt64({NEVER}), {matches}, moment, 0)", of)


def _next(value: str, of: str) -> Fragment:
    """At each element, the nearest value from there on that is not 0."""
    return sql(NEXT, next=Fragment(value), marks=Fragment(of), never=Fragment(f"toUInt64({NEVER})"))


def _made(marks: Marks, window: int) -> Fragment:
    """The number of steps that an attempt makes which begins at each element; 0 if it is spoilt."""
    names = [f"next_{step}" for step in range(1, marks.steps + 1)]
    made = "toUInt8(" + " + ".join(f"({name} <= moment + {{window:UInt64}})" for name in names) + ")"
    if marks.excluding:
        spoils = "exclusion <= moment + {window:UInt64}"
        made = f"if({made} < {marks.steps} AND {spoils}, toUInt8(0), {made})"
    arrays = {"moment": "moments"} | {name: name for name in names}
    arrays |= {"exclusion": "next_exclusion"} if marks.excluding else {}
    return sql(
        MADE,
        names=Fragment(", ".join(arrays)),
        made=sql(made, window=window),
        arrays=Fragment(", ".join(arrays.values())),
    )
