"""Every error leaves as ``{"type", "code", "detail", "attr"}`` (spec/decisions.md 1.6)."""

from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig, SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from exceptions_hog import exception_handler
from psycopg_pool import PoolTimeout
from rest_framework.exceptions import APIException, AuthenticationFailed, NotFound, ParseError
from rest_framework.response import Response

from clickhouse.errors import (
    ClickHouseError,
    ClickHouseUnavailable,
    InvalidPattern,
    QueryTimeout,
    QueryTooLarge,
)
from persons.errors import PayloadTooLarge, Unavailable, invalid
from persons.models import PersonalAPIKey, Project, User
from persons.writing.missing import missing_model

_log = structlog.get_logger(__name__)
_NO_HOST = "The Host header is missing, or names a host that is not among ALLOWED_HOSTS."
_MALFORMED = "The request cannot be understood."
_CHEAPER = "Ask for a shorter range of dates or fewer steps, or add filters"


class _QueryTimedOut(APIException):
    """A question took longer than one may. It would again, so nobody is told to try again."""

    status_code = 503
    default_code = "query_timeout"
    default_type = "server_error"


class _QueryTooLarge(APIException):
    """A question needs more than one may."""

    status_code = 413
    default_code = "query_too_large"
    default_type = "validation_error"


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: what went wrong, as a response."""
    translated = _translated(error)
    response: Response | None = exception_handler(translated, context)
    if response is None:
        return None
    if challenge := getattr(translated, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    if also := getattr(translated, "also", None):
        response.data = {**response.data, **also}
    if response.status_code >= 500:
        _log.error("request.failed", exc_info=error)
    return response


def _translated(error: Exception) -> Exception:
    if isinstance(error, ClickHouseError):
        return _of_clickhouse(error)
    if isinstance(error, IntegrityError):
        return _of_missing_row(error)
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        return Unavailable()
    if isinstance(error, RequestDataTooBig):
        return PayloadTooLarge()
    if isinstance(error, SuspiciousOperation):
        return ParseError(_NO_HOST if isinstance(error, DisallowedHost) else _MALFORMED)
    return error


def _of_missing_row(error: IntegrityError) -> Exception:
    """What a request is told that referred to a row which another one deleted meanwhile."""
    missing = missing_model(error)
    if missing is Project:
        return NotFound("The project has been deleted.")
    if missing in (PersonalAPIKey, User):
        refusal = AuthenticationFailed("The personal API key or its user has been deleted.")
        refusal.auth_header = "Bearer"  # type: ignore[attr-defined]
        return refusal
    return error


def _of_clickhouse(error: ClickHouseError) -> Exception:
    if isinstance(error, ClickHouseUnavailable):
        return Unavailable()
    if isinstance(error, QueryTimeout):
        return _QueryTimedOut(
            f"The question takes longer than the {settings.QUERY_LIMITS['seconds']:g} seconds it may take. "
            f"{_CHEAPER}, or let whoever runs the service raise QUERY_TIMEOUT_SECONDS."
        )
    if isinstance(error, QueryTooLarge):
        return _QueryTooLarge(
            "The question needs more memory than it may have, or reads more than it may read. "
            f"{_CHEAPER}, or let whoever runs the service raise QUERY_MAX_MEMORY or QUERY_MAX_ROWS."
        )
    if isinstance(error, InvalidPattern):
        return invalid(None, "A regular expression among the filters is not one that RE2 understands.")
    return error


def answer_outside_drf(error: Any) -> HttpResponse:
    """One of our errors as a response, for code that runs before any DRF view."""
    answer = JsonResponse(
        {"type": error.default_type, "code": error.default_code, "detail": str(error.detail), "attr": None},
        status=error.status_code,
    )
    if wait := getattr(error, "wait", None):
        answer["Retry-After"] = str(wait)
    return answer


def _outside_drf(status: int, kind: str, code: str, detail: str) -> Any:
    def view(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        return JsonResponse({"type": kind, "code": code, "detail": detail, "attr": None}, status=status)

    return view


# Django's handlers for what never reaches a DRF view: see persons_api/urls.py.
bad_request = _outside_drf(400, "invalid_request", "bad_request", "The request cannot be understood.")
forbidden = _outside_drf(403, "authentication_error", "permission_denied", "You may not do this.")
not_found = _outside_drf(404, "invalid_request", "not_found", "Not found.")
_failed = _outside_drf(500, "server_error", "error", "A server error occurred.")


def failed(request: HttpRequest) -> HttpResponse:
    """Log and answer an error that no DRF view handled. Django calls this while it handles the exception."""
    _log.error("request.failed", exc_info=True)
    response: HttpResponse = _failed(request)
    return response
