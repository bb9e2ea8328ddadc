from collections.abc import Set
from typing import Any
from urllib.parse import quote

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from persons.api.negotiation import Negotiation
from persons.api.parameters.door import Model, read
from persons.api.permissions import only_reads
from persons.api.renderers import JSONRenderer
from persons.api.visibility import wait_until_visible
from persons.models import Project


class ParametersViewSet(ViewSet):
    """Views that take parameters."""

    scope_object: str | None = None
    # Actions that ask ClickHouse: they wait for a query slot before they take a thread (persons_api/asgi.py).
    queries: Set[str] = frozenset()
    content_negotiation_class = Negotiation
    _ignored: list[str]

    @classmethod
    def needs_query_slot(cls, action: str, sent: Set[str]) -> bool:
        """Whether an action asks ClickHouse or makes a file, by the names of its parameters.

        `sent` has `format` when the path or the Accept header asks for a file, and `body` for a body.
        """
        return action in cls.queries

    def parameters(self, model: type[Model], request: Request) -> Model:
        """The request's parameters, checked. Those that nothing reads are named in a response header."""
        values, self._ignored = read(model, request, wished=request.accepted_renderer.format)
        return values

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        if isinstance(response, Response):
            # Whatever was wished for: what is CSV comes as a file.
            request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        if ignored := getattr(self, "_ignored", None):
            answer["X-Ignored-Parameters"] = header_text(ignored)
        return answer


class ProjectViewSet(ParametersViewSet):
    """Views below ``/api/projects/:project_id/``. ScopePermission sets ``project``."""

    project: Project
    read_only_post = False
    also_read: tuple[str, ...] = ()
    # Names in the OpenAPI description of parameters that all reading methods accept.
    shared_parameters = ("WaitUntilVisible",)
    # Methods that PostgreSQL alone answers, which is always up to date: these never wait.
    postgres_only: frozenset[str] = frozenset()

    def parameters(self, model: type[Model], request: Request) -> Model:
        """Validate and return the request's parameters; with `wait_until_visible`, once the method can see
        everything that was acknowledged before the request. Raises NotYetVisible."""
        params = super().parameters(model, request)
        if params.wait_until_visible:
            if not only_reads(request.method or "", self):
                self._ignored.append("wait_until_visible")
            elif params.asks_clickhouse and self.action not in self.postgres_only:
                wait_until_visible(self.project.pk)
        return params


def header_text(names: list[str]) -> str:
    """Names for a header: what does not belong there is percent-encoded, and there is an end to it."""
    return ", ".join(quote(name[:100], safe="$ ._-[]") for name in names[:50])
