"""The one shape of errors, for every status (spec/decisions.md 1.6)."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel

from persons.openapi.fields import Named, told

_Type = Literal[
    "validation_error", "invalid_request", "authentication_error", "throttled_error", "server_error"
]


class ErrorResponse(BaseModel):
    """What went wrong."""

    type: Annotated[_Type, Named("ErrorType"), told("The kind of mistake.", "validation_error")]
    code: Annotated[str, told("What exactly went wrong, for programs.", "invalid_input")]
    detail: Annotated[str, told("The same for people: what is wrong, and what is allowed.")]
    attr: Annotated[
        str | None,
        told("The parameter at fault, dotted where it is nested.", "events.0.properties.1.operator"),
    ]
    message: Annotated[str | None, told("What PostHog says of the mistake, where its clients read that.")] = (
        None
    )
    error: Annotated[str | None, told("The same as `detail`, where PostHog's clients read that.")] = None


_WAIT = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_CHALLENGE = {"WWW-Authenticate": {"description": "Bearer.", "schema": {"type": "string"}}}
_DESCRIPTIONS: dict[int, tuple[str, str, dict[str, Any]]] = {
    400: (
        "BadRequest",
        "A parameter is wrong, or not supported: `attr` names it, `detail` what is allowed.",
        {},
    ),
    401: ("Unauthorized", "No key, or a wrong one.", _CHALLENGE),
    403: ("Forbidden", "The key lacks the scope or the project that `detail` names.", {}),
    404: ("NotFound", "No such thing.", {}),
    405: ("MethodNotAllowed", "The path does not take this method.", {}),
    406: ("NotAcceptable", "The Accept header takes nothing that there is.", {}),
    413: ("TooLarge", "The body is too large, or the question needs more memory than one may have.", {}),
    414: ("AddressTooLong", "The address has more than 60 KiB. Send parameters in the body of a POST.", {}),
    415: ("UnsupportedMediaType", "The body is of a type that is not taken.", {}),
    429: ("TooManyRequests", "Too many requests.", _WAIT),
    500: ("ServerError", "Something went wrong here.", {}),
    503: (
        "Unavailable",
        "A store cannot be reached, the question takes longer than one may, or, with `wait_until_visible`, "
        "not everything that was acknowledged is visible yet.",
        _WAIT,
    ),
}


def error_responses(error: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The components of responses. `error`: a reference to the shape."""
    content = {"content": {"application/json": {"schema": error}}}
    return {
        name: {
            "description": text,
            **({"headers": headers} if headers else {}),
            **content,
        }
        for name, text, headers in _DESCRIPTIONS.values()
    }


# Who needs no key is not refused one, nor is told that there is no such thing.
_OF_KEYS = {403, 404, 415, 429}


def error_references(*, needs_key: bool, has_body: bool) -> dict[str, dict[str, str]]:
    """What an operation says of errors."""
    never = set() if needs_key else _OF_KEYS if has_body else {400, 401, 413} | _OF_KEYS
    return {
        str(status): {"$ref": f"#/components/responses/{name}"}
        for status, (name, _, _) in _DESCRIPTIONS.items()
        if status not in never
    }
