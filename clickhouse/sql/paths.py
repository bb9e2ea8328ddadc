"""Walking through a funnel, as expressions over the history of one person.

A history is an array of events in the order in which they count. Each state of the walk (what stands at step
k?) is an array over the same events: what an event puts there, or "unchanged", which arrayFill replaces by
what was there before. So a walk is a few passes over short arrays, whatever the number of persons.

`moments` (0 for an element put before the first event) and `marks` describe the events; the bits of a mark
are those of `Marks`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.stages import Column

# No moment and no entry is as large.
UNCHANGED = "18446744073709551615"


@dataclass(frozen=True, slots=True)
class Marks:
    """What the bits of an event's mark say: first, for each step, that the event matches it; then, for each
    step but the last, that the event excludes the paths that stand there; then, in strict order, that it is
    calm: nothing is forgotten after it, because its instant is contested, or, when only paths of a bucket
    count, step 1 is not, because the event would begin a path outside."""

    steps: int
    excluding: bool
    strict: bool
    of_bucket: bool = False

    def step(self, number: int) -> int:
        """The bit of a step, counted from 1."""
        return number - 1

    def exclusion(self, number: int) -> int:
        """The bit of the paths that stand at a step, counted from 1."""
        return self.steps + number - 1

    @property
    def calm(self) -> int:
        return self.steps + (self.steps - 1) * self.excluding

    @property
    def width(self) -> int:
        """How many bits there are."""
        return self.calm + self.strict

    @property
    def all_steps(self) -> int:
        """The number with the bits of all steps."""
        return (1 << self.steps) - 1


@dataclass(frozen=True, slots=True)
class Walk:
    """Columns, each of which may use those before it, and what comes of them."""

    columns: tuple[Column, ...]
    result: Fragment


def walk_freely(marks: Marks, window: int) -> Walk:
    """The furthest step that a path reaches in order, when nothing is excluded.

    `entries_k`: the entry of the latest path that reached step k.
    """
    cases = ", ".join(f"arrayMax(entries_{step}) > 0, {step}" for step in range(marks.steps, 0, -1))
    return Walk(tuple(_entries(marks, window)), Fragment(f"multiIf({cases}, 0)"))


def _entries(marks: Marks, window: int) -> Iterator[Column]:
    for step in range(1, marks.steps + 1):
        arrival, before = f"bitTest(mark, {marks.step(1)}), moment", "moments"
        if step > 1:
            arrival = f"{_arrives(marks, step)}, before"
            before = _previous(f"entries_{step - 1}", "toUInt64(0)")
        expression = f"""
