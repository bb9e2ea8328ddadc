"""Who is asking: personal API keys, in three places (spec/decisions.md section 2)."""

from typing import NamedTuple

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from persons.models import PersonalAPIKey, User


class _Found(NamedTuple):
    value: str
    place: str


class PersonalAPIKeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer``, then ``personal_api_key`` of the JSON body, then of the query string.

    Only the first that is there counts. ``request.auth`` is the key.
    """

    def authenticate(self, request: Request) -> tuple[User, PersonalAPIKey] | None:
        found = _in_header(request) or _in_body(request) or _in_query(request)
        if found is None:
            return None
        key = PersonalAPIKey.find(found.value)
        if key is None:
            raise AuthenticationFailed(f"Personal API key found in request {found.place} is invalid.")
        key.touch()
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _in_header(request: Request) -> _Found | None:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return _Found(value.strip(), "Authorization header") if scheme.lower() == "bearer" else None


def _in_body(request: Request) -> _Found | None:
    # A body that cannot be read is refused here: nobody else will notice, DRF shows it as empty afterwards.
    body = request.data
    value = body.get("personal_api_key") if isinstance(body, dict) else None
    return _Found(value, "body") if isinstance(value, str) else None


def _in_query(request: Request) -> _Found | None:
    value = request.query_params.get("personal_api_key")
    return _Found(value, "query string") if value is not None else None
