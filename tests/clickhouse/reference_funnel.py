"""The funnel in plain words (posthog-behaviour.md 4.3), to hold the SQL against."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby


@dataclass(frozen=True)
class Event:
    """Something a person did. `arrival` is unique among a person's events."""

    name: str
    at: datetime
    arrival: int


@dataclass(frozen=True)
class Path:
    """A way through the funnel: when it began, and which events it used."""

    entry: datetime
    events: tuple[Event, ...]


def furthest_step(events: Iterable[Event], steps: Sequence[str | None], window: timedelta) -> int:
    """The furthest step, counted from 1, that the events of one person ever reach; 0 for none."""
    paths: dict[int, Path] = {}
    relevant = [event for event in events if step_set(event, steps)]
    relevant.sort(key=lambda event: (event.at, event.arrival))
    for _, tied in groupby(relevant, key=lambda event: event.at):
        for event, step in offers(list(tied), steps):
            offer(event, step, paths, window)
    return max(paths, default=0)


def step_set(event: Event, steps: Sequence[str | None]) -> list[int]:
    return [number for number, name in enumerate(steps, start=1) if name in (None, event.name)]


def offers(tied: list[Event], steps: Sequence[str | None]) -> list[tuple[Event, int]]:
    """Which event is offered to which step, in order. `tied` happened at once, in order of arrival."""
    if all(step_set(event, steps) == step_set(tied[0], steps) for event in tied):
        return [(event, step) for event in tied for step in reversed(step_set(event, steps))]
    pairs = [(event, step) for event in tied for step in step_set(event, steps)]
    return sorted(pairs, key=lambda pair: pair[1])


def offer(event: Event, step: int, paths: dict[int, Path], window: timedelta) -> None:
    """Take the latest path that stands before the step onto it, if it may go there."""
    path = Path(event.at, ()) if step == 1 else paths.get(step - 1)
    if path is None or event.at - path.entry > window or event in path.events:
        return
    if step in paths and paths[step].entry == path.entry:
        return  # The first occurrence is kept.
    paths[step] = Path(path.entry, (*path.events, event))
