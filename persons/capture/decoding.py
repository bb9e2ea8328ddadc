"""From the bytes of a request to the events in it (spec/ingestion.md section 1)."""

import json
import zlib
from dataclasses import dataclass
from typing import Any

import orjson

from persons.errors import PayloadTooLarge, invalid

MAX_BODY_BYTES = 20 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Payload:
    """One request: its token (None when it has none) and its events as they were sent."""

    token: object
    events: list[Any]
    sent_at: object = None
    historical_migration: bool = False


def decoded(
    body: bytes, *, content_encoding: str = "", compression: str = "", token: str | None = None
) -> Payload:
    """Read a request body. ``token`` is the one of the query string.

    Raises PayloadTooLarge, and a validation error for a body that is not JSON of a known shape.
    """
    if body[:2] == _GZIP_MAGIC:
        body = _gunzipped(body)
    elif (name := content_encoding or compression) not in {"", "identity", "gzip", "gzip-js"}:
        raise invalid("compression", f"Compression {name!r} is not supported. Allowed: gzip, or none.")
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge(f"The body may have {MAX_BODY_BYTES} bytes at most.")
    if body[:5] == b"data=":
        raise invalid(None, "Form-encoded bodies are not supported. Send JSON.", code="not_supported")
    return _payload(_parsed(body), token)


def _gunzipped(body: bytes) -> bytes:
    # One byte more than allowed tells a large body from a bomb without ever inflating the bomb.
    inflater = zlib.decompressobj(wbits=31)
    try:
        inflated = inflater.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise invalid(None, f"The body is not valid gzip: {error}.") from error
    if not inflater.eof and len(inflated) <= MAX_BODY_BYTES:
        raise invalid(None, "The body is not valid gzip: it ends too early.")
    return inflated


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _parsed_leniently(body, str(error))


def _parsed_leniently(body: bytes, complaint: str) -> Any:
    """What SDKs really send and strict JSON forbids: NaN, infinities, halves of surrogate pairs."""
    try:
        document = json.loads(
            body, parse_constant=lambda _: None, parse_int=_int_or_float, parse_float=_finite
        )
        # Through UTF-16 and back: pairs become one character, halves become U+FFFD.
        text = json.dumps(document, ensure_ascii=False).encode("utf-16", "surrogatepass")
        return orjson.loads(text.decode("utf-16", "replace"))
    except (ValueError, RecursionError) as error:
        raise invalid(None, f"The body is not valid JSON: {complaint}.", code="parse_error") from error


def _int_or_float(digits: str) -> int | float | None:
    number = int(digits) if len(digits) < 20 else float(digits)
    return number if -(2**63) <= number < 2**64 else _finite(digits)


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if abs(number) != float("inf") else None


def _payload(document: Any, token: str | None) -> Payload:
    if isinstance(document, list):
        events, envelope = document, {}
    elif isinstance(document, dict) and "batch" in document:
        events, envelope = document["batch"], document
    elif isinstance(document, dict):
        events, envelope = [document], document
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
