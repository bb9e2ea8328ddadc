"""The three ways to send a key (spec/decisions.md 2.1). OpenAPI has no scheme for one in a body."""

from typing import Any

KEY_SCHEMES: dict[str, dict[str, Any]] = {
    "personalAPIKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "A personal API key, `phx_...`. It may also stand in a JSON body, as "
        "`personal_api_key`. Of header, body and query string the first that has one counts. Each operation "
        "names the scopes it needs.",
    },
    "personalAPIKeyInQuery": {
        "type": "apiKey",
        "in": "query",
        "name": "personal_api_key",
        "description": "The same key in the query string. Query strings end up in logs; prefer the header.",
    },
}
KEY_IN_BODY = {
    "type": "string",
    "writeOnly": True,
    "example": "phx_YOUR_KEY",
    "description": "The key, where it is not sent in the Authorization header.",
}
