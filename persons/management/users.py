from django.core.management.base import CommandError

from persons.installation import owner
from persons.models import User


def user_named(email: str | None) -> User:
    """The user with an email address, the owner for None. Raises CommandError."""
    if email is None:
        return owner()
    user = User.objects.filter(email=email).first()
    if user is None:
        raise CommandError(f"There is no user {email}.", returncode=2)
    return user