arrayFill(
    entry -> entry != {UNCHANGED},
    arrayMap(
        (moment, mark, before) -> multiIf(
            moment = 0, 0,
            {arrival},
            {_otherwise(marks, step, "0", UNCHANGED)}
        ),
        moments, marks, {before}
    )
)
"""
        values = {"window": window} if step > 1 else {}
        yield Column(f"entries_{step}", sql(expression.strip(), **values))


def _arrives(marks: Marks, step: int) -> str:
    """Whether an event brings a path to a step: from the step before, within the window of its entry."""
    return f"bitTest(mark, {marks.step(step)}) AND before > 0 AND moment <= before + {{window:UInt64}}"


def _otherwise(marks: Marks, step: int, nothing: str, unchanged: str) -> str:
    """What an event puts at a step to which it brings no path: in strict order nothing stays where the event
    does not match."""
    if not marks.strict:
        return unchanged
    stays = f"bitTest(mark, {marks.step(step)})"
    if step == 1 or not marks.of_bucket:
        stays += f" OR bitTest(mark, {marks.calm})"
    return f"if({stays}, {unchanged}, {nothing})"


def _previous(array: str, nothing: str) -> str:
    """An array as it was before each event. An event takes a path from what was there before it, so that no
    path moves twice."""
    return f"arrayPopBack(arrayPushFront({array}, {nothing}))"


# A path at a step: its entry, whether it was excluded when it arrived, place and moment of the next
# exclusion, and when it arrived.
_NO_PATH = "(toUInt64(0), false, toUInt64(0), toUInt64(0), toUInt64(0))"
_SAME_PATH = f"(toUInt64({UNCHANGED}), false, toUInt64(0), toUInt64(0), toUInt64(0))"
_NO_EXCLUSION = f"(toUInt64({UNCHANGED}), toUInt64({UNCHANGED}))"


def walk_with_exclusions(marks: Marks, window: int) -> Walk:
    """Whether the path that got furthest is not excluded. Its columns come after those of `walk_freely`.

    `next_exclusions_k`: place and moment of the first exclusion of step k after each event. `arrivals_k`: the
    paths that arrive at step k, `paths_k` those that stand there. `best`: of the paths that got furthest, the
    first that got all the way without being excluded, else the last that was not excluded when it arrived.
    """
    arrived = f"path.1 > 0 AND path.1 != {UNCHANGED}"
    last = marks.steps
    cases = [f"arrayExists(path -> {arrived} AND NOT path.2, arrivals_{last})"]
    values = [f"(toUInt8({last}), arrayFirst(path -> {arrived} AND NOT path.2, arrivals_{last}))"]
    for step in range(last, 0, -1):
        cases.append(f"arrayExists(path -> {arrived}, arrivals_{step})")
        values.append(f"(toUInt8({step}), arrayLast(path -> {arrived} AND NOT path.2, arrivals_{step}))")
    listed = ",\n    ".join(f"{case}, {value}" for case, value in zip(cases, values, strict=True))
    best = Fragment(f"multiIf(\n    {listed},\n    (toUInt8(0), {_NO_PATH})\n)")
    survives = f"best.2.1 > 0 AND (best.1 = {last} OR NOT best.2.4 <= best.2.1 + {{window:UInt64}})"
    columns = (*_next_exclusions(marks), *_paths(marks, window), Column("best", best))
    return Walk(columns, sql(survives, window=window))


def _next_exclusions(marks: Marks) -> Iterator[Column]:
    for step in range(1, marks.steps):
        expression = f"""
arrayPushBack(
    arrayPopFront(arrayReverseFill(
        exclusion -> exclusion.1 != {UNCHANGED},
        arrayMap(
            (moment, mark, place) -> if(
                bitTest(mark, {marks.exclusion(step)}), (toUInt64(place), moment), {_NO_EXCLUSION}
            ),
            moments, marks, arrayEnumerate(moments)
        )
    )),
    {_NO_EXCLUSION}
)
"""
        if not marks.excluding:
            expression = f"arrayMap(moment -> {_NO_EXCLUSION}, moments)"
        yield Column(f"next_exclusions_{step}", Fragment(expression.strip()))


def _paths(marks: Marks, window: int) -> Iterator[Column]:
    for step in range(1, marks.steps + 1):
        yield Column(f"arrivals_{step}", _arrivals(marks, step, window))
        if step < marks.steps:
            filled = f"arrayFill(path -> path.1 != {UNCHANGED}, arrivals_{step})"
            yield Column(f"paths_{step}", Fragment(filled))


def _arrivals(marks: Marks, step: int, window: int) -> Fragment:
    following = f"next_exclusions_{step}"
    if step == marks.steps:
        following = f"arrayMap(moment -> {_NO_EXCLUSION}, moments)"
    otherwise = _otherwise(marks, step, _NO_PATH, _SAME_PATH)
    if step == 1:
        template = f"""
arrayMap(
    (moment, mark, following) -> multiIf(
        moment = 0, {_NO_PATH},
        bitTest(mark, 0), (moment, false, following.1, following.2, moment),
        {otherwise}
    ),
    moments, marks, {following}
)
"""
        return Fragment(template.strip())
    # The same path arrives once: not while it stands there already.
    template = f"""
