"""How far a person gets through a funnel, in plain words (posthog-behaviour.md 4.3 to 4.6).

Everything takes the events of one person in order of time, those of the same instant in order of arrival.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from clickhouse.query.funnel import FunnelQuery


@dataclass(frozen=True, eq=False)
class Occurrence:
    """An event as a funnel sees it: which steps it matches, counted from 1; at which steps it spoils a path,
    because it matches exclusions; its value of the breakdown.

    An exclusion happens after step `from_step` and before step `to_step` of those counted from 0, so that it
    spoils what stands at the steps from_step + 1 to to_step of those counted from 1.
    """

    at: datetime
    steps: frozenset[int]
    spoils: frozenset[int] = frozenset()
    value: str = ""


@dataclass(frozen=True)
class Path:
    """A way through the funnel: when it began, whether an exclusion spoilt it, which events it used."""

    entry: datetime
    is_excluded: bool
    used: tuple[Occurrence, ...]


def furthest_step(events: Sequence[Occurrence], query: FunnelQuery) -> int | None:
    """The furthest step that was reached, counted from 1; None for none, and when an exclusion spoilt the
    path that reached it."""
    if query.order == "unordered":
        return most_steps(events, query)
    walk = Walk(query)
    for instant in instants(events, query):
        if is_contested(instant):
            walk.untangle(instant)
        else:
            for event in instant:
                walk.take(event)
    return walk.result


def instants(events: Sequence[Occurrence], query: FunnelQuery) -> list[list[Occurrence]]:
    """The events by the moment they happened at.

    Strict funnels look at all events, others at those that match something. Funnel trends do not know
    instants: each event stands for itself.
    """
    if query.order == "ordered":
        events = [event for event in events if event.steps or event.spoils]
    if query.entrance is not None:
        return [[event] for event in events]
    return [list(tied) for _, tied in groupby(events, key=lambda event: event.at)]


def is_contested(instant: list[Occurrence]) -> bool:
    """Whether it matters in which order the events of one instant are taken: they do not all match the same
    steps and spoil the same ones."""
    return len({(event.steps, event.spoils) for event in instant}) > 1


class Walk:
    """An ordered or a strict funnel: of each step the latest path that reached it, and the best of all paths.

    The best is the one that got furthest, the latest of those that were not spoilt when they got there. It
    is over with the first path that completes the funnel unspoilt.
    """

    def __init__(self, query: FunnelQuery) -> None:
        self._query = query
        self._window = timedelta(microseconds=query.window.microseconds)
        self._paths: dict[int, Path] = {}
        self._best_step = 0
        self._best: Path | None = None

    @property
    def result(self) -> int | None:
        return None if self._best is None or self._best.is_excluded else self._best_step

    @property
    def _is_over(self) -> bool:
        return self.result == len(self._query.steps)

    def take(self, event: Occurrence) -> None:
        """An event whose place among the others is known: it spoils paths first. Then it is offered to its
        steps from the highest to the lowest, so that it takes a path one step further at most. In a strict
        funnel the paths that stand at any other step are forgotten at last; the best is not."""
        for step in event.spoils:
            self._spoil(step, event.at)
        for step in sorted(event.steps, reverse=True):
            if step == 1:
                self._enter(event)
            else:
                self._advance(event, step)
        if self._query.order == "strict":
            self._paths = {step: path for step, path in self._paths.items() if step in event.steps}

    def untangle(self, instant: list[Occurrence]) -> None:
        """A contested instant: its events go to the first step in order of arrival, then to the second, and
        so on. A path uses each event once. Exclusions and strictness are not looked at."""
        for step in range(1, len(self._query.steps) + 1):
            for event in instant:
                if step not in event.steps:
                    continue
                if step > 1:
                    self._advance(event, step, but_not_twice=True)
                elif not self._stands_at(1, event.at):  # The first path of the instant is kept.
                    self._enter(event)

    def _spoil(self, step: int, at: datetime) -> None:
        """Mark the path that stands at the step, if it is within its window and did not get further. Mark the
        best too, if it got to this step and is within its window."""
        path = self._paths.get(step)
        if path and self._is_within(path, at) and not self._stands_at(step + 1, path.entry):
            self._paths[step] = replace(path, is_excluded=True)
        if self._best and self._best_step == step and self._is_within(self._best, at):
            self._best = replace(self._best, is_excluded=True)

    def _enter(self, event: Occurrence) -> None:
        """Begin a path, which replaces the one at the first step; in funnel trends, within the entrance."""
        entrance = self._query.entrance
        if entrance and entrance.start and event.at < entrance.start:
            return
        if entrance and entrance.end and event.at >= entrance.end:
            return
        self._reach(1, Path(event.at, is_excluded=False, used=(event,)))

    def _advance(self, event: Occurrence, step: int, *, but_not_twice: bool = False) -> None:
        """Take the path at the step before with all it has gone through, unless its window is over, or it has
        been here: then the first time counts."""
        path = self._paths.get(step - 1)
        if path is None or not self._is_within(path, event.at) or self._stands_at(step, path.entry):
            return
        if but_not_twice and event in path.used:
            return
        self._reach(step, replace(path, used=(*path.used, event)))

    def _reach(self, step: int, path: Path) -> None:
        if self._is_over:
            return
        self._paths[step] = path
        if step > self._best_step or (step == self._best_step and not path.is_excluded):
            self._best_step, self._best = step, path

    def _stands_at(self, step: int, entry: datetime) -> bool:
        return step in self._paths and self._paths[step].entry == entry

    def _is_within(self, path: Path, at: datetime) -> bool:
        return at - path.entry <= self._window


def most_steps(events: Sequence[Occurrence], query: FunnelQuery) -> int | None:
    """An unordered funnel: how many different steps ever happened within one window.

    An event counts for one of the steps it matches: the one that did not happen for longest, never being
    longest, the lowest of equals. One that matches an exclusion, whatever its steps, ends everything that
    was reached before it, and does nothing else; but the first completion is final.
    """
    window = timedelta(microseconds=query.window.microseconds)
    latest: dict[int, datetime] = {}
    most = 0
    for event in events:
        if most == len(query.steps):
            break
        if event.spoils:
            latest, most = {}, 0
        elif event.steps:
            never = [step for step in sorted(event.steps) if step not in latest]
            step = never[0] if never else min(sorted(event.steps), key=lambda step: latest[step])
            latest[step] = event.at
            most = max(most, sum(event.at - at <= window for at in latest.values()))
    return most or None
