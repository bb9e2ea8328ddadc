from typing import Any

from django.db import transaction
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from persons.api.paging import page_url
from persons.api.parameters.door import Paging
from persons.api.permissions import project_limit, user_of, visible_projects
from persons.api.serializers import ProjectSerializer
from persons.api.views.base import ParametersViewSet
from persons.models import Membership, Project, erase


class ProjectsViewSet(ParametersViewSet):
    """``/api/projects/``: the projects that the key can see; a new one belongs to the key's user."""

    scope_object = "project"

    def list(self, request: Request) -> Response:
        page = self.parameters(Paging, request)
        projects = visible_projects(request)
        count = projects.count()
        found = projects[page.offset : page.offset + page.limit]
        following, preceding = page.offset + page.limit, max(page.offset - page.limit, 0)
        return Response(
            {
                "count": count,
                "next": page_url(request, offset=following) if following < count else None,
                "previous": page_url(request, offset=preceding) if page.offset else None,
                "results": ProjectSerializer(found, many=True).data,
            }
        )

    def create(self, request: Request) -> Response:
        if project_limit(request):
            raise PermissionDenied("An API key that is limited to projects cannot make another.")
        serializer = ProjectSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            project = serializer.save()
            Membership.objects.create(project=project, user=user_of(request))
        return Response(ProjectSerializer(project).data, status=201)


class ProjectView(ViewSet):
    """``/api/projects/:project_id/``"""

    scope_object = "project"
    project: Project

    def retrieve(self, request: Request, **kwargs: Any) -> Response:
        return Response(ProjectSerializer(self.project).data)

    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        serializer = ProjectSerializer(self.project, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        for name, value in serializer.validated_data.items():
            setattr(self.project, name, value)
        # Only what was sent: somebody else may be changing the rest.
        self.project.save(update_fields=list(serializer.validated_data))
        return Response(serializer.data)

    def destroy(self, request: Request, **kwargs: Any) -> Response:
        erase(self.project)
        return Response(status=204)
