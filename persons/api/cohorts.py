"""Cohorts, stored: each change is checked and made in one transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from rest_framework.exceptions import NotFound

from persons.api import cohort_members
from persons.api.cohort_members import Ids, NotFoundIds, lock_cohort
from persons.api.parameters.cohort_csv import CsvIds, ids_in_csv
from persons.api.parameters.cohorts import CohortChanges, NewCohort
from persons.api.parameters.filters import stored_filter
from persons.api.parameters.kept import empty_group, leaves
from persons.api.parameters.leaves import Context
from persons.api.references import hold, lock_definitions, refuse_if_cohort_is_used
from persons.api.serializers import user_fields
from persons.errors import invalid
from persons.models import Cohort, Person, Project, User


class Stored(NamedTuple):
    """A cohort after a change, and which of the ids that were sent for a static one belong to nobody."""

    cohort: Cohort
    not_found: NotFoundIds | None = None


def create_cohort(project: Project, user: User, asked: NewCohort) -> Stored:
    """Store a new cohort, a static one with its persons. Raises a 400 or 413, NotFound without a project."""
    implied = asked.csv is not None and "is_static" not in asked.model_fields_set
    cohort = Cohort(
        project=project,
        created_by=user,
        name=asked.name,
        description=asked.description,
        is_static=asked.is_static or implied,
    )
    _refuse_what_does_not_belong(cohort, asked)
    ids = _ids(asked)
    with transaction.atomic():
        if not cohort.is_static:
            lock_definitions(project)
            cohort.filters = _definition(cohort, asked)
            cohort.save()
            return Stored(cohort)
        hold(project)
        cohort.save()
        return Stored(cohort, cohort_members.add(cohort, ids))


def change_cohort(cohort: Cohort, asked: CohortChanges) -> Stored:
    """Store a whole cohort, or what was sent of one; persons are added. Raises like `create_cohort`."""
    if "is_static" in asked.model_fields_set and asked.is_static != cohort.is_static:
        raise invalid("is_static", "Whether a cohort is static cannot be changed; make another cohort.")
    _refuse_what_does_not_belong(cohort, asked)
    ids = _ids(asked)
    with transaction.atomic():
        if not cohort.is_static:
            lock_definitions(cohort.project)
        cohort = lock_cohort(cohort)
        changed = _set(cohort, asked)
        if changed or any(ids):
            cohort.save(update_fields=[*changed, "updated_at"])
        return Stored(cohort, cohort_members.add(cohort, ids) if cohort.is_static else None)


@transaction.atomic
def delete_cohort(cohort: Cohort) -> Cohort:
    """Delete a cohort. Raises a 400 naming what uses it, or NotFound when it is gone."""
    project = lock_definitions(cohort.project)
    cohort = lock_cohort(cohort)
    refuse_if_cohort_is_used(project, cohort)
    if cohort.is_static:
        cohort_members.remove_all(cohort)
    Cohort.objects.filter(pk=cohort.pk).delete()
    return cohort


def add_persons(cohort: Cohort, uuids: Sequence[UUID]) -> NotFoundIds:
    """Put persons into a static cohort. Raises a 400, or NotFound when it is gone."""
    _refuse_dynamic(cohort, "person_ids")
    with transaction.atomic():
        return cohort_members.add(lock_cohort(cohort), Ids(uuids=uuids))


def remove_person(cohort: Cohort, uuid: UUID) -> None:
    """Take a person out of a static cohort. Raises a 400, or NotFound when it is not in it."""
    _refuse_dynamic(cohort, "person_id")
    with transaction.atomic():
        locked = lock_cohort(cohort)
        person = Person.objects.filter(project=cohort.project, uuid=uuid).first()
        if person is None or not cohort_members.remove(locked, person):
            raise NotFound


def cohort_fields(cohort: Cohort, *, deleted: bool = False, count: int | None = None) -> dict[str, Any]:
    """A cohort as the API shows it. `count`: how many persons are in it now, where that was asked."""
    return {
        "id": cohort.pk,
        "name": cohort.name,
        "description": cohort.description,
        "groups": [],
        "filters": cohort.filters,
        "is_static": cohort.is_static,
        "is_calculating": False,
        "created_by": user_fields(cohort.created_by) if cohort.created_by else None,
        "created_at": cohort.created_at,
        "updated_at": cohort.updated_at,
        "last_calculation": None,
        "errors_calculating": 0,
        "count": count,
        "deleted": deleted,
        "team_id": cohort.project_id,
    }


def _set(cohort: Cohort, asked: CohortChanges) -> list[str]:
    """Give the cohort what was sent; returns the names of the fields."""
    whole = isinstance(asked, NewCohort)
    changed = [name for name in ("name", "description") if whole or name in asked.model_fields_set]
    for name in changed:
        setattr(cohort, name, getattr(asked, name))
    if not cohort.is_static and (whole or asked.filters is not None):
        cohort.filters = _definition(cohort, asked)
        changed.append("filters")
    return changed


def _definition(cohort: Cohort, asked: CohortChanges) -> dict[str, Any]:
    """The filters of a dynamic cohort, once it is known that they can be answered."""
    if asked.filters is None:
        raise invalid("filters", "Required, unless the cohort is static.", "required")
    path, sent = "filters.properties", asked.filters.properties
    if empty := empty_group(sent, path):
        raise invalid(empty, "Must have at least one filter.", "required")
    # A new cohort counts among those in a row as well; nobody can refer to it yet.
    itself = (cohort.pk or 0,)
    context = Context(cohort.project, datetime.now(UTC), cohorts=itself, of_persons=True)
    stored_filter(context, sent, path)
    return {"properties": sent}


def _ids(asked: CohortChanges) -> Ids:
    listed = CsvIds([], [], []) if asked.csv is None else ids_in_csv(asked.csv)
    return Ids(
        distinct_ids=[*asked.distinct_ids, *listed.distinct_ids],
        uuids=[*asked.uuids, *asked.static_person_ids, *listed.uuids],
        malformed=listed.malformed,
    )


def _refuse_what_does_not_belong(cohort: Cohort, asked: CohortChanges) -> None:
    if cohort.is_static:
        if asked.filters is not None and any(leaves(asked.filters.properties)):
            raise invalid("filters", "A static cohort has no filters; leave them out.")
        return
    for name in ("csv", "distinct_ids", "uuids", "static_person_ids"):
        if getattr(asked, name):
            _refuse_dynamic(cohort, CohortChanges.model_fields[name].alias or name)


def _refuse_dynamic(cohort: Cohort, attr: str) -> None:
    if not cohort.is_static:
        raise invalid(attr, "Only a static cohort takes persons; the filters say who is in this one.")
