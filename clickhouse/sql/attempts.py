"""Attempts at an ordered or strict funnel, as expressions over the history of one person.

An attempt begins at an event of step 1 and takes, for each further step, the first later event that matches
the step within the conversion window (docs/semantics/funnels.md). All attempts are followed at once, in
passes over arrays that are aligned with the history:

- forwards (`furthest_step`): `entries_k` has, at each element, the entry of the latest attempt that made step
  k. Of two attempts at one step the later one gets at least as far, so the furthest step of all is exact.
- backwards (`attempts`): `arrivals_k` has, at each element, the future of an attempt that makes step k there,
  `next_k` the future of an attempt that stands at step k after it.

For the steps A and B, a window of 10 and the events A at 1, X at 2 (an exclusion), A at 3 and B at 4:

    next_1      (place 4, reached 4), (place 4, reached 4), (place 4, reached 4), never
    attempts    (entered 1, reached 4, spoilt 2), (entered 3, reached 4, spoilt never)
    counted     the second attempt: the first that gets furthest and is not spoilt within its window

Arrays begin with an element at moment 0 that matches nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from clickhouse.sql.fragment import Fragment, joined, sql
from clickhouse.sql.history import Marks
from clickhouse.sql.stages import Column

# Later than any moment and any place. In arrays that are filled it stands for "unchanged".
NEVER = "18446744073709551615"

# Slots of an arrival: its place in the history, the moment at which the attempt reaches its furthest step,
# the moment that spoils it, whether its event at the attribution step has a value asked for. An attempt has
# the moment of its entry in place of the place.
PLACE = ENTERED = 1
REACHED, SPOILT, VALUE = 2, 3, 4
# Slots of an exclusion.
EXCLUDED_PLACE, EXCLUDED_MOMENT = 1, 2
# Slots of a move, made in ties.py: the step that it leads to, the value of the event at the attribution step.
TARGET, MOVED_VALUE = 1, 2

_NEVER = f"toUInt64({NEVER})"
_UNSET = f"(toUInt64(0), {_NEVER}, {_NEVER}, toUInt8(0))"
_NO_ARRIVAL = f"({_NEVER}, {_NEVER}, {_NEVER}, toUInt8(0))"


@dataclass(frozen=True, slots=True)
class Elements:
    """The arrays that attempts are followed through. Names of their columns begin with `prefix`.

    An element takes an attempt one step further when its mark matches that step. `with_moves`: it may take
    an attempt several steps further, as the column `moves` says.
    """

    marks: Marks
    window: int
    strict: bool = False
    trends: bool = False
    attribution_step: int | None = None
    prefix: str = ""
    with_moves: bool = False

    def name(self, column: str) -> str:
        return self.prefix + column

    @property
    def places(self) -> str:
        return f"arrayEnumerate({self.name('moments')})"

    def before(self, column: str) -> str:
        """The array as it was before each element, so that no element moves an attempt twice."""
        return f"arrayPopBack(arrayPushFront({self.name(column)}, toUInt64(0)))"

    def reaches(self, standing: int, step: int) -> str:
        """Whether an element takes an attempt from one step to another, or beyond it."""
        if self.with_moves:
            return f"moves[{standing + 1}].{TARGET} >= {step}"
        return f"bitTest(mark, {self.marks.step(step)})"

    def sources(self, step: int) -> range:
        """The steps from which an element can take an attempt to `step`, the lowest first."""
        return range(0 if self.with_moves else step - 1, step)

    def targets(self, standing: int) -> range:
        """The steps to which an element can take an attempt, the highest first."""
        return range(self.marks.steps if self.with_moves else standing + 1, standing, -1)

    def keeps(self, step: int) -> str:
        """Whether an element leaves an attempt at `step`, in strict order."""
        keeps = f"bitTest(mark, {self.marks.step(step)})"
        if self.marks.has_calm and (step == 1 or not self.trends):
            return f"({keeps} OR bitTest(mark, {self.marks.calm}))"
        return keeps


def furthest_step(elements: Elements) -> tuple[list[Column], Fragment]:
    """Columns, and the furthest step that any attempt makes; 0 for none. Exclusions are not looked at."""
    steps = range(1, elements.marks.steps + 1)
    cases = [(f"arrayMax({elements.name(f'entries_{step}')}) > 0", str(step)) for step in reversed(steps)]
    return [_entries(elements, step) for step in steps], _multi_if(cases, "0")


def _entries(elements: Elements, step: int) -> Column:
    arguments = {"moment": elements.name("moments"), "mark": elements.name("marks")}
    if elements.with_moves:
        arguments["moves"] = elements.name("moves")
    cases = [("moment = 0", "0")]
    for source in elements.sources(step):
        condition, entry = elements.reaches(source, step), "moment"
        if source > 0:
            entry = f"before_{source}"
            arguments[entry] = elements.before(f"entries_{source}")
            condition += f" AND {entry} > 0 AND moment <= {entry} + {{window:UInt64}}"
        cases.append((condition, entry))
    unchanged = NEVER
    if elements.strict:
        stays = elements.keeps(step)
        if step < elements.marks.steps:
            stays += f" AND NOT {elements.reaches(step, step + 1)}"
        unchanged = f"if({stays}, {NEVER}, 0)"
    entries = sql(
        "arrayFill(\n    entry -> entry != {never},\n    {mapped}\n)",
        never=Fragment(NEVER),
        mapped=_map(arguments, _multi_if(cases, unchanged, window=elements.window)),
    )
    return Column(elements.name(f"entries_{step}"), entries)


def attempts(elements: Elements) -> Iterator[Column]:
    """The column `attempts`: those that make the person's `furthest` step, the first entered first."""
    for step in range(elements.marks.steps, 0, -1):
        if step < elements.marks.steps:
            yield _next(elements, step)
            if elements.marks.excluding:
                yield _exclusions(elements, step)
        yield _arrivals(elements, step)
    yield _attempts(elements)


