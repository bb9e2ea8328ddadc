import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from persons.installation import new_project_with_key
from persons.management.postgres import postgres_at_hand


class Command(BaseCommand):
    help = "Make a project and print its token and a personal API key. Works while the server is running."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--timezone", default="UTC", help="e.g. Europe/Berlin (default: UTC)")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--data-dir", help="the data folder (default: PERSONS_DATA_DIR, else .data)")

    def handle(self, *args: Any, **options: Any) -> None:
        with postgres_at_hand():
            try:
                project, key = new_project_with_key(options["name"], options["timezone"])
            except ValidationError as error:
                raise CommandError(" ".join(error.messages), returncode=2) from error
        made = {"project_id": project.pk, "project_token": project.api_token, "personal_api_key": key}
        if options["json"]:
            self.stdout.write(json.dumps(made))
            return
        self.stdout.write(f"Project           {project.name} (id {project.pk}, {project.timezone})")
        self.stdout.write(f"Project token     {project.api_token}")
        self.stdout.write(f"Personal API key  {key}   (shown this once)")
