"""Headers of answers."""

from typing import Any

_COMPONENTS = "#/components/headers/"
HEADERS: dict[str, dict[str, Any]] = {
    "RequestId": {
        "description": "What logs call the request: the `X-Request-ID` that came with it, or a new one.",
        "required": True,
        "schema": {"type": "string"},
    },
    "IgnoredParameters": {
        "description": "Names of parameters that nobody knows, percent-encoded, with commas between them.",
        "schema": {"type": "string"},
    },
    "IdempotentReplayed": {
        "description": "`true`: the request came before, and this is what was answered then.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}


def headers_of(*, takes_parameters: bool, can_be_replayed: bool) -> dict[str, dict[str, str]]:
    """What a success says in its headers."""
    names = {"X-Request-ID": "RequestId"}
    if takes_parameters:
        names["X-Ignored-Parameters"] = "IgnoredParameters"
    if can_be_replayed:
        names["Idempotent-Replayed"] = "IdempotentReplayed"
    return {header: {"$ref": _COMPONENTS + name} for header, name in names.items()}
