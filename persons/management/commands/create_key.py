from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from persons.management.postgres import postgres_at_hand
from persons.management.users import user_named
from persons.models import ALL_SCOPES, PersonalAPIKey, Project, User


class Command(BaseCommand):
    help = "Make a personal API key and print it. Works while the server is running."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("label", metavar="LABEL")
        parser.add_argument("--scope", action="append", choices=ALL_SCOPES, help="repeatable (default: *)")
        parser.add_argument(
            "--project", action="append", type=int, default=[], help="limit to a project, repeatable"
        )
        parser.add_argument("--email", help="whose key (default: the owner's)")
        parser.add_argument("--data-dir", help="the data folder (default: PERSONS_DATA_DIR, else .data)")

    def handle(self, *args: Any, **options: Any) -> None:
        with postgres_at_hand():
            user = user_named(options["email"])
            _check_projects(user, options["project"])
            _, value = PersonalAPIKey.issue(
                user, options["label"][:100], options["scope"] or ["*"], options["project"]
            )
        self.stdout.write(value)


def _check_projects(user: User, wanted: list[int]) -> None:
    own = set(Project.objects.filter(memberships__user=user).values_list("pk", flat=True))
    if unknown := sorted(set(wanted) - own):
        raise CommandError(f"{user.email} has no project {unknown[0]}. Allowed: {sorted(own)}.", returncode=2)
