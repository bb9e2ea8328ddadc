from collections.abc import Callable
from datetime import UTC, datetime

from django.db import IntegrityError
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from persons.api.idempotency import PARAMETER, once
from persons.api.permissions import user_of
from persons.api.views.base import ProjectViewSet
from persons.models import Actor, PersonalAPIKey

Act = Callable[[Actor, datetime], Response]


class WritingViewSet(ProjectViewSet):
    """Views that change persons."""

    headers_of_changes = (PARAMETER,)

    def write(self, request: Request, act: Act) -> Response:
        """What ``act`` answers, which is told who does it and when; once, if the request has a key for that.

        Raises NotFound when the project or the person is deleted meanwhile.
        """
        key = request.auth if isinstance(request.auth, PersonalAPIKey) else None
        by = Actor(user_of(request), key)
        try:
            return once(request, self.project, lambda: act(by, datetime.now(UTC)))
        except (LookupError, IntegrityError) as error:
            raise NotFound from error
