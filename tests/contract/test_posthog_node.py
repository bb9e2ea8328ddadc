"""posthog-node from npm: what a server sends with it, and sends again."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contract.flaky import Proxy
from tests.contract.shop import Shop

MODES = {"v0": "/batch/", "v1": "/i/v1/analytics/events"}


def told(node_modules: Path, host: str, token: str, mode: str) -> dict[str, Any]:
    """Run the story of node_user.mjs; returns what the SDK told the one who used it."""
    done = subprocess.run(
        ["node", node_modules.parent / "node_user.mjs", host, token],
        env={**os.environ, "POSTHOG_CAPTURE_MODE": mode},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def assert_everything_is_there_once(shop: Shop) -> None:
    shop.settle()
    ada = shop.person("ada")
    assert {tuple(person["distinct_ids"]) for person in shop.persons()} == {
        tuple(ada["distinct_ids"]),
        # PostHog, too, makes a person of the id that posthog-node makes up for a group.
        ("$company_acme",),
    }
    assert sorted(ada["distinct_ids"]) == ["ada", "anon-1", "crm-7"]
    assert ada["is_identified"] is True
    assert ada["properties"] == {"email": "ada@example.com", "plan": "paid", "source": "ads"}
    assert shop.persons(email="ada@example.com") == [ada]
    times = {"visited": 2, "$identify": 1, "$create_alias": 1, "$set": 1, "tidied": 1, "paid": 1}
    for event, count in {**times, "$exception": 1, "$ai_generation": 1}.items():
        assert shop.did(event, count) == [ada["uuid"]], event
    assert shop.did_in_order("visited", "$identify", "tidied", "paid") == [ada["uuid"]]
    assert shop.did("$groupidentify", 1) == [shop.person("$company_acme")["uuid"]]
    assert shop.did("nobody", 1) == []


@pytest.mark.parametrize("mode", MODES)
def test_everything_that_is_sent_is_there_once(
    node_modules: Path, shop: Shop, proxy: Proxy, mode: str
) -> None:
    answer = told(node_modules, proxy.url, shop.token, mode)
    assert answer == {"complaints": [], "flags": {}, "evaluated": []}
    paths = [path for path, _ in proxy.seen]
    assert set(paths) == {MODES[mode], "/i/v0/ai/batch/"}
    assert len(paths) <= 5, "events are to travel in batches"
    assert {headers["Content-Encoding"] for _, headers in proxy.seen} == {"gzip"}
    assert_everything_is_there_once(shop)


@pytest.mark.parametrize("late", [False, True], ids=["refused", "stored all the same"])
@pytest.mark.parametrize("mode", MODES)
def test_what_is_sent_again_after_a_503_is_neither_lost_nor_doubled(
    node_modules: Path, shop: Shop, proxy: Proxy, mode: str, late: bool
) -> None:
    proxy.refusals, proxy.late = 2, late
    answer = told(node_modules, proxy.url, shop.token, mode)
    assert answer == {"complaints": [], "flags": {}, "evaluated": []}
    assert proxy.refusals < 0, "something was to be sent again"
    assert_everything_is_there_once(shop)
