"""The WSGI application, for any server that speaks WSGI. `asgi.py` runs it in threads."""

import os
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "persons_api.settings")

_django = get_wsgi_application()

from persons.errors import REFUSAL, UnsupportedCharset  # noqa: E402 - DRF reads the settings when it is imported
from persons.observability.paths import shown_path  # noqa: E402

WSGI = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_log = structlog.get_logger(__name__)
# Django decodes a query string with the charset of the body, and Python has codecs that are no charsets:
# `zip` raises outside Django's handlers, `punycode` takes quadratic time.
_MAX_CONTENT_TYPE = 1_000
_CHARSETS = {"", "utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso8859-1", "latin-1", "latin1"}
FAILED_BODY = orjson.dumps(
    {"type": "server_error", "code": "error", "detail": "A server error occurred.", "attr": None}
)
FAILED_HEADERS = [
    ("Content-Type", "application/json"),
    ("Content-Length", str(len(FAILED_BODY))),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
]


def with_known_charset(application: WSGI) -> WSGI:
    """Reject a Content-Type with a charset outside the allow-list, before Django decodes anything with it."""

    def checked(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            charset = _charset(environ.get("CONTENT_TYPE", ""))
            is_known = charset.lower() in _CHARSETS
        except ValueError:
            is_known = False
        if not is_known:
            environ = {**environ, "CONTENT_TYPE": "", REFUSAL: UnsupportedCharset()}
        return application(environ, start_response)

    return checked


def with_error_answers(application: WSGI) -> WSGI:
    """Answer with the standard 500 and log the error when the application itself raises."""

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            return application(environ, start_response)
        except Exception:
            _log.exception(
                "request.failed", method=environ.get("REQUEST_METHOD"), path=shown_path(environ["PATH_INFO"])
            )
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            start_response(f"{status.value} {status.phrase}", FAILED_HEADERS)
            return [FAILED_BODY]

    return guarded


def _charset(content_type: str) -> str:
    """The charset that Django would use. Raises ValueError for a header that Django cannot parse."""
    if len(content_type) > _MAX_CONTENT_TYPE:
        raise ValueError
    charset: str = parse_header_parameters(content_type)[1].get("charset", "")
    return charset


application = with_error_answers(with_known_charset(_django))
