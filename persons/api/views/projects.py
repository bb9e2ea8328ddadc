from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from persons.api.answers import sent
from persons.api.answers import stored as answers
from persons.api.paging import counted_page
from persons.api.parameters.door import Paging
from persons.api.parameters.filters import stored_filter
from persons.api.parameters.leaves import Context
from persons.api.permissions import project_limit, user_of, visible_projects
from persons.api.references import lock_definitions
from persons.api.serializers import ProjectSerializer
from persons.api.views.base import ParametersViewSet
from persons.models import Membership, Project
from persons.openapi.operation import describe
from persons.writing.erasure import erase_project


class ProjectsViewSet(ParametersViewSet):
    """``/api/projects/``: the projects that the key can see; a new one belongs to the key's user."""

    scope_object = "project"

    @describe(Paging, answers.ProjectPage)
    def list(self, request: Request) -> Response:
        """The projects that the key can see."""
        page = self.parameters(Paging, request)
        return Response(counted_page(request, page, visible_projects(request), _fields))

    @describe(sent.NewProject, answers.Project, status=201)
    def create(self, request: Request) -> Response:
        """Make a project.

        It belongs to the key's user.
        """
        if project_limit(request):
            raise PermissionDenied("An API key that is limited to projects cannot make another.")
        serializer = ProjectSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            project = serializer.save()
            _check_filters(project)
            Membership.objects.create(project=project, user=user_of(request))
        return Response(_fields(project), status=201)


class ProjectView(ViewSet):
    """``/api/projects/:project_id/``"""

    scope_object = "project"
    project: Project

    @describe(answer=answers.Project)
    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        """One project."""
        return Response(_fields(self.project))

    @describe(sent.ProjectChanges, answers.Project)
    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        """Change what is named of a project."""
        serializer = ProjectSerializer(self.project, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        changed = serializer.validated_data
        with transaction.atomic():
            project = lock_definitions(self.project)
            for name, value in changed.items():
                setattr(project, name, value)
            if "test_account_filters" in changed:
                _check_filters(project)
            # Only what was sent: somebody else may be changing the rest.
            project.save(update_fields=list(changed))
        return Response(_fields(project))

    @describe()
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        """Delete a project, and everything it had from both stores."""
        if not erase_project(self.project.pk):
            raise NotFound
        return Response(status=204)


def _check_filters(project: Project) -> None:
    """Raises a 400 naming what is wrong with the filters of test accounts."""
    stored_filter(Context(project, datetime.now(UTC)), project.test_account_filters, "test_account_filters")


def _fields(project: Project) -> Any:
    return ProjectSerializer(project).data
