"""The description itself, and two pages that show it. Nothing of them comes from another host."""

import functools
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import cache_control
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from persons.openapi.components import Schema
from persons.openapi.schema import Generator

_LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"
_SERVER = spectacular_settings.SERVERS[0]["variables"]["server"]


@functools.cache
def description() -> Schema:
    """It changes with the code only."""
    made: Schema = Generator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return made


class _Negotiation(DefaultContentNegotiation):
    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        wished = request.query_params.get("format")
        found: tuple[BaseRenderer, str] = super().select_renderer(request, renderers, wished)
        return found


class SchemaView(SpectacularAPIView):
    """YAML, or JSON with ``?format=json`` or by the Accept header. No key is needed."""

    content_negotiation_class = _Negotiation

    def _get_schema_response(self, request: Request) -> Response:
        """The server it names is the one that was asked."""
        variable = {**_SERVER, "default": request.build_absolute_uri("/").removesuffix("/")}
        return Response(
            {**description(), "servers": [{"url": "{server}", "variables": {"server": variable}}]}
        )


class _Page:
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Say what is allowed, in headers alone: a page has no template for it."""
        return HttpResponse()


class SwaggerView(_Page, SpectacularSwaggerSplitView):
    """Where requests can be tried out, with a key."""

    template_name_js = "persons/swagger_ui.js"


class RedocView(_Page, SpectacularRedocView):
    """To read. The template of drf-spectacular would fetch fonts from elsewhere."""

    template_name = "persons/redoc.html"


@cache_control(public=True, max_age=24 * 60 * 60)
def redoc_bundle(request: HttpRequest) -> HttpResponse:
    """Redoc's program, without the picture that it would fetch from its makers."""
    return HttpResponse(_redoc(), content_type="text/javascript; charset=utf-8")


@functools.cache
def _redoc() -> str:
    bundle = files("drf_spectacular_sidecar") / "static" / "drf_spectacular_sidecar" / "redoc" / "bundles"
    return (bundle / "redoc.standalone.js").read_text().replace(_LOGO, "data:,")
