"""What events from browsers and apps copy to their person (ingestion.md 4.1)."""

from typing import Any

import pytest

from persons.identity.properties import VISIT_PROPERTIES
from tests.identity.helpers import PROJECT, Store, make_event, personless, uuid_of

VISIT = {"$lib": "web", "$browser": "Firefox", "utm_source": "news", "$screen_dpi": 2}
COPIED = {
    "$browser": "Firefox",
    "utm_source": "news",
    "$initial_browser": "Firefox",
    "$initial_utm_source": "news",
}


def test_a_browsers_event_sets_the_latest_and_the_first_values() -> None:
    store = Store()
    store.take(make_event("u", properties=VISIT))
    assert store.person("u").properties == COPIED
    store.take(make_event("u", properties={**VISIT, "$browser": "Safari"}))
    assert store.person("u").properties == {**COPIED, "$browser": "Safari"}
    assert store.person("u").version == 1


def test_the_stored_event_carries_the_copies() -> None:
    store = Store()
    store.take(make_event("u", properties={**VISIT, "$set": {"plan": "free"}}))
    assert store.events[0].event.properties == {
        **VISIT,
        "$set": {"$browser": "Firefox", "utm_source": "news", "plan": "free"},
        "$set_once": {"$initial_browser": "Firefox", "$initial_utm_source": "news"},
    }


def test_explicit_values_win() -> None:
    store = Store()
    explicit = {
        "$set": {"$browser": None},
        "$set_once": {"$initial_browser": "Opera"},
        "$unset": ["utm_source"],
    }
    store.take(make_event("u", properties={**VISIT, **explicit}))
    assert store.person("u").properties == {
        "$browser": None,
        "$initial_browser": "Opera",
        "$initial_utm_source": "news",
    }


def test_copies_replace_parts_of_a_wrong_type() -> None:
    store = Store()
    store.take(make_event("u", properties={**VISIT, "$set": "oops"}))
    assert store.person("u").properties == COPIED
    assert len(store.notes) == 1


def test_every_property_of_the_visit_is_copied() -> None:
    store = Store()
    store.take(make_event("u", properties={"$lib": "posthog-ios", **dict.fromkeys(VISIT_PROPERTIES, 1)}))
    assert len(VISIT_PROPERTIES) == 43
    assert store.person("u").properties.keys() == {*VISIT_PROPERTIES, *VISIT_PROPERTIES.values()}
    assert VISIT_PROPERTIES["$os"] == "$initial_os"
    assert VISIT_PROPERTIES["_kx"] == "$initial__kx"


@pytest.mark.parametrize("sdk", ["posthog-python", "posthog-node", "posthog-go", "", None, 1, ["web"]])
def test_servers_copy_nothing(sdk: Any) -> None:
    store = Store()
    event = make_event("u", properties={**VISIT, "$lib": sdk})
    store.take(event)
    assert store.person("u").properties == {}
    assert store.events[0].event is event


def test_nulls_are_not_copied() -> None:
    store = Store()
    event = make_event("u", properties={"$lib": "web", "$browser": None})
    store.take(event)
    assert store.person("u").properties == {}
    assert store.events[0].event is event


def test_personless_events_copy_nothing() -> None:
    store = Store()
    event = make_event("u", properties={**VISIT, **personless("u").properties})
    store.take(event)
    assert [stored.event for stored in store.events] == [event]
    assert (PROJECT, store.events[0].person_id) == (7, uuid_of("u"))
