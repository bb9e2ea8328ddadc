"""What a fresh installation is given: an owner, a first project, keys. Each step can be repeated."""

import secrets
from typing import NamedTuple

from django.db import transaction

from persons.models import Membership, PersonalAPIKey, Project, User

OWNER_EMAIL = "admin@localhost"


class NewProject(NamedTuple):
    """A project and a key for it. The key's value is not stored."""

    project: Project
    personal_api_key: str


def owner() -> User:
    """The oldest superuser; made when there is none."""
    found = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    return found or User.objects.create_superuser(OWNER_EMAIL)


def give_password(user: User) -> str | None:
    """A password for a user who has none yet, else None."""
    if user.has_usable_password():
        return None
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.save(update_fields=["password"])
    return password


def new_project(name: str, timezone: str = "UTC") -> Project:
    """A project of the owner. Raises Django's ValidationError."""
    project = Project(name=name, timezone=timezone)
    project.full_clean()
    with transaction.atomic():
        project.save()
        Membership.objects.create(project=project, user=owner())
    return project


def new_project_with_key(name: str, timezone: str = "UTC") -> NewProject:
    """A project of the owner, and a key of the owner's that may do everything. Raises ValidationError."""
    with transaction.atomic():
        project = new_project(name, timezone)
        _, value = PersonalAPIKey.issue(owner(), label=f"for {name}"[:100], scopes=["*"])
    return NewProject(project, value)
