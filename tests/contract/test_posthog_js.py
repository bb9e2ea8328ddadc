"""posthog-js from npm, in Chromium, on a web site of another origin than the server's."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.contract.shop import Shop
from tests.contract.visit import Visit

FAST: dict[str, Any] = {"request_queue_config": {"flush_interval_ms": 250}}


@pytest.mark.parametrize("bundle", ["module.js", "array.full.no-external.js"])
def test_a_visitor_who_says_who_she_is_is_one_person_with_all_she_did(
    browser: Browser, site: str, shop: Shop, bundle: str
) -> None:
    visit = Visit.begun(browser, site, shop, bundle, **FAST)
    anonymous = visit.distinct_id()
    visit.do("posthog.capture('viewed')")
    visit.page.click("#buy")
    visit.settle()
    assert shop.persons() == []
    visit.do(
        """() => {
            posthog.identify('ada', {email: 'ada@example.com', temporary: 1}, {source: 'ads'})
            posthog.alias('crm-7')
            posthog.group('company', 'acme', {size: 3})
            posthog.setPersonProperties({plan: 'paid'}, {source: 'friends'})
            posthog.unsetPersonProperties(['temporary'])
            posthog.capture('paid', {$set: {orders: 0}}, {$set: {orders: 1}})
        }"""
    )
    visit.settle()

    (ada,) = shop.persons()
    assert ada["is_identified"] is True
    assert sorted(ada["distinct_ids"]) == sorted([anonymous, "ada", "crm-7"])
    expected = {
        "email": "ada@example.com",
        "plan": "paid",
        "source": "ads",
        "orders": 1,
        "$browser": "Chrome",
        "$os": "Linux",
        "$initial_browser": "Chrome",
        "$initial_pathname": "/page.html",
        "$initial_referring_domain": "search.example",
        "$initial_utm_source": "news",
    }
    assert expected.items() <= ada["properties"].items()
    assert "temporary" not in ada["properties"]
    for event in (
        "$pageview",
        "viewed",
        "$autocapture",
        "$identify",
        "$create_alias",
        "$groupidentify",
        "paid",
    ):
        assert shop.did(event, 1) == [ada["uuid"]], event
    assert shop.did_in_order("viewed", "paid") == [ada["uuid"]]

    by_name = {event["event"]: event["properties"] for event in visit.events}
    assert 'attr__data-attr="buy"' in by_name["$autocapture"]["$elements_chain"]
    assert by_name["paid"]["$groups"] == {"company": "acme"}
    assert visit.complaints == []
    # After the configuration has come: compressed, in batches, to the endpoint it names, each event once.
    posts = [request for request in visit.requests if urlsplit(request.url).path == "/i/v0/e/"]
    assert len(posts) < len(visit.events)
    assert all((request.post_data_buffer or b"").startswith(b"\x1f\x8b") for request in posts)
    assert len({event["uuid"] for event in visit.events}) == len(visit.events)
    assert by_name["paid"]["$sdk_debug_retry_queue_size"] == 0


def test_after_a_reset_somebody_else_is_there(browser: Browser, site: str, shop: Shop) -> None:
    visit = Visit.begun(browser, site, shop, **FAST)
    first = visit.distinct_id()
    visit.do("posthog.identify('ada', {email: 'ada@example.com'})")
    visit.settle()
    visit.do("posthog.reset()")
    second = visit.distinct_id()
    visit.do("posthog.capture('looked around')")
    visit.settle()
    assert [set(person["distinct_ids"]) for person in shop.persons()] == [{"ada", first}]
    visit.do("posthog.identify('grace', {email: 'grace@example.com'})")
    visit.settle()

    assert set(shop.person("ada")["distinct_ids"]) == {"ada", first}
    grace = shop.person("grace")
    assert set(grace["distinct_ids"]) == {"grace", second}
    assert grace["properties"]["email"] == "grace@example.com"
    assert shop.did("looked around", 1) == [grace["uuid"]]
    assert visit.complaints == []


def test_whatever_else_a_page_asks_for_is_answered(browser: Browser, site: str, shop: Shop) -> None:
    visit = Visit.begun(
        browser,
        site,
        shop,
        **FAST,
        defaults="2026-05-30",
        person_profiles="always",
        disable_web_experiments=False,
        disable_compression=True,
    )
    asked = "(ask => new Promise(answer => ask(answer)))"
    assert visit.do(f"{asked}(answer => posthog.onFeatureFlags(flags => answer(flags)))") == []
    assert visit.do(f"{asked}(answer => posthog.getSurveys(surveys => answer(surveys), true))") == []
    assert visit.do(f"{asked}(answer => posthog.getEarlyAccessFeatures(answer, true))") == []
    visit.do("() => { posthog.captureException(new Error('out of paper')) }")
    visit.settle()
    (anonymous,) = shop.persons()
    assert anonymous["distinct_ids"] == [visit.distinct_id()]
    assert anonymous["is_identified"] is False
    assert anonymous["properties"]["$initial_utm_source"] == "news"
    assert shop.did("$exception", 1) == [anonymous["uuid"]]
    assert visit.complaints == []
