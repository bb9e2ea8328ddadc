"""A visit to the web site with a browser, and all that posthog-js sends and complains of meanwhile."""

import gzip
import json
import time
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response

from tests.contract.shop import PATIENCE_SECONDS, Shop

# What posthog-js says in debug mode when no configuration of surveys comes; any other makes it load scripts.
_BY_DESIGN = "[PostHog.js] [Surveys] Flags not loaded yet. Not loading surveys."
_BUNDLES = {
    "module.js": {"type": "module", "content": 'import posthog from "{url}"; window.posthog = posthog;'},
    "array.full.no-external.js": {"url": "{url}"},
}


@dataclass
class Visit:
    """``events`` were sent, those in ``answered``, by uuid, taken too. Playwright sees no beacons."""

    shop: Shop
    page: Page
    events: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)

    @classmethod
    def begun(
        cls, browser: Browser, site: str, shop: Shop, bundle: str = "module.js", **options: Any
    ) -> "Visit":
        """Open the page as a new visitor, coming from a search, and start posthog-js."""
        context = browser.new_context()
        visit = cls(shop, context.new_page())
        context.on("request", visit._on_request)
        context.on("response", visit._on_response)
        context.on(
            "requestfailed", lambda request: visit.complaints.append(f"{request.failure} {request.url}")
        )
        context.on("weberror", lambda error: visit.complaints.append(str(error.error)))
        visit.page.on("console", visit._on_console)
        visit.page.goto(f"{site}/page.html?utm_source=news", referer="https://search.example/")
        url = f"{site}/node_modules/posthog-js/dist/{bundle}"
        visit.page.add_script_tag(**{name: text.format(url=url) for name, text in _BUNDLES[bundle].items()})
        visit.page.wait_for_function("Boolean(window.posthog?.init)")
        visit.do(
            """async options => {
                await new Promise(loaded => posthog.init(options.token, {...options, loaded}))
                window.captured = []
                posthog.on("eventCaptured", event => captured.push(event.uuid))
            }""",
            {"token": shop.token, "api_host": shop.url, "debug": True, **options},
        )
        return visit

    def do(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def distinct_id(self) -> str:
        return str(self.do("posthog.get_distinct_id()"))

    def settle(self) -> None:
        """Wait until everything captured has been answered, and questions see it."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not self.answered.issuperset(self.do("captured")):
            assert time.monotonic() < until, (self.complaints, self.do("captured"))
            self.page.wait_for_timeout(50)
        self.shop.settle()

    def leave(self) -> None:
        """Follow a link to another page, which is when posthog-js sends what it still has."""
        self.page.click("#leave")
        self.page.wait_for_url("**/left.html")

    def _on_request(self, request: Request) -> None:
        self.requests.append(request)
        self.events += _events(request)

    def _on_response(self, response: Response) -> None:
        if response.status == 200:
            self.answered.update(event["uuid"] for event in _events(response.request))
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.url}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"warning", "error"} and message.text != _BY_DESIGN:
            self.complaints.append(message.text)


def _events(request: Request) -> list[dict[str, Any]]:
    body = request.post_data_buffer
    if not body:
        return []
    document = json.loads(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)
    found: list[dict[str, Any]] = document.get("batch", [])
    return found
