from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

# Without these, the names would be taken for ids of persons.
NOT_BUILT = (
    "path",
    "retention",
)


class NotBuiltView(APIView):
    """An endpoint that PostHog has or had, and this release has not: refused by name."""

    schema = None  # of the OpenAPI description
    scope_object = "person"
    read_only_post = True

    def get(self, request: Request, **kwargs: Any) -> Response:
        name = request.path.strip("/").partition("/persons/")[2]
        raise ValidationError(f"persons/{name}/ is not supported by this release.", code="not_supported")

    post = get
