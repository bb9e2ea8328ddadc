"""The newest SDKs' protocol, translated at the door into what everything behind it knows.

The contract is what SDKs rely on: ``capture_v1`` of posthog-python, ``capture-v1`` of posthog-node.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from persons.capture.compression import inflated
from persons.capture.decoding import Payload, payload
from persons.capture.sdk_json import parsed
from persons.errors import invalid
from persons.identity.values import Note

_OPTIONS = {
    "cookieless_mode": "$cookieless_mode",
    "disable_skew_correction": "$ignore_sent_at",
    "product_tour_id": "$product_tour_id",
    "process_person_profile": "$process_person_profile",
}
_TOP_LEVEL = {"session_id": "$session_id", "window_id": "$window_id"}


def decoded_v1(body: bytes, headers: Mapping[str, str]) -> Payload:
    """Read a request of ``/i/v1/analytics/events``. Raises as ``decoding.decoded`` does."""
    try:
        document = parsed(inflated(body, headers.get("Content-Encoding", "").strip().lower()))
    except ValueError as error:
        raise invalid(None, f"The body is not valid JSON: {error}.", code="parse_error") from error
    if not isinstance(document, dict) or "batch" not in document:
        raise invalid("batch", "The body must be an object with a `batch`.")
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    read = payload(document, None)
    library, _, version = headers.get("PostHog-Sdk-Info", "").partition("/")
    sender = {"$lib": library, "$lib_version": version} if library else {}
    return Payload(
        token=token.strip() if scheme.lower() == "bearer" and token.strip() else None,
        events=[_as_v0(event, sender) for event in read.events],
        sent_at=headers.get("PostHog-Request-Timestamp"),
        historical_migration=read.historical_migration,
    )


def _as_v0(event: Any, sender: Mapping[str, str]) -> Any:
    """An event with everything that has a place of its own in v1 back among its properties."""
    if not isinstance(event, dict):
        return event
    options, properties = event.get("options"), event.get("properties")
    if not isinstance(properties, dict | None):
        return event
    lifted = {**sender, **(properties or {})}
    lifted |= {name: event[key] for key, name in _TOP_LEVEL.items() if event.get(key) is not None}
    if isinstance(options, dict):
        lifted |= {name: options[key] for key, name in _OPTIONS.items() if options.get(key) is not None}
    return {**event, "properties": lifted}


def results(events: Sequence[Any], notes: Iterable[Note]) -> dict[str, dict[str, str | None]]:
    """What became of each event, under the uuid it was sent with: ``ok``, ``warning`` (taken, with something
    left out) or ``drop``."""
    sent = [event.get("uuid") if isinstance(event, dict) else None for event in events]
    answer: dict[str, dict[str, str | None]] = {
        str(uuid): {"result": "ok", "details": None} for uuid in sent if uuid is not None
    }
    for note in notes:
        uuid = sent[note.index]
        outcome = "warning" if note.stored else "drop"
        answer[str(note.uuid if uuid is None else uuid)] = {"result": outcome, "details": note.reason}
    return answer
