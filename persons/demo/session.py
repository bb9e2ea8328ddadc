"""One visit in one browser, as posthog-js reports it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

from persons.demo.log import EventLog, Properties, uuid7
from persons.demo.people import Device, Person
from persons.demo.product import SITE, Channel


class Session:
    """A visit whose clock only moves on, so that its events are in the order they are told."""

    def __init__(
        self, rng: Random, log: EventLog, person: Person, *, device: Device, channel: Channel, at: datetime
    ) -> None:
        self.at = at
        self.device = device
        self._rng = rng
        self._log = log
        self._channel = channel
        self._campaign: Properties = {"$referring_domain": channel.referring_domain, **channel.utm}
        self._place: Properties = {}
        self._shared: Properties = {
            "$lib": "web",
            "$lib_version": "1.297.0",
            "$browser": device.hardware.browser,
            "$browser_version": device.hardware.browser_version,
            "$os": device.hardware.os,
            "$device_type": device.hardware.device_type,
            "$device_id": device.anonymous_id,
            "$session_id": uuid7(rng, at),
            "$window_id": uuid7(rng, at),
            "$geoip_country_code": person.country.code,
        }

    def wait(self, shortest: float, longest: float) -> None:
        """Let some seconds pass; most pauses are nearer the shortest."""
        self.at += timedelta(seconds=self._rng.triangular(shortest, longest, shortest))

    def capture(self, event: str, properties: Properties) -> None:
        """Record what was done on the page that is open."""
        self._log.capture(
            event, self.device.distinct_id, self.at, {**self._shared, **self._place, **properties}
        )

    def land(self, path: str) -> None:
        """Open the first page of the visit, whose address alone shows the campaign."""
        self._open(path, f"?{urlencode(self._channel.utm)}" if self._channel.utm else "")

    def view(self, path: str) -> None:
        """Open another page after a while."""
        self.wait(3, 90)
        self._open(path, "")

    def click(self, buttons: Sequence[str]) -> None:
        """Press a button that the SDK records by itself."""
        self.wait(1, 20)
        text = self._rng.choice(buttons)
        self.capture("$autocapture", {"$event_type": "click", "$el_text": text, "tag_name": "button"})

    def identify(self, user_id: str, properties: Properties) -> None:
        """Log in: from here on the browser speaks for the user."""
        self.device.distinct_id = user_id
        self.capture("$identify", {"$anon_distinct_id": self.device.anonymous_id, **properties})

    def _open(self, path: str, query: str) -> None:
        # A browser reports its location percent-encoded.
        pathname = quote(path)
        self._place = {"$current_url": f"{SITE}{pathname}{query}", "$pathname": pathname}
        self.capture("$pageview", {**self._campaign, **self._first_impression()})
        self.device.seen = True

    def _first_impression(self) -> dict[str, Any]:
        """What posthog-js says once about each browser; it is all that is known of the anonymous."""
        if self.device.seen:
            return {}
        current = ("$browser", "$os", "$device_type", "$geoip_country_code")
        initial = {
            f"$initial_{key.removeprefix('$')}": value
            for key, value in {**self._campaign, "$pathname": self._place["$pathname"]}.items()
        }
        return {"$set": {key: self._shared[key] for key in current}, "$set_once": initial}
