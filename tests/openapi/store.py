"""A project in which everything is there that the examples of the description name."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from persons.api.actions import create_action
from persons.api.parameters.actions import NewAction
from persons.installation import owner
from persons.models import Action, Cohort, CohortMember, Person, PersonalAPIKey, PersonDistinctId, Project
from tests.api.helpers import event

SOMEBODY = "0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d"
SOMETHING = "0190d3f1-2b4c-7a6b-8c7d-2f4e6a8b0c1d"
SOMEBODYS_EMAIL = "somebody@example.com"
COHORT, ACTION, KEY, TOKEN = 12, 3, 7, "phc_YOUR_PROJECT_TOKEN"
_PAID = {
    "type": "behavioral",
    "key": "paid",
    "value": "performed_event",
    "time_value": 9,
    "time_interval": "day",
}


def _keep_ids_free() -> None:
    """The ids of the examples are for what is made below."""
    with connection.cursor() as cursor:
        for model in (Action, Cohort, PersonalAPIKey):
            sequence = f"pg_get_serial_sequence('{model._meta.db_table}', 'id')"
            cursor.execute(f"SELECT setval({sequence}, greatest(nextval({sequence}), 100))")


def fill(project: Project, capture: Callable[..., Any], *, static: bool = False) -> None:
    """`static`: the cohort is one into which persons are put."""
    _keep_ids_free()
    project.api_token = TOKEN
    project.test_account_filters = [{"type": "person", "key": "email", "operator": "is_not", "value": "x"}]
    project.save()
    somebody = Person.objects.create(
        project=project, uuid=SOMEBODY, created_at=datetime.now(UTC), properties={"email": SOMEBODYS_EMAIL}
    )
    for distinct_id in ("somebody", "somebody's phone"):
        PersonDistinctId.objects.create(project=project, person=somebody, distinct_id=distinct_id)
    action = create_action(project, owner(), NewAction(name="Paid", steps=[{"event": "paid"}]))
    Action.objects.filter(pk=action.pk).update(id=ACTION)
    definition = {} if static else {"properties": {"type": "AND", "values": [_PAID]}}
    cohort = Cohort.objects.create(
        pk=COHORT, project=project, name="Payers", is_static=static, filters=definition, created_by=owner()
    )
    if static:
        CohortMember.objects.create(project=project, cohort=cohort, distinct_id="somebody")
    made, _ = PersonalAPIKey.issue(owner(), "spare", ["person:read"])
    PersonalAPIKey.objects.filter(pk=made.pk).update(id=KEY)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    capture(
        event("something", "somebody", yesterday.isoformat(), uuid=SOMETHING),
        *(
            event(
                name,
                person,
                (yesterday + timedelta(minutes=minute)).isoformat(),
                properties={
                    "$browser": "Chrome",
                    "$session_id": f"session of {person}",
                    "$window_id": "window",
                    "$set": {"email": f"{person}@example.com", "name": person, "seats": 42, "plan": None},
                },
            )
            for person, names in _STORIES.items()
            for minute, name in enumerate(names)
        ),
    )


_STORIES = {
    "somebody": ["sign up", "note created"],
    "user-1": ["sign up", "note created", "paid"],
    "user-2": ["sign up", "demo call booked", "note created", "paid"],
    "user-3": ["sign up", "demo call booked"],
}
