"""How often a key, or whoever is logged in, may ask (spec/decisions.md 2.4, spec/posthog-behaviour.md 10).

A request begins a stretch of time if none is under way; in it as many requests are answered as the rate
allows, and the next one after its end begins another. PostgreSQL counts, in one statement, so that requests
at the same time, and several serving processes, keep to the rate together.
"""

from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from persons.models import PersonalAPIKey, User

_MINUTE, _HOUR = 60, 60 * 60
# Beside those with the method DELETE. Names of methods of views.
_DELETING = frozenset({"bulk_delete", "delete_events", "delete_recordings"})

_COUNT = """
    INSERT INTO persons_requestcount AS old (bucket, count, ends_at)
    VALUES (%(bucket)s, 1, statement_timestamp() + make_interval(secs => %(seconds)s))
    ON CONFLICT (bucket) DO UPDATE SET
        count = CASE WHEN old.ends_at > statement_timestamp() THEN old.count + 1 ELSE 1 END,
        ends_at = CASE WHEN old.ends_at > statement_timestamp() THEN old.ends_at ELSE EXCLUDED.ends_at END
    RETURNING count, extract(epoch FROM ends_at - statement_timestamp())
"""


class Rate(NamedTuple):
    """So many requests in so many seconds."""

    requests: int
    seconds: int


_OF_KEY = (Rate(240, _MINUTE),)
_OF_DELETING_KEY = (Rate(480, _MINUTE), Rate(4_800, _HOUR))
_OF_USER = (Rate(180, _MINUTE), Rate(1_200, _HOUR))


class Throttle(BaseThrottle):
    """Refuses what is too much with 429. Requests without a key or a session, and all of them unless
    RATE_LIMIT_ENABLED, are not counted."""

    def __init__(self) -> None:
        self._wait: float | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        if not settings.RATE_LIMIT_ENABLED:
            return True
        who, rates = _limits(request, view)
        # The longest stretch last: what is refused by a shorter one is not to use it up.
        for rate in rates:
            self._wait = seconds_to_wait(f"{who} {rate.seconds}", rate)
            if self._wait is not None:
                return False
        return True

    def wait(self) -> float | None:
        return self._wait


def seconds_to_wait(bucket: str, rate: Rate) -> float | None:
    """Count a request of the bucket; None when the rate allows it, else how long the stretch still lasts."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"bucket": bucket, "seconds": rate.seconds})
        count, seconds = cursor.fetchone()
    return float(seconds) if count > rate.requests else None


def _limits(request: Request, view: Any) -> tuple[str, tuple[Rate, ...]]:
    if isinstance(request.auth, PersonalAPIKey):
        if request.method == "DELETE" or getattr(view, "action", None) in _DELETING:
            return f"key {request.auth.pk} deletes", _OF_DELETING_KEY
        return f"key {request.auth.pk}", _OF_KEY
    if isinstance(request.user, User):
        return f"user {request.user.pk}", _OF_USER
    return "", ()
