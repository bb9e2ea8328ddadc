"""What happens around every request."""

import re
import time
import uuid
from collections.abc import Callable
from contextlib import suppress

import structlog
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from persons.api.errors import answer_outside_drf
from persons.errors import REFUSAL
from persons.observability.paths import shown_path

_log = structlog.get_logger("persons.request")
_ACCEPTABLE_REQUEST_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_PAGE_POLICY = (
    "default-src 'self'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; worker-src 'self'{workers}; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_POLICIES = {
    # Alpine.js, with which the admin site's library works, evaluates expressions in attributes.
    "/admin/": _PAGE_POLICY.format(scripts=" 'unsafe-eval'", workers=""),
    # Redoc searches in a worker that it makes itself.
    "/api/schema/": _PAGE_POLICY.format(scripts="", workers=" blob:"),
}
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
_Next = Callable[[HttpRequest], HttpResponse]


def request_log(get_response: _Next) -> _Next:
    """Give the request an id (the client's, or a new one), and write one line when it is done.

    The line has no query string, and of the path only what names an endpoint: both may hold a key, or say
    who a person is.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Request-ID", "")
        request_id = sent if _ACCEPTABLE_REQUEST_ID.fullmatch(sent) else str(uuid.uuid4())
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = get_response(request)
            response["X-Request-ID"] = request_id
            # Probes come every few seconds, and say nothing while all is well.
            quiet = request.path.startswith("/_") and response.status_code < 400
            (_log.debug if quiet else _log.info)(
                "request",
                method=request.method,
                path=shown_path(request.path),
                status=response.status_code,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            )
        return response

    return middleware


def security_headers(get_response: _Next) -> _Next:
    """What browsers may do with an answer. Pages run their own scripts only; what is no page, nothing at all,
    and nobody keeps what the API says about persons."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        page_policy = next((_POLICIES[path] for path in _POLICIES if request.path.startswith(path)), None)
        response.headers.setdefault("Content-Security-Policy", page_policy or _DATA_POLICY)
        if request.path.startswith("/api/") and page_policy is None:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware


def refusals(get_response: _Next) -> _Next:
    """Answer a request that the server refused before Django ran: too large, too slow, too many queries.

    Like any other answer it then has a request id, a log line, metrics, CORS and security headers.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        refusal = request.META.get(REFUSAL)
        if refusal is None:
            return get_response(request)
        with suppress(Resolver404):
            # Metrics name the endpoint by it.
            request.resolver_match = resolve(request.path_info)
        return answer_outside_drf(refusal)

    return middleware


def optional_trailing_slash(get_response: _Next) -> _Next:
    """Every path works with and without its trailing slash, without a redirect: that would lose a body."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path_info.endswith("/"):
            request.path_info += "/"
        return get_response(request)

    return middleware
