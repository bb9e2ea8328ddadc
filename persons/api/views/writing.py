from collections.abc import Callable
from datetime import UTC, datetime

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from persons.api.idempotency import PARAMETER, once
from persons.api.permissions import user_of
from persons.api.views.base import ProjectViewSet
from persons.models import Actor, PersonalAPIKey
from persons.writing.change import PersonGone

Act = Callable[[Actor, datetime], Response]


class WritingViewSet(ProjectViewSet):
    """Views that change persons."""

    headers_of_changes = (PARAMETER,)

    def write(self, request: Request, act: Act) -> Response:
        """What ``act`` answers, which is told who does it and when; once, if the request has a key for that.

        Raises NotFound when the person is deleted meanwhile. When the project, the key or the user is, the
        transaction raises IntegrityError, which persons/api/errors.py translates.
        """
        key = request.auth if isinstance(request.auth, PersonalAPIKey) else None
        by = Actor(user_of(request), key)
        try:
            return once(request, self.project, lambda: act(by, datetime.now(UTC)))
        except PersonGone as error:
            raise NotFound from error
