"""Who am I, and what may I do? (spec/decisions.md 1.8)"""

from django.db import transaction
from django.db.models import QuerySet
from rest_framework.exceptions import AuthenticationFailed, NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from persons.api.answers import sent
from persons.api.answers import stored as answers
from persons.api.permissions import user_of, visible_projects
from persons.api.serializers import PersonalAPIKeySerializer, user_fields
from persons.errors import invalid
from persons.models import ALL_SCOPES, PersonalAPIKey
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

        A key lists only keys that are no wider than itself, in scopes and projects.
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
        with transaction.atomic():
            _hold_own_key(request)
            key, value = PersonalAPIKey.issue(user_of(request), **wanted)
        return Response({**PersonalAPIKeySerializer(key).data, "value": value}, status=201)

    @describe()
    def destroy(self, request: Request, key_id: int) -> Response:
        """Delete a key.

        A key deletes only keys that are no wider than itself.
        """
        deleted, _ = _manageable(request).filter(pk=key_id).delete()
        if not deleted:
            raise NotFound
        return Response(status=204)


def _manageable(request: Request) -> QuerySet[PersonalAPIKey]:
    """The user's own keys; for a request with a key, only those that are no wider than that key."""
    keys, key = PersonalAPIKey.objects.filter(user=user_of(request)), request.auth
    if not isinstance(key, PersonalAPIKey):
        return keys
    keys = keys.filter(scopes__contained_by=[scope for scope in ALL_SCOPES if key.allows(scope)])
    if key.scoped_projects:
        keys = keys.filter(scoped_projects__contained_by=key.scoped_projects, scoped_projects__len__gt=0)
    return keys


def _hold_own_key(request: Request) -> None:
    """Keep the key that asks from being deleted until the transaction ends. Raises AuthenticationFailed when
    it has been deleted already: a deleted key leaves no key behind."""
    if isinstance(request.auth, PersonalAPIKey):
        own = PersonalAPIKey.objects.select_for_update(no_key=True).filter(pk=request.auth.pk)
        if own.first() is None:
            raise AuthenticationFailed("The personal API key has been deleted.")


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
