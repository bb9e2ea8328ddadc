"""Who may see and do what in the admin site.

Superusers everything; everybody else, who must be staff to log in at all, what their membership of a project
says: viewers see, admins also change. Of a project that is not theirs they do not learn that it exists.
"""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from persons.models import Membership, Project, User

_CHOSEN = "project"


def user_of(request: HttpRequest) -> User:
    """Who is logged in: the site lets nobody else in."""
    assert isinstance(request.user, User)
    return request.user


def visible_projects(user: User) -> QuerySet[Project]:
    """The projects that a user may see, the oldest first."""
    if user.is_superuser:
        return Project.objects.all()
    return Project.objects.filter(memberships__user=user)


def administers(user: User, project_id: int) -> bool:
    """Whether a user may change things in a project."""
    own = user.memberships.filter(project=project_id, level=Membership.Level.ADMIN)
    return user.is_superuser or own.exists()


def current_project(request: HttpRequest) -> Project | None:
    """The project that lists are about: the one chosen last in this session, else the oldest. None for
    somebody who may see none."""
    projects = visible_projects(user_of(request))
    chosen = request.session.get(_CHOSEN)
    return (projects.filter(pk=chosen).first() if chosen else None) or projects.first()


def choose_project(request: HttpRequest, project_id: Any) -> Project:
    """Make a project the current one. Raises Http404 when there is none of that id to be seen."""
    text = str(project_id)
    project = None
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        project = visible_projects(user_of(request)).filter(pk=int(text)).first()
    if project is None:
        raise Http404("There is no such project.")
    if request.session.get(_CHOSEN) != project.pk:
        request.session[_CHOSEN] = project.pk
    return project