arrayMap(
    (moment, mark, place, path, before, present, following) -> multiIf(
        moment = 0, {_NO_PATH},
        {_arrives(marks, step)} AND before != present,
        (
            before,
            toBool(path.2 OR (path.3 <= place AND path.4 <= before + {{window:UInt64}})),
            following.1, following.2, moment
        ),
        {otherwise}
    ),
    moments, marks, arrayEnumerate(moments),
    {_previous(f"paths_{step - 1}", _NO_PATH)},
    {_previous(f"entries_{step - 1}", "toUInt64(0)")},
    {_previous(f"entries_{step}", "toUInt64(0)")},
    {following}
)
"""
    return sql(template.strip(), window=window)


def gather(marks: Marks, window: int) -> Walk:
    """The greatest number of different steps done within one window, in any order, when no event matches two.

    `latest_k`: the latest event of step k, `counts`: how many steps were done within the window that ends at
    each event. An exclusion clears everything, unless all steps were done by then.
    """
    columns = [Column(f"latest_{step}", _latest(marks, step)) for step in range(1, marks.steps + 1)]
    names = ", ".join(column.name for column in columns)
    arguments = ", ".join(f"time_{step}" for step in range(1, marks.steps + 1))
    current = " + ".join(
        f"(time_{step} > 0 AND time_{step} + {{window:UInt64}} >= moment)"
        for step in range(1, marks.steps + 1)
    )
    counts = f"arrayMap((moment, {arguments}) -> toUInt8({current}), moments, {names})"
    columns.append(Column("counts", sql(counts, window=window)))
    if not marks.excluding:
        return Walk(tuple(columns), Fragment("arrayMax(counts)"))
    last_exclusion = f"arrayLastIndex(mark -> bitTest(mark, {marks.exclusion(1)}), marks)"
    columns.append(Column("last_exclusion", Fragment(last_exclusion)))
    remaining = "arrayMax(arraySlice(counts, last_exclusion + 1))"
    done = f"arrayMax(counts) = {marks.steps}, toUInt8({marks.steps})"
    return Walk(tuple(columns), Fragment(f"if({done}, {remaining})"))


def when_gathered(marks: Marks, window: int) -> list[Column]:
    """`entered` and `reached`: when the oldest and the newest of the events behind the greatest number
    happened; all of them for the first time, or fewer for the last."""
    place = (
        f"if(furthest = {marks.steps}, indexOf(counts, furthest), "
        "arrayLastIndex(count -> count = furthest, counts))"
    )
    current = ", ".join(
        f"if(latest_{step}[place] > 0 AND latest_{step}[place] + {{window:UInt64}} >= moments[place], "
        f"latest_{step}[place], {UNCHANGED})"
        for step in range(1, marks.steps + 1)
    )
    return [
        Column("place", Fragment(place)),
        Column("entered", sql(f"arrayMin([{current}])", window=window)),
        Column("reached", Fragment("moments[place]")),
    ]


def _latest(marks: Marks, step: int) -> Fragment:
    cleared = f"bitTest(mark, {marks.exclusion(1)})" if marks.excluding else "false"
    return Fragment(
        f"""
arrayFill(
    time -> time != {UNCHANGED},
    arrayMap(
        (moment, mark) -> multiIf(
            moment = 0 OR {cleared}, 0, bitTest(mark, {marks.step(step)}), moment, {UNCHANGED}
        ),
        moments, marks
    )
)
""".strip()
    )


# State: the latest event of each step, then the greatest number of steps.
SHARING = """
arrayFold(
    (state, moment, mark) -> multiIf(
        moment = 0 OR state.2 = {steps},
        state,
        bitShiftRight(mark, {steps}) > 0,
        ({nothing}, toUInt8(0)),
        ({latest}, greatest(state.2, {count}))
    ),
    moments, marks,
    ({nothing}, toUInt8(0))
).2
""".strip()
_OWN = "arrayMap((time, step) -> if(bitTest(mark, step), time, {unchanged}), state.1, range({steps}))"
_LATEST = """
arrayMap(
    (time, place) -> if(place = indexOf({own}, arrayMin({own})), moment, time),
    state.1, arrayEnumerate(state.1)
)
""".strip()
_COUNT = "toUInt8(arrayCount(time -> time > 0 AND time + {window:UInt64} >= moment, {latest}))"


def gather_sharing(marks: Marks, window: int) -> Walk:
    """As `gather`, for steps that share events: an event counts for one of the steps it matches, the one
    whose latest event is oldest. That depends on all before, so it is folded event by event."""
    steps = Fragment(str(marks.steps))
    own = sql(_OWN, steps=steps, unchanged=Fragment(f"toUInt64({UNCHANGED})"))
    latest = sql(_LATEST, own=own)
    furthest = sql(
        SHARING,
        steps=steps,
        nothing=Fragment(f"arrayWithConstant({marks.steps}, toUInt64(0))"),
        latest=latest,
        count=sql(_COUNT, latest=latest, window=window),
    )
    return Walk((), furthest)
