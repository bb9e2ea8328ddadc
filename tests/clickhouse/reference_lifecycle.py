"""Lifecycles in plain words (posthog-behaviour.md 6, decisions.md 8), to hold the SQL against."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime

from clickhouse.query.lifecycle import LifecycleType


def lifecycle(
    did_it: Iterable[datetime], created_at: datetime, starts: Sequence[datetime], first: int, last: int
) -> set[tuple[int, LifecycleType]]:
    """What a person is in which period.

    `starts`: when each period begins, in order. `first` and `last`: the places of those that the range
    begins and ends in. One more period is seen before them and none after them.
    """

    def period(moment: datetime) -> int:
        return bisect_right(starts, moment) - 1

    active = {period(moment) for moment in did_it}
    active = {each for each in active if first - 1 <= each <= last}
    found: set[tuple[int, LifecycleType]] = set()
    for each in active:
        if each + 1 not in active:
            found.add((each + 1, "dormant"))
        if each - 1 in active:
            found.add((each, "returning"))
        elif each == min(active) and each == period(created_at):
            found.add((each, "new"))
        else:
            found.add((each, "resurrecting"))
    return found
