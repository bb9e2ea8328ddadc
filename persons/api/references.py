"""What refers to what: an action or a cohort that something uses cannot be deleted."""

from collections.abc import Callable, Iterator
from itertools import chain

from django.db import connection
from rest_framework.exceptions import NotFound

from persons.api.parameters.kept import Leaf, leaves
from persons.api.parameters.properties import BehaviourParameter, PropertyParameter
from persons.errors import invalid
from persons.models import Action, Cohort, Project


def hold(project: Project) -> None:
    """The project cannot be deleted before the end of the transaction. Raises NotFound when it is gone.

    Its foreign keys are checked at the end only: too late to wait for a deletion.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM persons_project WHERE id = %s FOR KEY SHARE", [project.pk])
        if cursor.fetchone() is None:
            raise NotFound


def lock_definitions(project: Project) -> Project:
    """The project as it is now. Until the end of the transaction nobody else changes its actions, cohorts and
    test accounts; events go on being taken. Raises NotFound when the project is gone."""
    locked = Project.objects.select_for_update(no_key=True).filter(pk=project.pk).first()
    if locked is None:
        raise NotFound
    return locked


def refuse_if_action_is_used(project: Project, action: Action) -> None:
    """Raises a 400 naming what uses the action."""

    def uses(leaf: Leaf) -> bool:
        return (
            isinstance(leaf, BehaviourParameter)
            and leaf.event_type == "actions"
            and _is_id(leaf.key, action.pk)
        )

    _refuse_if_used(project, "action", uses)


def refuse_if_cohort_is_used(project: Project, cohort: Cohort) -> None:
    """Raises a 400 naming what uses the cohort."""

    def uses(leaf: Leaf) -> bool:
        if not isinstance(leaf, PropertyParameter) or leaf.type != "cohort":
            return False
        ids = leaf.value if isinstance(leaf.value, list) else [leaf.value]
        return any(_is_id(each, cohort.pk) for each in ids)

    _refuse_if_used(project, "cohort", uses)


def _refuse_if_used(project: Project, what: str, uses: Callable[[Leaf], bool]) -> None:
    for user, filters in _users(project):
        if any(map(uses, filters)):
            raise invalid("id", f"{user} uses this {what}. Change that first.")


def _users(project: Project) -> Iterator[tuple[str, Iterator[Leaf]]]:
    """Whatever keeps filters, and these."""
    for cohort in Cohort.objects.filter(project=project, is_static=False).order_by("pk"):
        yield f"Cohort {cohort.pk} ({cohort.name})", leaves(cohort.properties)
    for action in Action.objects.filter(project=project).order_by("pk"):
        filters = chain.from_iterable(leaves(step["properties"]) for step in action.steps)
        yield f"Action {action.pk} ({action.name})", filters
    yield "test_account_filters of the project", leaves(project.test_account_filters)


def _is_id(value: object, key: int) -> bool:
    text = str(value)
    return text.isascii() and text.isdecimal() and text.lstrip("0") == str(key)
