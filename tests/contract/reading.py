"""What there is to be read by those who read everything: more of each thing than fits on a page of theirs."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.contract.shop import Shop

START = datetime(2024, 3, 1, tzinfo=UTC)
# Airbyte asks for 10,000 events and for 100 of everything else.
VISITS, PEOPLE, COHORTS, TEAMS = 10_100, 230, 101, 23
_AT_ONCE = 37


@dataclass
class Kept:
    """A project, and what every reader is to find in it. Events by their ids; persons by one of theirs."""

    shop: Shop
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    persons: dict[str, dict[str, Any]] = field(default_factory=dict)
    cohorts: dict[int, str] = field(default_factory=dict)

    def happened(self, *events: dict[str, Any]) -> None:
        """Send events, and remember them."""
        sent = [
            {**each, "uuid": str(UUID(int=1 + len(self.events) + place))} for place, each in enumerate(events)
        ]
        self.events |= {each["uuid"]: each for each in sent}
        for start in range(0, len(sent), 5_000):
            self.shop.sends(sent[start : start + 5_000])
        self.shop.settle()


def filled(shop: Shop) -> Kept:
    """A project with a long history: often many events of one instant, the first at the very start."""
    kept = Kept(shop)
    kept.happened(*(_visit(number) for number in range(VISITS)), *_introductions())
    for number in range(PEOPLE):
        anonymous = [f"anon-{number}"] if number % 10 == 0 else []
        kept.persons[f"user-{number}"] = {
            "distinct_ids": sorted([f"user-{number}", *anonymous]),
            "properties": _properties(number),
        }
    for number in range(COHORTS):
        made = shop.ask("cohorts/", {"name": f"Cohort {number}", "is_static": True})
        kept.cohorts[made["id"]] = f"Cohort {number}"
    _forget_somebody(kept)
    return kept


def _visit(number: int) -> dict[str, Any]:
    return {
        "event": ["visited", "read the docs", "paid"][number % 3],
        "distinct_id": f"user-{number % PEOPLE}",
        "timestamp": (START + timedelta(seconds=number // _AT_ONCE)).isoformat(),
        "properties": {"number": number, "path": f"/{number % 7}/ü", "tags": ["a", {"b": None}]},
    }


def _introductions() -> list[dict[str, Any]]:
    """Half a year later everybody says who they are; some were known by another id before."""
    at = START + timedelta(days=180, microseconds=1)
    return [
        {
            "event": "$identify",
            "distinct_id": f"user-{number}",
            "timestamp": (at + timedelta(hours=number)).isoformat(),
            "properties": {
                "$set": _properties(number),
                **({"$anon_distinct_id": f"anon-{number}"} if number % 10 == 0 else {}),
            },
        }
        for number in range(PEOPLE)
    ]


def _properties(number: int) -> dict[str, Any]:
    return {"email": f"user-{number}@example.com", "team": number % TEAMS, "likes": ["ü", 1.5, None, {}]}


def _forget_somebody(kept: Kept) -> None:
    """What a deleted person did is not there any more, nor what comes of it later."""
    shop = kept.shop
    shop.sends([{"event": "visited", "distinct_id": "gone", "timestamp": START.isoformat()}])
    shop.settle()
    shop.ask("persons/?distinct_id=gone", method="DELETE")
    shop.sends([{"event": "visited", "distinct_id": "gone", "timestamp": START.isoformat()}])
    shop.settle()
