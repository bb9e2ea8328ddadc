"""What an event asks of its person's properties, and what that changes (ingestion.md 4.1 to 4.3, 4.8)."""

from dataclasses import dataclass
from typing import Any

import orjson

from persons.identity.merges import json_text

# Bytes of a person's properties as orjson writes them (ingestion.md 4.8).
SIZE_LIMIT = 640_000

# Events whose $set, $set_once and $unset nobody applies: not here, not in a replay of stored events (4.3).
NO_UPDATE_EVENTS = frozenset({"$exception", "$$heatmap", "$web_vitals", "$performance_event", "$snapshot"})

# Where the stored event keeps an update that was refused, so that a replay does not find it.
REFUSED_UPDATE = "$refused_person_update"
UPDATE_KEYS = ("$set", "$set_once", "$unset")

# `$lib` of the SDKs that run where the person is. Their $browser, $os, $current_url describe the visit;
# a server's describe the server, and must not overwrite a browser's facts (4.1).
VISITOR_SDKS = frozenset(
    {
        "web",  # posthog-js
        "js",  # early posthog-js-lite
        "posthog-js",
        "posthog-js-lite",
        "posthog-ios",
        "posthog-android",
        "posthog-flutter",
        "posthog-react-native",
        "posthog-unity",
    }
)

# fmt: off
_VISIT = (
    "$app_build", "$app_name", "$app_namespace", "$app_version", "$browser", "$browser_version",
    "$device_type", "$current_url", "$pathname", "$os", "$os_name", "$os_version", "$referring_domain",
    "$referrer", "$screen_height", "$screen_width", "$viewport_height", "$viewport_width", "$raw_user_agent",
    "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "gclid", "gad_source", "gclsrc",
    "dclid", "gbraid", "wbraid", "fbclid", "msclkid", "twclid", "li_fat_id", "mc_cid", "igshid", "ttclid",
    "rdt_cid", "epik", "qclid", "sccid", "irclid", "_kx",
)
# fmt: on
# Event property → the person property that keeps its first value (4.1).
VISIT_PROPERTIES = {name: f"$initial_{name.removeprefix('$')}" for name in _VISIT}


@dataclass(frozen=True, slots=True)
class Update:
    """What an event asks of its person: set, then set where absent, then remove."""

    to_set: dict[str, Any]
    to_set_once: dict[str, Any]
    to_unset: list[str]


@dataclass(frozen=True, slots=True)
class Change:
    """What an update really does to certain properties: keys that get a new value, keys that go."""

    new: dict[str, Any]
    gone: list[str]


_NO_UPDATE = Update({}, {}, [])


def read_update(name: str, properties: dict[str, Any]) -> tuple[dict[str, Any], Update, list[str]]:
    """The event's properties as they are to be stored, its update, and reasons for parts that are ignored.

    The stored `$set`, `$set_once` and `$unset` say exactly what the update does, copies of the visit
    included, so that a replay needs no other rule. Properties that need no rewriting come back as they are.
    """
    if name in NO_UPDATE_EVENTS:
        return properties, _NO_UPDATE, []
    stored, reasons = _well_formed(properties)
    latest, first = _visit(properties)
    if latest:
        stored = {
            **stored,
            "$set": {**latest, **stored.get("$set", {})},
            "$set_once": {**first, **stored.get("$set_once", {})},
        }
    elif not any(key in stored for key in UPDATE_KEYS):
        return stored, _NO_UPDATE, reasons
    update = Update(stored.get("$set", {}), stored.get("$set_once", {}), stored.get("$unset", []))
    return stored, update, reasons


def _well_formed(properties: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The properties without update parts of a wrong type, `$unset` as a list of texts; and the reasons."""
    stored, reasons = properties, []
    for key in ("$set", "$set_once"):
        if key in properties and not isinstance(properties[key], dict):
            stored = {other: value for other, value in stored.items() if other != key}
            reasons.append(f"{key} is not an object: it was ignored")
    if "$unset" in properties:
        unset = properties["$unset"]
        if not isinstance(unset, list | dict):
            stored = {other: value for other, value in stored.items() if other != "$unset"}
            reasons.append("$unset is neither a list nor an object: it was ignored")
        elif isinstance(unset, dict) or not all(isinstance(key, str) for key in unset):
            stored = {**stored, "$unset": [json_text(key) for key in unset]}
    return stored, reasons


def _visit(properties: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the event says of the visit: latest values by property, first values by `$initial_` property."""
    sdk = properties.get("$lib")
    if not isinstance(sdk, str) or sdk not in VISITOR_SDKS:
        return {}, {}
    latest = {name: properties[name] for name in VISIT_PROPERTIES if properties.get(name) is not None}
    return latest, {VISIT_PROPERTIES[name]: value for name, value in latest.items()}


def change_of(properties: dict[str, Any], update: Update) -> Change | None:
    """What the update changes in these properties; None when it changes nothing (4.2)."""
    new = {
        key: value
        for key, value in update.to_set.items()
        if key not in properties or not same_json(properties[key], value)
    }
    for key, value in update.to_set_once.items():
        if key not in properties and key not in new:
            new[key] = value
    gone = []
    for key in dict.fromkeys(update.to_unset):
        new.pop(key, None)
        if key in properties:
            gone.append(key)
    return Change(new, gone) if new or gone else None


def without_update(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties of an event whose update was refused, as they are to be stored."""
    kept = {key: value for key, value in properties.items() if key not in UPDATE_KEYS}
    kept[REFUSED_UPDATE] = {key: properties[key] for key in UPDATE_KEYS if key in properties}
    return kept


def json_size(properties: dict[str, Any]) -> int:
    """Bytes of the properties as JSON."""
    return len(orjson.dumps(properties))


def same_json(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON, as PostgreSQL's jsonb has it: numbers by their value, 1 is 1.0.

    Nothing else would hold: jsonb gives 1e16 back as an integer, and the same event sent twice would
    change the person twice. Python's `==` alone would take true for 1.
    """
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same_json(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same_json, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
