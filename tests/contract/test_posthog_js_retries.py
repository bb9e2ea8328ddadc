"""posthog-js from npm, in Chromium: what it sends as a page is left, and sends again."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Browser

from tests.contract.flaky import Proxy
from tests.contract.shop import PATIENCE_SECONDS, Shop
from tests.contract.visit import Visit


def wait_until(happened: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.parametrize("disable_compression", [False, True], ids=["gzip", "uncompressed"])
def test_what_a_visitor_does_last_arrives_as_she_leaves(
    browser: Browser, site: str, shop: Shop, disable_compression: bool
) -> None:
    visit = Visit.begun(browser, site, shop, disable_compression=disable_compression)
    visit.do("posthog.identify('ada')")
    visit.settle()
    visit.do("posthog.capture('last words')")
    visit.leave()
    wait_until(lambda: shop.did_in_order("last words", "$pageleave"))
    (ada,) = shop.persons()
    for event in ("last words", "$autocapture", "$pageleave"):
        assert shop.did(event, 1) == [ada["uuid"]], event
    assert visit.complaints == []


def test_what_was_stored_before_a_503_is_not_doubled_when_it_is_sent_again(
    browser: Browser, site: str, shop: Shop, proxy: Proxy
) -> None:
    visit = Visit.begun(browser, site, replace(shop, url=proxy.url))
    visit.settle()
    proxy.refusals, proxy.late = 1, True
    with visit.page.expect_console_message(lambda message: "Enqueued" in message.text):
        visit.do("posthog.identify('ada', {email: 'ada@example.com'})")
    # As the page is left, two beacons go out: what was not sent yet, and what waits to be tried again.
    answered = proxy.answered
    visit.leave()
    wait_until(lambda: proxy.answered == answered + 2)
    shop.settle()
    (ada,) = shop.persons()
    for event in ("$identify", "$pageleave"):
        assert shop.did(event, 1) == [ada["uuid"]], event
    assert all("503" in text or "Enqueued" in text for text in visit.complaints), visit.complaints


def test_what_was_refused_with_a_503_is_sent_again(
    browser: Browser, site: str, shop: Shop, proxy: Proxy
) -> None:
    visit = Visit.begun(browser, site, replace(shop, url=proxy.url))
    proxy.refusals = 1
    visit.do("posthog.identify('ada')")
    visit.settle()
    (ada,) = shop.persons()
    for event in ("$pageview", "$identify"):
        assert shop.did(event, 1) == [ada["uuid"]], event
    assert all("503" in text or "Enqueued" in text for text in visit.complaints), visit.complaints
    assert any("retry_count=1" in request.url for request in visit.requests)
