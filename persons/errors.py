"""The refusals that more than one part of the service gives. persons/api/errors.py turns them into HTTP."""

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import APIException, ErrorDetail, ValidationError

# The key of a WSGI `environ` for an error found before Django runs. The middleware `refusals` answers it.
REFUSAL = "persons.refusal"


class PayloadTooLarge(APIException):
    """The body is larger than the endpoint takes."""

    status_code = 413
    default_code = "payload_too_large"
    default_detail = "The request body is too large."
    default_type = "invalid_request"


class Unavailable(APIException):
    """A store cannot be reached. The same request is worth sending again after ``wait`` seconds."""

    status_code = 503
    default_code = "unavailable"
    default_detail = "A data store is not available right now. Try again in a moment."
    default_type = "server_error"
    wait = 1


class Busy(Unavailable):
    """All query slots are taken, and none became free while the request waited."""

    default_code = "busy"
    default_detail = (
        "Too many queries run at the moment. Send the request again after the Retry-After seconds."
    )
    wait = 2


class BodyTooSlow(APIException):
    """The body did not arrive in time."""

    status_code = 408
    default_code = "request_timeout"
    default_detail = (
        "The request body arrived too slowly. A body has 30 seconds, and one more for every 64 KiB received."
    )
    default_type = "invalid_request"


class AddressTooLong(APIException):
    """The path and query string are longer than any endpoint needs."""

    status_code = 414
    default_code = "address_too_long"
    default_detail = "The address may have 60 KiB. Send parameters in the body of a POST."
    default_type = "invalid_request"


class UnsupportedCharset(APIException):
    """The Content-Type names a charset that no endpoint reads."""

    status_code = 415
    default_code = "unsupported_media_type"
    default_detail = "The charset of the Content-Type is not supported. Send utf-8, us-ascii or iso-8859-1."
    default_type = "invalid_request"


def invalid(attr: str | None, detail: str, code: str = "invalid_input") -> ValidationError:
    """A 400 that names the parameter; ``attr`` is dotted for nested ones, None for the whole request."""
    problem = ErrorDetail(detail, code=code)
    content: Any = [problem] if attr is None else {attr: problem}
    return ValidationError(content)


class Invalid(ValidationError):
    """A 400 that names the parameter and has something more in its body: `also`."""

    def __init__(self, attr: str, detail: str, code: str, *, also: Mapping[str, str]) -> None:
        super().__init__({attr: ErrorDetail(detail, code=code)})
        self.also = also


def not_supported(attr: str, detail: str) -> ValidationError:
    """A 400 for what PostHog understands and this release does not (spec/decisions.md 1.4)."""
    return invalid(attr, detail, code="not_supported")


def moved(refusal: ValidationError, attr: str) -> ValidationError:
    """The same refusal of another parameter."""
    detail: Any = refusal.detail
    problem = next(iter(detail.values())) if isinstance(detail, dict) else detail[0]
    return invalid(attr, str(problem), problem.code)
