"""Failed logins: where they come from, and the answer when there were too many. django-axes counts them."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def client_address(request: HttpRequest) -> str:
    """The address of the client. Behind a trusted proxy, the address that the proxy has added last; whatever
    stands before it in the header was sent by the client."""
    if settings.TRUST_PROXY:
        forwarded: str = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded
    return str(request.META.get("REMOTE_ADDR", ""))


def too_many_failures(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """429, and when to try again."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    response = render(request, "persons/admin/too_many_failures.html", {"minutes": seconds // 60}, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response
