"""From the bytes of a request to the events in it (spec/ingestion.md section 1)."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from persons.capture.compression import inflated
from persons.capture.sdk_json import parsed
from persons.errors import invalid, not_supported

_JSON_BEGINS = (b"{", b"[")


@dataclass(frozen=True, slots=True)
class Payload:
    """One request: its token (None when it has none) and its events as they were sent."""

    token: object
    events: list[Any]
    sent_at: object = None
    historical_migration: bool = False


def decoded(body: bytes, *, compression: str = "", token: str | None = None) -> Payload:
    """Read a request body, whichever of the forms SDKs have had over the years it comes in.

    ``compression`` is the one that a header or the query string names, ``token`` that of the query string.
    Raises PayloadTooLarge, and a validation error for a body that is not JSON of a known shape.
    """
    body = _inflated(body, compression)
    if body.startswith(b"data=") or b"&data=" in body[:1000]:
        form = {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        token = form.get("api_key") or form.get("token") or token
        body = _inflated(form.get("data", "").encode(), form.get("compression", ""))
    text = body.strip()
    if text and not text.startswith(_JSON_BEGINS):
        text = _inflated(_from_base64(text), "")
    try:
        document = parsed(text)
    except ValueError as error:
        raise invalid(None, f"The body is not valid JSON: {error}.", code="parse_error") from error
    return payload(document, token)


def _inflated(body: bytes, compression: str) -> bytes:
    if compression == "lz64":
        raise not_supported(
            "compression", "lz64 is not supported: SDKs stopped sending it. Use gzip or base64."
        )
    return inflated(body, compression)


def _from_base64(text: bytes) -> bytes:
    # A + that travelled in a form unescaped is a space now; the URL-safe alphabet and missing padding are
    # both common.
    standard = text.replace(b" ", b"+").replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
    try:
        return base64.b64decode(standard + b"=" * (-len(standard) % 4), validate=True)
    except binascii.Error:
        return text


def payload(document: Any, token: str | None) -> Payload:
    """The events of a JSON document. Raises a validation error when it has none."""
    envelope: dict[str, Any] = {}
    if isinstance(document, list):
        events = document
    elif isinstance(document, dict):
        envelope = document
        events = document.get("batch", [document])
    else:
        raise invalid(None, "The body must be an event, a list of events, or an object with a `batch`.")
    if not isinstance(events, list):
        raise invalid("batch", "`batch` must be a list of events.")
    if not events:
        raise invalid("batch", "The request has no events.")
    return Payload(
        token=_token(envelope, events, token),
        events=events,
        sent_at=envelope.get("sent_at"),
        historical_migration=envelope.get("historical_migration") is True,
    )


def _token(envelope: dict[str, Any], events: list[Any], from_query: str | None) -> object:
    for place in (envelope, *events[:1]):
        if isinstance(place, dict):
            properties = place.get("properties")
            nested = properties.get("token") if isinstance(properties, dict) else None
            for found in (place.get("api_key"), place.get("token"), place.get("$token"), nested):
                if found is not None:
                    return found
    return from_query
