"""Which view answers which path. Paths end in a slash here; requests may leave it out."""

from collections.abc import Callable

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from persons.admin import refusals
from persons.api import errors

_Handler = Callable[[HttpRequest, Exception], HttpResponse]


def _by_path(of_site: _Handler, of_api: _Handler) -> _Handler:
    """People are answered with a page, programs with JSON."""

    def answer(request: HttpRequest, exception: Exception) -> HttpResponse:
        return (of_site if request.path.startswith("/admin/") else of_api)(request, exception)

    return answer


urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/schema/", include("persons.openapi.urls")),
    path("", include("persons.api.urls")),
    path("", include("persons.capture.urls")),
]

handler400 = "persons.api.errors.bad_request"
handler403 = _by_path(refusals.forbidden, errors.forbidden)
handler404 = _by_path(refusals.not_found, errors.not_found)
handler500 = "persons.api.errors.failed"
