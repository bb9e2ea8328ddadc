"""Actions, stored: each change is checked and made in one transaction."""

from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from rest_framework.exceptions import NotFound

from persons.api.parameters.actions import STEPS, ActionChanges, NewAction
from persons.api.parameters.filters import steps_entity
from persons.api.parameters.leaves import Context
from persons.api.references import lock_definitions, refuse_if_action_is_used
from persons.api.serializers import user_fields
from persons.models import Action, Project, User

_FIELDS = ("name", "description", "steps")


@transaction.atomic
def create_action(project: Project, user: User, asked: NewAction) -> Action:
    """Store a new action. Raises a 400 naming what is wrong with a step."""
    lock_definitions(project)
    fields = {name: getattr(asked, name) for name in _FIELDS}
    action = Action.objects.create(project=project, created_by=user, **fields)
    _check_steps(action)
    return action


@transaction.atomic
def change_action(action: Action, asked: ActionChanges) -> Action:
    """Store a whole action, or what was sent of one. Raises a 400, or NotFound when it is gone."""
    lock_definitions(action.project)
    changed = [name for name in _FIELDS if isinstance(asked, NewAction) or name in asked.model_fields_set]
    action = _fresh(action)
    for name in changed:
        setattr(action, name, getattr(asked, name))
    if changed:
        action.save(update_fields=[*changed, "updated_at"])
        # Only now: its steps may ask for a cohort that asks for this action.
        _check_steps(action)
    return action


@transaction.atomic
def delete_action(action: Action) -> Action:
    """Delete an action. Raises a 400 naming the cohort that uses it, or NotFound when it is gone."""
    project = lock_definitions(action.project)
    action = _fresh(action)
    refuse_if_action_is_used(project, action)
    Action.objects.filter(pk=action.pk).delete()
    return action


def _fresh(action: Action) -> Action:
    found = Action.objects.select_related("project", "created_by").filter(pk=action.pk).first()
    if found is None:
        raise NotFound
    return found


def _check_steps(action: Action) -> None:
    context = Context(action.project, datetime.now(UTC))
    steps_entity(context, STEPS.validate_python(action.steps), "steps")


def action_fields(action: Action, *, deleted: bool = False) -> dict[str, Any]:
    """An action as the API shows it."""
    return {
        "id": action.pk,
        "name": action.name,
        "description": action.description,
        "steps": action.steps,
        "created_at": action.created_at,
        "created_by": user_fields(action.created_by) if action.created_by else None,
        "updated_at": action.updated_at,
        "deleted": deleted,
        "team_id": action.project_id,
        "is_action": True,
        "tags": [],
    }
