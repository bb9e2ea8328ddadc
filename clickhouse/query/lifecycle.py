"""What can be asked of a lifecycle (posthog-behaviour.md 6, decisions.md 8)."""

from datetime import datetime
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from clickhouse.query.dates import DateRange, Interval, UtcDatetime
from clickhouse.query.filters import EVERYTHING, Entity, Filter
from clickhouse.query.wall_clock import TICK, bucket

LifecycleType = Literal["new", "returning", "resurrecting", "dormant"]


class Period(NamedTuple):
    """One hour, day, week or month, or several: from `start` on, and before `end` (UTC)."""

    start: datetime
    end: datetime

    def dates(self, timezone: str) -> DateRange:
        """The same as a range of dates, both ends of which belong to it."""
        return DateRange(date_from=self.start, date_to=self.end - TICK, timezone=timezone)


class LifecycleQuery(BaseModel):
    """The persons who were new, returning, resurrecting or dormant in the period that `target_date` is in.

    The periods of `date_range`, to which both of its ends belong, and the one before them are all that is
    seen. Events of which `filter` does not hold do not count. `limit` and `offset` cut a page out of the
    persons, which are ordered by uuid. `week_start_day`: 0 when weeks begin on Sunday, 1 for Monday.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project_id: int
    entity: Entity
    lifecycle_type: LifecycleType
    target_date: UtcDatetime
    date_range: DateRange
    interval: Interval = "day"
    week_start_day: int = 0
    filter: Filter = EVERYTHING
    limit: int = Field(default=100, ge=1)
    offset: int = Field(default=0, ge=0)

    @property
    def target(self) -> Period:
        """The period that is asked about."""
        return self._period(self.target_date)

    @property
    def previous(self) -> Period:
        """The one before the target."""
        return self._before(self.target)

    @property
    def periods(self) -> Period:
        """Those of the range, from the start of the first to the end of the last one."""
        first, last = map(self._period, (self.date_range.date_from, self.date_range.date_to))
        return Period(first.start, last.end)

    @property
    def seen(self) -> Period:
        """The time of which events count."""
        return Period(self._before(self.periods).start, self.periods.end)

    @property
    def can_have_persons(self) -> bool:
        """Whether the target is a period of the range; for the dormant it may also be the one after it."""
        start, end = self.periods
        return start <= self.target.start < end or (
            self.lifecycle_type == "dormant" and start < end == self.target.start
        )

    def _period(self, moment: datetime) -> Period:
        zone = ZoneInfo(self.date_range.timezone)
        return Period(*bucket(moment, self.interval, zone, week_start_day=self.week_start_day))

    def _before(self, period: Period) -> Period:
        return self._period(period.start - TICK)
