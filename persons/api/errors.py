"""Every error leaves as ``{"type", "code", "detail", "attr"}`` (spec/decisions.md 1.6)."""

from typing import Any

import structlog
from django.core.exceptions import DisallowedHost, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from exceptions_hog import exception_handler
from psycopg_pool import PoolTimeout
from rest_framework.exceptions import ParseError
from rest_framework.response import Response

from clickhouse.errors import ClickHouseUnavailable
from persons.errors import PayloadTooLarge, Unavailable

_log = structlog.get_logger(__name__)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: what went wrong, as a response."""
    translated = _translated(error)
    response: Response | None = exception_handler(translated, context)
    if response is None:
        return None
    if challenge := getattr(translated, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    if response.status_code >= 500:
        _log.error("request.failed", exc_info=error)
    return response


def _translated(error: Exception) -> Exception:
    if isinstance(error, ClickHouseUnavailable | OperationalError | InterfaceError | PoolTimeout):
        return Unavailable()
    if isinstance(error, RequestDataTooBig):
        return PayloadTooLarge()
    if isinstance(error, DisallowedHost):
        return ParseError("The Host header is missing, or names a host that is not among ALLOWED_HOSTS.")
    if isinstance(error, SuspiciousOperation):
        return ParseError("The request cannot be understood.")
    return error


def _outside_drf(status: int, kind: str, code: str, detail: str) -> Any:
    def view(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        return JsonResponse({"type": kind, "code": code, "detail": detail, "attr": None}, status=status)

    return view


# Django's handlers for what never reaches a DRF view: see persons_api/urls.py.
bad_request = _outside_drf(400, "invalid_request", "bad_request", "The request cannot be understood.")
forbidden = _outside_drf(403, "authentication_error", "permission_denied", "You may not do this.")
not_found = _outside_drf(404, "invalid_request", "not_found", "Not found.")
failed = _outside_drf(500, "server_error", "error", "A server error occurred.")
