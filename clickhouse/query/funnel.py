"""The query of a funnel (docs/semantics/funnels.md)."""

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from clickhouse.query.conditions import Span
from clickhouse.query.dates import DateRange
from clickhouse.query.filters import EVERYTHING, Entity, Filter

MAX_STEPS = 20

Order = Literal["ordered", "strict", "unordered"]
Attribution = Literal["first_touch", "last_touch", "all_events", "step"]
WindowUnit = Literal["second", "minute", "hour", "day", "week", "month"]

_SECOND = 1_000_000
_DAY = 24 * 60 * 60 * _SECOND
MICROSECONDS: dict[WindowUnit, int] = {
    "second": _SECOND,
    "minute": 60 * _SECOND,
    "hour": 60 * 60 * _SECOND,
    "day": _DAY,
    "week": 7 * _DAY,
    "month": 31 * _DAY,
}
# Longer than any range of dates can be, and far from the bounds of the integers it is compared with.
LONGEST_WINDOW = 400 * 366 * _DAY


class ConversionWindow(BaseModel):
    """How long after its first event an attempt may take further steps, the last microsecond included."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: int = Field(default=14, ge=1)
    unit: WindowUnit = Field(default="day", description="A month has 31 days.")

    @property
    def microseconds(self) -> int:
        return self.value * MICROSECONDS[self.unit]

    @model_validator(mode="after")
    def _check_length(self) -> Self:
        if self.microseconds > LONGEST_WINDOW:
            raise ValueError("The conversion window must not be longer than 400 years.")
        return self


class Exclusion(BaseModel):
    """An event that spoils an attempt when it happens between two steps.

    `from_step` and `to_step` count from 0: after step `from_step` was reached and before `to_step` was.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entity: Entity
    from_step: int = Field(ge=0)
    to_step: int = Field(ge=1)


class EventBreakdown(BaseModel):
    """Which value of an event property stands for a person (docs/semantics/funnels.md, "Breakdowns").

    `first_touch`, `last_touch`: the value of the earliest or latest event of the funnel that has one, else
    the empty text. `all_events`: each value, for which only the events that have it count. `step`: the value
    of the event that made step `step` (counted from 0) on the attempt that counts. `values`: the texts asked
    for; None for any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    attribution: Attribution = "first_touch"
    step: int | None = None
    values: tuple[str, ...] | None = None


class FunnelQuery(BaseModel):
    """Which persons got how far through steps.

    A person is returned when the furthest step it ever reached, counted from 1, is in `furthest`; use
    `furthest_steps` to say it as `funnel_step` does. Events of which `filter` does not hold do not count.
    With `entrance`, a bucket of funnel trends, only attempts that begin in it count, and `furthest` asks how
    far those got. `limit` and `offset` cut a page out of the persons, which are ordered by uuid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project_id: int
    steps: tuple[Entity, ...] = Field(min_length=1, max_length=MAX_STEPS)
    date_range: DateRange
    filter: Filter = EVERYTHING
    order: Order = "ordered"
    window: ConversionWindow = ConversionWindow()
    exclusions: tuple[Exclusion, ...] = ()
    breakdown: EventBreakdown | None = None
    entrance: Span | None = None
    furthest: tuple[int, ...] = Field(min_length=1)
    limit: int = Field(default=100, ge=1, le=10_000)
    offset: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        last = len(self.steps)
        if not all(1 <= step <= last for step in self.furthest):
            raise ValueError(f"The furthest steps must be between 1 and {last}.")
        if list(self.furthest) != sorted(set(self.furthest)):
            raise ValueError("The furthest steps must ascend.")
        if not all(each.from_step < each.to_step < last for each in self.exclusions):
            raise ValueError("Exclusions must end after they start, and at the last step at most.")
        return self


def furthest_steps(funnel_step: int, number_of_steps: int) -> tuple[int, ...]:
    """The furthest steps that `funnel_step` asks for.

    N: reached step N or went further. -N, from -2 on: got to step N-1 and no further.
    Raises ValueError for 0, -1 and anything beyond the number of steps.
    """
    if 1 <= funnel_step <= number_of_steps:
        return tuple(range(funnel_step, number_of_steps + 1))
    if -number_of_steps <= funnel_step <= -2:
        return (-funnel_step - 1,)
    raise ValueError(
        f"funnel_step must be between 1 and {number_of_steps} (reached that step), "
        f"or between -2 and -{number_of_steps} (dropped off before that step)."
    )


def are_disjoint(steps: Iterable[Entity]) -> bool:
    """Whether, by the names alone, no event can match two of the steps."""
    names: list[str] = []
    for step in steps:
        if step.names is None:
            return False
        names += step.names
    return len(set(names)) == len(names)
