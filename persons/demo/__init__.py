"""Demo data: the first months of Hedgebook, an invented team-notes product, as captured events.

The events are in the wire format that the SDKs send, so loading them takes the same road as real traffic.
Nothing here reads a clock or a global random state: the same arguments give the same list.
"""

from datetime import UTC, datetime, timedelta
from random import Random

from persons.demo.clock import Clock
from persons.demo.log import Event, EventLog
from persons.demo.people import People
from persons.demo.story import Story

__all__ = ["demo_events"]


def demo_events(until: datetime, *, persons: int = 3000, days: int = 90, seed: int = 42) -> list[Event]:
    """Return the events of the `days` before `until`, oldest first; about 33 for each of the `persons`.

    `persons` is the number left once every `$identify` and `$create_alias` is applied, give or take the
    few who never log in on their second device.
    """
    if until.tzinfo is None:
        raise ValueError("until needs a time zone: the events carry UTC timestamps")
    until = until.astimezone(UTC)
    start = until - timedelta(days=days)
    rng = Random(seed)  # noqa: S311 - repeatable is the point; nothing here is a secret
    log = EventLog(rng, start, until)
    clock = Clock(rng, start, until)
    people = People(rng)
    for _ in range(persons):
        Story(rng, log, clock, people.meet(clock)).tell()
    return log.in_order()
