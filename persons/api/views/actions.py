from typing import Any

from django.db.models import QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from persons.api.actions import action_fields, change_action, create_action, delete_action
from persons.api.answers import stored as answers
from persons.api.paging import counted_page
from persons.api.parameters.actions import ActionChanges, NewAction
from persons.api.parameters.door import Paging, Parameters
from persons.api.permissions import user_of
from persons.api.views.base import ProjectViewSet
from persons.models import Action
from persons.openapi.operation import describe


class ActionsView(ProjectViewSet):
    """``/api/projects/:project_id/actions/``"""

    scope_object = "action"
    postgres_only = frozenset({"list", "retrieve"})

    @describe(Paging, answers.ActionPage)
    def list(self, request: Request, **kwargs: Any) -> Response:
        """Actions, newest first."""
        page = self.parameters(Paging, request)
        return Response(counted_page(request, page, self._actions().order_by("-pk"), action_fields))

    @describe(NewAction, answers.Action, status=201)
    def create(self, request: Request, **kwargs: Any) -> Response:
        """Make an action: events that mean the same, under one name."""
        asked = self.parameters(NewAction, request)
        action = create_action(self.project, user_of(request), asked)
        return Response(action_fields(action), status=201)

    @describe(answer=answers.Action)
    def retrieve(self, request: Request, action_id: int, **kwargs: Any) -> Response:
        """One action."""
        self.parameters(Parameters, request)
        return Response(action_fields(self._action(action_id)))

    @describe(NewAction, answers.Action)
    def update(self, request: Request, action_id: int, **kwargs: Any) -> Response:
        """Replace an action."""
        return self._changed(action_id, self.parameters(NewAction, request))

    @describe(ActionChanges, answers.Action)
    def partial_update(self, request: Request, action_id: int, **kwargs: Any) -> Response:
        """Change what is named of an action."""
        return self._changed(action_id, self.parameters(ActionChanges, request))

    @describe()
    def destroy(self, request: Request, action_id: int, **kwargs: Any) -> Response:
        """Delete an action.

        One that a cohort uses cannot be deleted.
        """
        delete_action(self._action(action_id))
        return Response(status=204)

    def _changed(self, action_id: int, asked: ActionChanges) -> Response:
        action = self._action(action_id)
        if asked.deleted:
            return Response(action_fields(delete_action(action), deleted=True))
        return Response(action_fields(change_action(action, asked)))

    def _actions(self) -> QuerySet[Action]:
        return Action.objects.select_related("created_by", "project").filter(project=self.project)

    def _action(self, action_id: int) -> Action:
        action = self._actions().filter(pk=action_id).first()
        if action is None:
            raise NotFound
        return action
