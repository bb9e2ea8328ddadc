"""What happened in the shop, and what every client is to hear of it."""

from typing import Any

from tests.contract.shop import Shop
from tests.server.process import Api, Project

# Values of every type that JSON has. `plan` changes later on.
SIGNED_UP: dict[str, dict[str, Any]] = {
    "gone": {"seats": 1},
    "ada": {
        "seats": 42,
        "plan": "free",
        "beta": True,
        "manager": None,
        "tags": ["a", 1, 2.5, True, None, ["b"]],
        "address": {"city": "Bonn", "lines": []},
        "": "a name that is empty",
    },
    "bob": {"seats": 1},
    "cyd": {"seats": 2.5, "type": "a name that generators use themselves", "properties": {"a.b": -1}},
    "dan": {},
}
BROWSERS = {"gone": "Opera", "ada": "Firefox", "bob": "Chrome", "cyd": "Safari", "dan": "Chrome"}
PROPERTIES = {**SIGNED_UP, "ada": {**SIGNED_UP["ada"], "plan": "pro"}}

# Names of persons by the question, with their values where it has any; the order is that of uuids or values.
PEOPLE: dict[str, dict[str, float | None]] = {
    "funnel": {"ada": None, "cyd": None},
    "broken_down": {"cyd": None},
    "correlation": {"ada": None},
    "trends": {"ada": 12.5, "cyd": 7, "bob": 5},
    "lifecycle": {"ada": None, "bob": None},
}


def happened(shop: Shop) -> None:
    """Send the story to a shop and wait until it is seen."""
    sent = [
        _event(
            "sign up", name, f"2024-03-01T{9 + hour:02}:00:00Z", {"$browser": BROWSERS[name], "$set": given}
        )
        for hour, (name, given) in enumerate(SIGNED_UP.items())
    ]
    sent += [
        _event("note created", "ada", "2024-03-02T10:00:00Z", {}),
        _event("cancelled", "bob", "2024-03-02T10:00:00Z", {}),
        _event("paid", "cyd", "2024-03-02T11:00:00Z", {"amount": 7}),
        _event("paid", "ada", "2024-03-03T10:00:00Z", {"amount": 10.5, "$set": {"plan": "pro"}}),
        _event("paid", "bob", "2024-03-03T11:00:00Z", {"amount": 5}),
        _event("paid", "ada", "2024-03-04T10:00:00Z", {"amount": 2}),
    ]
    Api(shop.url, Project(shop.project_id, shop.token, shop.key)).send(sent)
    shop.settle()


def _event(name: str, who: str, when: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"event": name, "distinct_id": who, "timestamp": when, "properties": properties}
