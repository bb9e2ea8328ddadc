"""The attempts of a person at a funnel, in plain words (docs/semantics/funnels.md).

Everything takes the events of one person in order of time, those of the same instant in order of arrival.
Each attempt is followed by itself, from the event that begins it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from clickhouse.query.funnel import FunnelQuery


@dataclass(frozen=True, eq=False)
class Occurrence:
    """An event as a funnel sees it.

    `steps` that it matches and `spoils`, the steps at which it spoils an attempt, count from 1. An exclusion
    applies after step `from_step` and before step `to_step` of those counted from 0, so that it spoils
    attempts that stand at the steps from_step + 1 to to_step of those counted from 1. `value` is that of the
    breakdown.
    """

    at: datetime
    steps: frozenset[int]
    spoils: frozenset[int] = frozenset()
    value: str = ""


@dataclass(frozen=True)
class Attempt:
    """The events that made its steps, in the order in which they did, and whether an exclusion spoilt it."""

    made: tuple[Occurrence, ...]
    is_spoilt: bool = False

    @property
    def entry(self) -> datetime:
        return self.made[0].at

    @property
    def standing(self) -> int:
        """The last step that was made, counted from 1."""
        return len(self.made)

    def value_at(self, step: int) -> str | None:
        """The breakdown value of the event that made a step, counted from 1; None when none did."""
        return self.made[step - 1].value if step <= len(self.made) else None


def attempt_that_counts(events: Sequence[Occurrence], query: FunnelQuery) -> Attempt | None:
    """Of the attempts that got furthest the first that is not spoilt; None when there is no such attempt.

    In unordered funnels a spoilt attempt is no attempt at all.
    """
    find = attempts_in_no_order if query.order == "unordered" else attempts_in_order
    attempts = list(find(events, query))
    furthest = max((attempt.standing for attempt in attempts), default=0)
    return next((each for each in attempts if each.standing == furthest and not each.is_spoilt), None)


def attempts_in_order(events: Sequence[Occurrence], query: FunnelQuery) -> Iterator[Attempt]:
    """An attempt begins at each event of step 1; in funnel trends, of those in the bucket."""
    seen = instants(events, query)
    for position, instant in enumerate(seen):
        if is_contested(instant):
            first = next((event for event in instant if 1 in event.steps), None)
            if first is not None:
                begun = advance_in_contested_instant(Attempt((first,)), instant, query)
                yield follow(begun, seen[position + 1 :], query)
            continue
        for index, event in enumerate(instant):
            if 1 in event.steps and is_in_entrance(event, query):
                rest = [instant[index + 1 :], *seen[position + 1 :]]
                yield follow(Attempt((event,)), rest, query)


def follow(attempt: Attempt, rest: Sequence[Sequence[Occurrence]], query: FunnelQuery) -> Attempt:
    """The attempt when everything after its first instant has happened.

    It stands at one step. An event first spoils it, then takes it one step further if it matches the next
    one. In strict order, an event that does neither this nor match the step at which the attempt stands ends
    it. When its window is over, or all steps are made, nothing changes it any more.
    """
    window = timedelta(microseconds=query.window.microseconds)
    for instant in rest:
        if is_contested(instant):
            if instant[0].at - attempt.entry <= window:
                attempt = advance_in_contested_instant(attempt, instant, query)
            continue
        for event in instant:
            if event.at - attempt.entry > window or attempt.standing == len(query.steps):
                return attempt
            if attempt.standing in event.spoils:
                attempt = replace(attempt, is_spoilt=True)
            if attempt.standing + 1 in event.steps:
                attempt = replace(attempt, made=(*attempt.made, event))
            elif query.order == "strict" and attempt.standing not in event.steps:
                return attempt
    return attempt


def advance_in_contested_instant(
    attempt: Attempt, instant: Sequence[Occurrence], query: FunnelQuery
) -> Attempt:
    """The attempt after a contested instant: its events are offered to the steps in the order of the steps,
    those of one step in the order of arrival. An attempt uses each event once. Exclusions and strictness do
    not count."""
    while attempt.standing < len(query.steps):
        unused = [event for event in instant if event not in attempt.made]
        event = next((event for event in unused if attempt.standing + 1 in event.steps), None)
        if event is None:
            break
        attempt = replace(attempt, made=(*attempt.made, event))
    return attempt


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


def is_contested(instant: Sequence[Occurrence]) -> bool:
    """Whether it matters in which order the events of one instant are taken: they do not all match the same
    steps and spoil the same ones."""
    return len({(event.steps, event.spoils) for event in instant}) > 1


def is_in_entrance(event: Occurrence, query: FunnelQuery) -> bool:
    entrance = query.entrance
    if entrance is None:
        return True
    after_start = entrance.start is None or event.at >= entrance.start
    return after_start and (entrance.end is None or event.at < entrance.end)


def attempts_in_no_order(events: Sequence[Occurrence], query: FunnelQuery) -> Iterator[Attempt]:
    """An attempt begins at each event that counts for a step, and makes the different steps that are done
    within its window, the first event of each. An exclusion within the window spoils it, unless it has made
    all steps by then."""
    window = timedelta(microseconds=query.window.microseconds)
    counting = assign(events, query)
    for position, (first, _) in enumerate(counting):
        made: dict[int, Occurrence] = {}
        for event, step in counting[position:]:
            if event.at - first.at > window or len(made) == len(query.steps):
                break
            if event.spoils:
                made.clear()
                break
            if step is not None:
                made.setdefault(step, event)
        if made and not first.spoils:
            yield Attempt(tuple(made.values()))


def assign(events: Sequence[Occurrence], query: FunnelQuery) -> list[tuple[Occurrence, int | None]]:
    """The events that match anything, each with the step that it counts for; None for exclusions, which do
    nothing else.

    Of several steps it is the one that was done longest ago within the window that ends at the event; one
    that was not done within it is longest, the lowest of equals. An exclusion forgets what was done.
    """
    window = timedelta(microseconds=query.window.microseconds)
    latest: dict[int, datetime] = {}
    assigned: list[tuple[Occurrence, int | None]] = []
    for event in events:
        if event.spoils:
            latest = {}
            assigned.append((event, None))
        elif event.steps:
            latest = {step: at for step, at in latest.items() if event.at - at <= window}
            not_done = [step for step in sorted(event.steps) if step not in latest]
            step = not_done[0] if not_done else min(sorted(event.steps), key=lambda each: latest[each])
            latest[step] = event.at
            assigned.append((event, step))
    return assigned
