"""What a key may do: scopes, and which projects (spec/decisions.md section 2)."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from rest_framework.exceptions import NotAuthenticated, NotFound, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from persons.errors import invalid
from persons.models import Membership, PersonalAPIKey, Project, User


class ScopePermission(BasePermission):
    """The view says what it needs: ``scope_object = "person"``, ``also_read = ("cohort",)`` where it shows
    something else besides, and ``read_only_post = True`` where a POST only asks. A view with
    ``scope_object = None`` is open to every valid key.

    For a view below a project, finds the project (``view.project``) and checks that the key may see it.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.user, User):
            raise NotAuthenticated
        key = request.auth
        if "project_id" in view.kwargs:
            view.project, level = _project_and_level(request, view.kwargs["project_id"])
            # Who is a viewer of a project may not change it, neither with a key nor when logged in.
            if level == Membership.Level.VIEWER and _access(request.method or "", view) == "write":
                raise PermissionDenied("You are a viewer of the project: its admins may change it.")
        if isinstance(key, PersonalAPIKey):
            for scope in self.scopes(view, request.method or ""):
                if not key.allows(scope):
                    raise PermissionDenied(f"API key missing required scope '{scope}'")
        return True

    def scopes(self, view: Any, method: str) -> tuple[str, ...]:
        """What a key must hold for a method of the view; the OpenAPI description says so, too."""
        if view.scope_object is None:
            return ()
        also_read = (f"{name}:read" for name in getattr(view, "also_read", ()))
        return (f"{view.scope_object}:{_access(method, view)}", *also_read)


def only_reads(method: str, view: Any) -> bool:
    """Whether a method of the view changes nothing."""
    return method in SAFE_METHODS or (method == "POST" and getattr(view, "read_only_post", False))


def _access(method: str, view: Any) -> str:
    return "read" if only_reads(method, view) else "write"


def user_of(request: Request) -> User:
    """The user who asks; the permission has made sure that there is one."""
    assert isinstance(request.user, User)
    return request.user


def project_limit(request: Request) -> list[int]:
    """The ids of the projects that the key is limited to; empty when it is not."""
    return request.auth.scoped_projects if isinstance(request.auth, PersonalAPIKey) else []


def visible_projects(request: Request) -> QuerySet[Project]:
    """The projects that the request's key or session can see, by id."""
    projects = Project.objects.filter(memberships__user=user_of(request)).order_by("pk")
    limit = project_limit(request)
    return projects.filter(pk__in=limit) if limit else projects


def _project_and_level(request: Request, project_id: str) -> tuple[Project, str | None]:
    """The project of the URL, and what the user is there: None for a superuser who is no member.

    Raises NotFound, PermissionDenied, or a validation error for ``@current`` where several could be meant.
    """
    if project_id == "@current":
        project_id = str(_only_project(request).pk)
    if not project_id.isascii() or not project_id.isdecimal() or len(project_id) > 18:
        raise NotFound
    own = Membership.objects.filter(project=OuterRef("pk"), user=user_of(request)).values("level")
    project = Project.objects.annotate(level=Subquery(own)).filter(pk=int(project_id)).first()
    if project is None:
        raise NotFound
    limit = project_limit(request)
    if limit and project.pk not in limit:
        raise PermissionDenied(f"API key does not have access to the requested project: ID {project.pk}.")
    # The admin site's page of a person asks for the history, and is open to superusers.
    is_superuser_in_site = request.auth is None and user_of(request).is_superuser
    if project.level is None and not is_superuser_in_site:
        raise PermissionDenied("You don't have access to the project.")
    return project, project.level


def _only_project(request: Request) -> Project:
    projects = list(visible_projects(request)[:20])
    if len(projects) != 1:
        ids = ", ".join(str(project.pk) for project in projects) or "none"
        raise invalid(
            "project_id",
            f"@current works for a key that sees exactly one project; this one sees: {ids}. "
            "Name a project by its id.",
        )
    return projects[0]
