"""posthog from PyPI: two thousand events of two hundred people, and a funnel that finds the right ones."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from posthog import Posthog

from tests.contract.flaky import Proxy
from tests.contract.shop import Shop

START = datetime(2024, 3, 1, tzinfo=UTC)
PEOPLE, EVENTS = 200, 2_000
STEPS = ("visited", "signed up", "paid")
WINDOW = timedelta(days=3)
# Three events each tell who somebody is; the rest is what they do.
DEEDS = EVENTS - 3 * PEOPLE


def deeds() -> list[tuple[int, str, datetime]]:
    """Who did what when, in no particular order."""
    rng = random.Random(42)
    names = (*STEPS, "visited", "read the docs")
    seconds = int(timedelta(days=20).total_seconds())
    return [
        (rng.randrange(PEOPLE), rng.choice(names), START + timedelta(days=1, seconds=rng.randrange(seconds)))
        for _ in range(DEEDS)
    ]


def furthest(history: list[tuple[datetime, str]]) -> int:
    """The furthest step, by trying every first step: the obvious way."""
    best = 0
    ordered = sorted(history)
    for entered, first in ordered:
        if first != STEPS[0]:
            continue
        reached = 0
        for moment, name in ordered:
            if entered <= moment <= entered + WINDOW and reached < len(STEPS) and name == STEPS[reached]:
                reached += 1
        best = max(best, reached)
    return best


def send_everything(client: Any) -> None:
    """Each person has three ids: anonymous at first, then known, then an alias for the newsletter."""
    for number in range(PEOPLE):
        anonymous, known = f"anon-{number}", f"user-{number}"
        client.set(distinct_id=anonymous, properties={"campaign": number % 7, "draft": True}, timestamp=START)
        client.capture(
            "$identify",
            distinct_id=known,
            properties={
                "$anon_distinct_id": anonymous,
                "$set": {"email": f"{known}@example.com"},
                "$set_once": {"campaign": "never"},
                "$unset": ["draft"],
            },
            timestamp=START + timedelta(hours=1),
        )
        client.alias(f"news-{number}", known, timestamp=START + timedelta(hours=2))
    ids = ("anon", "user", "news")
    for position, (number, name, moment) in enumerate(deeds()):
        client.capture(name, distinct_id=f"{ids[position % 3]}-{number}", timestamp=moment)
    client.shutdown()


def client(shop: Shop, host: str, mode: str, complaints: list[Exception]) -> Any:
    return Posthog(
        shop.token,
        host=host,
        gzip=mode == "v0",
        capture_mode=mode,
        historical_migration=True,
        max_queue_size=EVENTS * 2,
        on_error=lambda error, _: complaints.append(error),
    )


def found(shop: Shop, step: int) -> set[str]:
    """The emails of those whom the funnel returns."""
    asked = {
        "events": [{"id": name} for name in STEPS],
        "date_from": "2024-03-01",
        "date_to": "2024-03-31",
        "funnel_window_interval": WINDOW.days,
        "funnel_step": step,
        "limit": 1000,
    }
    return {person["properties"]["email"] for person in shop.funnel(asked)}


@pytest.mark.parametrize(("mode", "path"), [("v0", "/batch/"), ("v1", "/i/v1/analytics/events")])
def test_a_funnel_returns_exactly_whom_plain_python_finds(
    shop: Shop, proxy: Proxy, mode: str, path: str
) -> None:
    complaints: list[Exception] = []
    # The first request is taken, but the SDK hears of a failure and sends it again.
    proxy.refusals, proxy.late = 1, True
    send_everything(client(shop, proxy.url, mode, complaints))
    shop.settle()
    assert complaints == []
    assert {seen for seen, _ in proxy.seen} == {path}

    histories: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
    for number, name, moment in deeds():
        histories[number].append((moment, name))
    reached = {f"user-{number}@example.com": furthest(history) for number, history in histories.items()}
    for step in (1, 2, 3):
        assert found(shop, step) == {email for email, best in reached.items() if best >= step}
    for step in (2, 3):
        assert found(shop, -step) == {email for email, best in reached.items() if best == step - 1}
    assert 0 < len(found(shop, 3)) < len(found(shop, 2)) < len(found(shop, 1))


def test_three_ids_are_one_person_with_the_properties_of_all(shop: Shop) -> None:
    complaints: list[Exception] = []
    send_everything(client(shop, shop.url, "v0", complaints))
    shop.settle()
    assert complaints == []
    assert len(shop.persons(limit="1000")) == PEOPLE
    for number in (0, 77, 199):
        (person,) = shop.persons(email=f"user-{number}@example.com")
        assert sorted(person["distinct_ids"]) == [f"anon-{number}", f"news-{number}", f"user-{number}"]
        assert person["properties"] == {"email": f"user-{number}@example.com", "campaign": number % 7}
        assert person["is_identified"] is True
        assert person["created_at"] == "2024-03-01T00:00:00Z"