def counted(elements: Elements) -> Fragment:
    """The attempt that counts: the first that is not spoilt. All its slots are 0 when there is none."""
    unspoilt = f"attempt.{SPOILT} > attempt.{ENTERED} + {{window:UInt64}}"
    return sql(f"arrayFirst(attempt -> {unspoilt}, {elements.name('attempts')})", window=elements.window)


def _next(elements: Elements, step: int) -> Column:
    """What the next element does that takes an attempt further, or in strict order ends it."""
    cases = list(_moves(elements, step))
    if elements.strict:
        cases.append((f"NOT {elements.keeps(step)}", f"(toUInt64(place), {_NEVER}, {_NEVER}, toUInt8(0))"))
    arguments = {"mark": elements.name("marks"), "place": elements.places, **_arrivals_after(elements, step)}
    following = _following(PLACE, _map(arguments, _multi_if(cases, _UNSET)), _NO_ARRIVAL)
    return Column(elements.name(f"next_{step}"), following)


def _exclusions(elements: Elements, step: int) -> Column:
    """The next event that spoils attempts at `step`."""
    spoils = f"bitTest(mark, {elements.marks.exclusion(step)})"
    exclusion = Fragment(f"if({spoils}, (toUInt64(place), moment), (toUInt64(0), toUInt64(0)))")
    following = _following(
        EXCLUDED_PLACE, _map(_moment_mark_place(elements), exclusion), f"({_NEVER}, {_NEVER})"
    )
    return Column(elements.name(f"exclusions_{step}"), following)


def _following(slot: int, mapped: Fragment, nothing: str) -> Fragment:
    """At each element, the value of the nearest later element that has the slot set."""
    template = (
        "arrayPopFront(arrayReverseFill(\n    following -> following.{slot} > 0,\n"
        "    arrayPushBack(\n        {mapped},\n        {nothing}\n    )\n))"
    )
    return sql(template, slot=Fragment(str(slot)), mapped=mapped, nothing=Fragment(nothing))


