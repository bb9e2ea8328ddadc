"""Where the demo's events are written down, in the wire format of PostHog's capture endpoints."""

from datetime import datetime
from operator import itemgetter
from random import Random
from typing import Any

Properties = dict[str, Any]
Event = dict[str, Any]

SERVER_PROPERTIES: Properties = {
    "$lib": "posthog-python",
    "$lib_version": "7.9.0",
    "$geoip_disable": True,
}


def iso(at: datetime) -> str:
    """Return a UTC moment at a fixed width, so that text sorts as time does."""
    return f"{at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def uuid7(rng: Random, at: datetime) -> str:
    """Return a UUID version 7, which is what the SDKs send and what keeps ids near each other in time."""
    milliseconds = int(at.timestamp() * 1000)
    number = milliseconds << 80 | 0x7 << 76 | rng.getrandbits(12) << 64 | 0b10 << 62 | rng.getrandbits(62)
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class EventLog:
    """Keeps the events inside the window; the future that a story already told is dropped."""

    def __init__(self, rng: Random, start: datetime, until: datetime) -> None:
        self._rng = rng
        self._start = start
        self._until = until
        self._events: list[Event] = []

    def capture(self, event: str, distinct_id: str, at: datetime, properties: Properties) -> None:
        """Write one event down as an SDK would send it."""
        if self._start <= at < self._until:
            self._events.append(
                {
                    "event": event,
                    "distinct_id": distinct_id,
                    "timestamp": iso(at),
                    "uuid": uuid7(self._rng, at),
                    "properties": properties,
                }
            )

    def capture_on_server(self, event: str, distinct_id: str, at: datetime, properties: Properties) -> None:
        """Write one event down as the product's own backend would send it."""
        self.capture(event, distinct_id, at, {**SERVER_PROPERTIES, **properties})

    def in_order(self) -> list[Event]:
        """Return every event, oldest first; the stable sort keeps ties in the order they were told."""
        return sorted(self._events, key=itemgetter("timestamp"))
