"""When things happen: in people's own daytime, mostly on working days, and more every week."""

from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

WEEKDAY_WEIGHTS = (0.96, 1.0, 1.0, 0.95, 0.84, 0.34, 0.30)
HOUR_WEIGHTS = (
    *(0.06, 0.04, 0.03, 0.03, 0.04, 0.08, 0.18, 0.40),
    *(0.72, 0.95, 1.00, 0.96, 0.70, 0.82, 0.95, 0.93),
    *(0.82, 0.62, 0.46, 0.42, 0.44, 0.38, 0.24, 0.12),
)
CUMULATIVE_HOURS = tuple(accumulate(HOUR_WEIGHTS))
HOURS = range(24)

# The product is young: the last day brings half as many newcomers again as the first.
GROWTH = 1.5


class Clock:
    """Draws moments inside the window; an offset is a person's distance from UTC, fixed all year.

    A fixed offset, not a time zone: an hour's daylight saving does not show in the rhythm, and the data
    stays independent of the machine's tz database.
    """

    def __init__(self, rng: Random, start: datetime, until: datetime) -> None:
        self.until = until
        self._rng = rng
        self._start = start
        self._span = until - start

    def arrival(self, offset: timedelta) -> datetime:
        """Return when a newcomer first turns up."""
        while True:
            share = self._rng.random()
            at = self._start + self._span * share
            local = at + offset
            growth = (1 + (GROWTH - 1) * share) / GROWTH
            if self._rng.random() < growth * HOUR_WEIGHTS[local.hour] * WEEKDAY_WEIGHTS[local.weekday()]:
                return at

    def later(self, at: datetime, days: int, offset: timedelta) -> datetime:
        """Return a likely moment of the local day that is `days` after that of `at`."""
        local = at + offset + timedelta(days=days)
        hour = self._rng.choices(HOURS, cum_weights=CUMULATIVE_HOURS)[0]
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(hours=hour, seconds=self._rng.uniform(0, 3599)) - offset

    def busyness(self, at: datetime, days: int, offset: timedelta) -> float:
        """Return how likely work is on the local day that is `days` after that of `at`, from 0 to 1."""
        return WEEKDAY_WEIGHTS[(at + offset + timedelta(days=days)).weekday()]
