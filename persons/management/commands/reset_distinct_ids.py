import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from persons.errors import Unavailable
from persons.management.postgres import postgres_at_hand
from persons.management.users import user_named
from persons.models import Actor, Project
from persons.writing.holds import KnownId, State, known_ids
from persons.writing.missing import missing_model
from persons.writing.reset import Reset, reset_distinct_ids

_AT_ONCE = 1_000
_NOTHING = {State.UNSEEN: "never seen", State.LIVE: "live", State.RELEASED: "released already"}
_DONE = {Reset.RELEASED: "reset", Reset.LIVE: "not on hold", Reset.UNSEEN: "never seen"}


class Command(BaseCommand):
    help = (
        "Reset distinct ids, one a line of a file: end the hold that deletions put on them. "
        "Needs PostgreSQL only, and works while the server is running."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="- for standard input")
        parser.add_argument("--project", type=int, required=True, help="the id of the project")
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
        parser.add_argument("--email", help="who does it, for the activity log (default: the owner)")
        parser.add_argument("--data-dir", help="the data folder (default: PERSONS_DATA_DIR, else .data)")

    def handle(self, *args: Any, **options: Any) -> None:
        distinct_ids = _read(options["file"])
        project_id, dry = options["project"], options["dry_run"]
        results = Counter[str]()
        with postgres_at_hand():
            by = Actor(user_named(options["email"]))
            if not Project.objects.filter(pk=project_id).exists():
                raise CommandError(f"There is no project {project_id}.", returncode=2)
            for start in range(0, len(distinct_ids), _AT_ONCE):
                portion = distinct_ids[start : start + _AT_ONCE]
                for distinct_id, what in (
                    _foretell(project_id, portion) if dry else _reset(project_id, portion, by)
                ):
                    self.stdout.write(f"{what}\t{distinct_id}")
                    results[what.partition(":")[0]] += 1
        self.stderr.write(", ".join(f"{count} {what}" for what, count in sorted(results.items())))
        self.stderr.write(
            "Nothing was changed. How many events wait behind a hold is in ClickHouse, which was not asked."
            if dry
            else "ClickHouse hears of it from the running server, or when one starts."
        )


def _read(name: str) -> list[str]:
    """Each line once. As it stands: white space belongs to a distinct id."""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} cannot be read: {error}", returncode=2) from error
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    if any("\0" in line for line in lines):
        raise CommandError(f"{name} is not a list of distinct ids: it has NULs.", returncode=2)
    return list(dict.fromkeys(lines))


def _foretell(project_id: int, distinct_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    for known in known_ids(project_id, distinct_ids):
        yield known.distinct_id, _what_would_happen(known)


def _what_would_happen(known: KnownId) -> str:
    if known.state is not State.ON_HOLD:
        return _NOTHING[known.state]
    if known.hidden_person is None:
        return "would be reset: its next event makes a person"
    others = f" with {known.hidden_ids} distinct ids" if known.hidden_ids > 1 else ""
    return f"would be reset: shows person {known.hidden_person}{others}"


def _reset(project_id: int, distinct_ids: Sequence[str], by: Actor) -> Iterator[tuple[str, str]]:
    try:
        done = reset_distinct_ids(project_id, distinct_ids, by, datetime.now(UTC))
    except Unavailable as error:
        raise CommandError(
            f"Others are changing the same persons. Run it again: nothing is done twice. It stopped before "
            f"{distinct_ids[0]!r}."
        ) from error
    except IntegrityError as error:
        if missing_model(error) is not Project:
            raise
        raise CommandError(f"Project {project_id} has been deleted meanwhile.", returncode=2) from error
    for distinct_id in distinct_ids:
        yield distinct_id, _DONE[done[distinct_id]]
