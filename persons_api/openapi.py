"""What the OpenAPI description says of the service as a whole."""

from typing import Any

from persons.api.parameters.door import HARMLESS

_DESCRIPTION = """\
The PostHog *persons* API as one small service. Every path works with and without its trailing slash, and
those below `/api/projects/{{project_id}}/` also below `/api/environments/{{project_id}}/`.

Parameters come from the query string and the JSON body; the body wins, except for `limit` and `offset`. In a
query string lists and objects are JSON. Every parameter is checked; a mistake is a 400 that names it.
Parameters that nobody knows are ignored, and named in the header `X-Ignored-Parameters`. Accepted everywhere
and without effect, since they cannot change who comes back: {harmless}.

An address may have 60 KiB; a longer one is answered with 414, beyond 64 KiB without a body. Send a POST then.

Operations whose name has `csv` or `ndjson` in it answer with a file; so do their counterparts, with
`format=csv` or `Accept: text/csv`, `format=ndjson` or `Accept: application/x-ndjson`. Every path that ends in
`.csv/` has a counterpart in `.ndjson/`.

The session of the admin site counts like a key that may do everything.
"""
_TAGS = {
    "persons": "Who the persons are, and who did what.",
    "events": "What happened, one by one.",
    "cohorts": "Persons under one name.",
    "actions": "Events that mean the same.",
    "projects": "Bodies of events and persons.",
    "users": "Who asks.",
    "personal_api_keys": "What may ask.",
    "capture": "How events get in.",
    "health": "How the service is.",
}


def introduce(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """A hook of drf-spectacular's."""
    harmless = ", ".join(f"`{name}`" for name in sorted(HARMLESS - {"personal_api_key"}))
    info = {**result["info"], "description": _DESCRIPTION.format(harmless=harmless)}
    tags = [{"name": name, "description": text} for name, text in _TAGS.items()]
    return {**result, "info": info, "tags": tags}
