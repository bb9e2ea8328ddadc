import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError
from tqdm import tqdm

from clickhouse.client import ClickHouse
from clickhouse.errors import ClickHouseError
from persons.errors import Unavailable
from persons.importing.files import SourceFile, UnreadableFile, source_files
from persons.importing.run import BadRows, Import, Summary, check, described, wait_until_flushed
from persons.management.stores import stores_at_hand
from persons.models import Project
from persons.writing.missing import missing_model

_MOST_SHOWN = 100
_WORDS = {
    "made": "made",
    "updated": "updated",
    "taken": "taken",
    "already there": "already there",
    "refused": "refused, because they contradict themselves",
    "on hold": "on hold since they were deleted here",
    "deleted there": "deleted in PostHog",
    "skipped": "bad rows skipped",
}


class Command(BaseCommand):
    help = (
        "Import what PostHog has exported: lists of persons, batch exports of persons and of events, JSON, "
        "JSON lines or Parquet. Stopped at any point, it goes on where it was when it is started again. "
        "Embedded ClickHouse belongs to the running server, so stop that first."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", type=int, required=True, help="the id of the project")
        for kind in ("persons", "events"):
            parser.add_argument(
                f"--{kind}",
                nargs="+",
                default=[],
                metavar="GLOB",
                help=f"files of {kind}, or patterns of them",
            )
        parser.add_argument("--dry-run", action="store_true", help="only read the files, and check every row")
        parser.add_argument(
            "--skip-bad-lines", action="store_true", help="leave bad rows out instead of stopping at them"
        )
        parser.add_argument("--data-dir", help="the data folder (default: PERSONS_DATA_DIR, else .data)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            persons, events = source_files(options["persons"]), source_files(options["events"])
            if not persons and not events:
                raise CommandError("Say what to import with --persons, --events, or both.", returncode=2)
            if options["dry_run"]:
                self._check(persons, events)
                return
            with stores_at_hand() as store:
                self._import(store, options["project"], persons, events, skip_bad=options["skip_bad_lines"])
        except UnreadableFile as error:
            raise CommandError(str(error), returncode=2) from error
        except KeyboardInterrupt as interrupt:
            raise CommandError("Stopped. Start it again to go on.", returncode=130) from interrupt

    def _import(
        self,
        store: ClickHouse,
        project_id: int,
        persons: Sequence[SourceFile],
        events: Sequence[SourceFile],
        *,
        skip_bad: bool,
    ) -> None:
        if not Project.objects.filter(pk=project_id).exists():
            raise CommandError(f"There is no project {project_id}.", returncode=2)
        with _Bar(persons, events) as bar:
            try:
                job = Import(project_id, store, wait_until_flushed, bar, skip_bad=skip_bad)
                summary = job.run(persons, events)
            except BadRows as error:
                raise CommandError(
                    f"{error}\nNothing of this batch was imported; what came before it was. Mend the file, "
                    "or leave bad rows out with --skip-bad-lines.",
                    returncode=1,
                ) from error
            except Unavailable as error:
                raise CommandError("Others change the same persons. Start it again to go on.") from error
            except ClickHouseError as error:
                raise CommandError(f"ClickHouse: {error}\nStart it again to go on.") from error
            except IntegrityError as error:
                if missing_model(error) is not Project:
                    raise
                raise CommandError(
                    f"Project {project_id} has been deleted meanwhile.", returncode=2
                ) from error
        self._sum_up(summary)

    def _sum_up(self, summary: Summary) -> None:
        for kind, counts in (("Persons", summary.persons), ("Events", summary.events)):
            parts = [f"{counts[key]:,} {words}" for key, words in _WORDS.items() if counts[key]]
            self.stdout.write(f"{kind:8} {', '.join(parts) or 'nothing new'}")
        if summary.files_done_before:
            self.stdout.write(f"Files    {summary.files_done_before:,} imported before, and left alone")

    def _check(self, persons: Sequence[SourceFile], events: Sequence[SourceFile]) -> None:
        good, found = {"persons": 0, "events": 0}, 0
        with _Bar(persons, events) as bar:
            for kind, files in (("persons", persons), ("events", events)):
                for file in files:
                    for number, bad in check(kind, file):
                        good[kind] += number
                        found += len(bad)
                        if bad and found <= _MOST_SHOWN:
                            bar.say(described(bad, _MOST_SHOWN))
                    bar.advanced(kind, file.size)
        self.stdout.write(
            f"{good['persons']:,} rows of persons and {good['events']:,} of events can be imported, "
            f"{found:,} cannot. Nothing was changed."
        )
        if found:
            sys.exit(1)


class _Bar:
    """The progress bar, for people only: in bytes of the files."""

    def __init__(self, persons: Sequence[SourceFile], events: Sequence[SourceFile]) -> None:
        self._sizes = {
            "persons": sum(file.size for file in persons),
            "events": sum(file.size for file in events),
            "properties": None,
        }
        self._step, self._shown = "", 0
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        if self._shown > _MOST_SHOWN:
            sys.stderr.write(f"and {self._shown - _MOST_SHOWN:,} more bad rows\n")

    def advanced(self, step: str, done: int) -> None:
        if step != self._step:
            self._close()
            unit = " ids" if step == "properties" else "B"
            self._bar = tqdm(
                total=self._sizes[step], desc=step.capitalize(), unit=unit, unit_scale=True, disable=None
            )
            self._step = step
        if self._bar is not None:
            self._bar.update(done)

    def bad(self, place: str, reason: str) -> None:
        self._shown += 1
        if self._shown <= _MOST_SHOWN:
            self.say(f"{place}: {reason}")

    def say(self, text: str) -> None:
        with suppress(OSError):
            tqdm.write(text, file=sys.stderr)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
