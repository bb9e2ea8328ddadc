"""What can be asked of a trend or of stickiness (posthog-behaviour.md 5 and 11, decisions.md 7)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from clickhouse.query.dates import DateRange, UtcDatetime
from clickhouse.query.filters import EVERYTHING, Entity, Filter

Statistic = Literal["sum", "avg", "min", "max", "median", "p75", "p90", "p95", "p99"]


class _Measure(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Events(_Measure):
    """How many events."""

    kind: Literal["events"] = "events"


class Sessions(_Measure):
    """In how many sessions: the different `$session_id` of the events, the empty text not among them."""

    kind: Literal["sessions"] = "sessions"


class Numbers(_Measure):
    """A statistic of the numbers in a property of the events.

    Texts that read as numbers are numbers, as in filters that compare; whatever else there is does not count.
    Percentiles are interpolated between the two nearest numbers: of n sorted ones, counted from 0, p lies at
    (n - 1) * p (Hyndman and Fan's type 7, Excel's PERCENTILE.INC). None without a number, and when the result
    is too large for a double.
    """

    kind: Literal["numbers"] = "numbers"
    key: str
    statistic: Statistic


class Intervals(_Measure):
    """In how many intervals. `starts`: when each begins, ascending; the first one before or at the start of
    the range. Whole seconds, since the clocks of a timezone know no less."""

    kind: Literal["intervals"] = "intervals"
    starts: tuple[UtcDatetime, ...] = Field(min_length=1)


Measure = Annotated[Events | Sessions | Numbers | Intervals, Field(discriminator="kind")]


class TrendsQuery(BaseModel):
    """Who did something, and one number for each of them: the measure of what the person did.

    The events are those of the entity in the range, of which the filter holds. With `value`, only the persons
    who have that number. `limit` and `offset` cut a page out of the persons, who are ordered by their number,
    the largest first and those without one last, then by uuid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project_id: int
    entity: Entity
    measure: Measure = Events()
    date_range: DateRange
    filter: Filter = EVERYTHING
    value: int | None = None
    limit: int = Field(default=100, ge=1)
    offset: int = Field(default=0, ge=0)