def _arrivals(elements: Elements, step: int) -> Column:
    arguments, marks = _moment_mark_place(elements), elements.marks
    arrives = f"furthest = {step}"
    reached, spoilt, value = f"if({arrives}, moment, {_NEVER})", _NEVER, "toUInt8(0)"
    if step < marks.steps:
        arguments["next"] = elements.name(f"next_{step}")
        reached = f"if({arrives}, moment, next.{REACHED})"
        spoilt = f"if({arrives}, {_NEVER}, next.{SPOILT})"
        value = f"if({arrives}, toUInt8(0), next.{VALUE})"
    if step < marks.steps and marks.excluding:
        arguments["exclusion"] = elements.name(f"exclusions_{step}")
        # An event that is both an exclusion and the next step spoils the attempt.
        between = f"exclusion.{EXCLUDED_PLACE} <= next.{PLACE}"
        spoilt = f"least(if({between}, exclusion.{EXCLUDED_MOMENT}, {_NEVER}), {spoilt})"
    if step == elements.attribution_step:
        value = f"bitTest(mark, {marks.value})"
    arrival = Fragment(f"(\n    toUInt64(place),\n    {reached},\n    {spoilt},\n    {value}\n)")
    return Column(elements.name(f"arrivals_{step}"), _map(arguments, arrival))


def _attempts(elements: Elements) -> Column:
    cases = [
        (condition, f"(moment, {arrival}.{REACHED}, {arrival}.{SPOILT}, {arrival}.{VALUE})")
        for condition, arrival in _moves(elements, standing=0)
    ]
    arguments = _moment_mark_place(elements) | _arrivals_after(elements, standing=0)
    template = (
        f"arrayFilter(\n    attempt -> attempt.{REACHED} <= attempt.{ENTERED} + {{window:UInt64}},\n"
        "    {entered}\n)"
    )
    entered = _map(arguments, _multi_if(cases, _UNSET))
    return Column(elements.name("attempts"), sql(template, entered=entered, window=elements.window))


def _moves(elements: Elements, standing: int) -> Iterator[tuple[str, str]]:
    """Each way in which an element takes an attempt further: the condition, and the arrival."""
    attributed = elements.attribution_step
    for target in elements.targets(standing):
        arrival = f"arrival_{target}"
        if elements.with_moves and attributed is not None and standing < attributed <= target:
            value = f"moves[{standing + 1}].{MOVED_VALUE}"
            arrival = f"({arrival}.{PLACE}, {arrival}.{REACHED}, {arrival}.{SPOILT}, {value})"
        yield elements.reaches(standing, target), arrival


def _arrivals_after(elements: Elements, standing: int) -> dict[str, str]:
    arrivals = {f"arrival_{step}": elements.name(f"arrivals_{step}") for step in elements.targets(standing)}
    return arrivals | ({"moves": elements.name("moves")} if elements.with_moves else {})


def _moment_mark_place(elements: Elements) -> dict[str, str]:
    return {
        "moment": elements.name("moments"),
        "mark": elements.name("marks"),
        "place": elements.places,
    }


def _map(arguments: Mapping[str, str], value: Fragment) -> Fragment:
    return sql(
        "arrayMap(\n    ({names}) -> {value},\n    {arrays}\n)",
        names=Fragment(", ".join(arguments)),
        value=value,
        arrays=Fragment(", ".join(arguments.values())),
    )


def _multi_if(cases: list[tuple[str, str]], otherwise: str, **values: int) -> Fragment:
    """The value of the first case that holds. `values` are those of placeholders in the conditions."""
    listed = [sql(f"{condition}, {value}", **values) for condition, value in cases]
    return sql("multiIf(\n    {cases}\n)", cases=joined(",\n", [*listed, Fragment(otherwise)]))
