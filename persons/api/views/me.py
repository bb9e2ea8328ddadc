"""Who am I, and what may I do? (spec/decisions.md 1.8)"""

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from persons.api.answers import sent
from persons.api.answers import stored as answers
from persons.api.permissions import project_limit, user_of, visible_projects
from persons.api.serializers import PersonalAPIKeySerializer, user_fields
from persons.errors import invalid
from persons.models import PersonalAPIKey
from persons.openapi.operation import describe


class MeView(ViewSet):
    """``GET /api/users/@me/``: open to every valid key."""

    scope_object = None

    @describe(answer=answers.Me)
    def retrieve(self, request: Request) -> Response:
        """Who am I, and which projects do I see?

        Any valid key may ask.
        """
        projects = list(visible_projects(request).values("id", "uuid", "name", "api_token", "timezone"))
        return Response(
            {
                **user_fields(user_of(request)),
                "distinct_id": str(user_of(request).uuid),
                "projects": projects,
                "team": projects[0] if projects else None,
                "scopes": request.auth.scopes if isinstance(request.auth, PersonalAPIKey) else None,
            }
        )


class CurrentKeyView(ViewSet):
    """``GET /api/personal_api_keys/@current/``: the key that asks."""

    scope_object = None

    @describe(answer=answers.CurrentKey)
    def retrieve(self, request: Request) -> Response:
        """What may this key do?

        Any valid key may ask.
        """
        if not isinstance(request.auth, PersonalAPIKey):
            raise NotFound
        projects = visible_projects(request).values_list("pk", flat=True)
        return Response(
            {
                **PersonalAPIKeySerializer(request.auth).data,
                "user": user_fields(user_of(request)),
                "projects": list(projects),
            }
        )


class KeysViewSet(ViewSet):
    """``/api/personal_api_keys/``: the user's own keys. A value is shown once, in the answer to POST."""

    scope_object = "personal_api_key"

    @describe(answer=answers.PersonalAPIKeys)
    def list(self, request: Request) -> Response:
        """The user's own keys.

        To a key that is limited to projects, only those that are no wider.
        """
        keys = _manageable(request)
        return Response({"results": PersonalAPIKeySerializer(keys, many=True).data})

    @describe(sent.NewKey, answers.NewPersonalAPIKey, status=201)
    def create(self, request: Request) -> Response:
        """Make a key.

        It cannot do more than the one that asks. Its value is in this answer and nowhere else.
        """
        serializer = PersonalAPIKeySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wanted = serializer.validated_data
        _refuse_more_than_own(request, wanted["scopes"], wanted["scoped_projects"])
        key, value = PersonalAPIKey.issue(user_of(request), **wanted)
        return Response({**PersonalAPIKeySerializer(key).data, "value": value}, status=201)

    @describe()
    def destroy(self, request: Request, key_id: int) -> Response:
        """Delete a key."""
        deleted, _ = _manageable(request).filter(pk=key_id).delete()
        if not deleted:
            raise NotFound
        return Response(status=204)


def _manageable(request: Request) -> QuerySet[PersonalAPIKey]:
    """The user's own keys; to a key that is limited to projects, only those that are no wider."""
    keys, limit = PersonalAPIKey.objects.filter(user=user_of(request)), project_limit(request)
    return keys.filter(scoped_projects__contained_by=limit, scoped_projects__len__gt=0) if limit else keys


def _refuse_more_than_own(request: Request, scopes: list[str], projects: list[int]) -> None:
    """A key cannot make one that may do more than itself."""
    visible = set(visible_projects(request).values_list("pk", flat=True))
    if unseen := sorted(set(projects) - visible):
        raise invalid("scoped_projects", f"No access to project {unseen[0]}. Allowed: {sorted(visible)}.")
    key = request.auth
    if not isinstance(key, PersonalAPIKey):
        return
    if missing := [scope for scope in scopes if not key.allows(scope)]:
        raise invalid("scopes", f"The key that asks does not hold {missing[0]!r} itself.")
    if key.scoped_projects and not projects:
        raise invalid(
            "scoped_projects", f"The key that asks is limited to projects; choose of {key.scoped_projects}."
        )
