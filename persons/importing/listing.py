"""The transaction that takes a batch of listed persons."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

from persons.identity import Known, Listed, Outcome, listing
from persons.importing.elsewhere import Target, of_list
from persons.importing.persons import ReadPerson, ReadPersons
from persons.importing.progress import Progress
from persons.importing.statements import note_unsettled
from persons.models import ImportedPerson
from persons.models.history import Part, note_split
from persons.writing import statements
from persons.writing.change import Snapshot, repeatedly, write
from persons.writing.take import may_be_reused


def take_persons(
    target: Target, read: ReadPersons, rows: int, progress: Progress, now: datetime
) -> Counter[str]:
    """Make persons as they are listed, and note that the file is done up to this row; returns what became of
    them. Raises what `take` raises."""

    def attempt() -> Counter[str]:
        counts = _take(target, read, now)
        progress.note(rows, counts)
        return counts

    counts = repeatedly(target.project_id, attempt)
    progress.noted()
    return counts


def _take(target: Target, read: ReadPersons, now: datetime) -> Counter[str]:
    project_id = target.project_id
    counts = Counter({"skipped": len(read.bad)})
    there = [person for person in read.persons if not person.is_deleted]
    counts["deleted there"] = len(read.persons) - len(there)
    news = list(_news(project_id, there))
    counts["already there"] = len(there) - len(news)
    if not news:
        return counts
    snapshot = Snapshot()
    named = {name for person in news for name in person.listed.distinct_ids}
    snapshot.add(statements.stored_ids(project_id, named))
    elsewhere = of_list(target, [person.listed.uuid for person in news], snapshot)
    reuse = may_be_reused(project_id, snapshot)
    before = set(snapshot.known.persons)
    outcome, found = listing(
        project_id, [person.listed for person in news], snapshot.known, elsewhere, now, reuse=reuse
    )
    write(project_id, snapshot, outcome, now)
    mappings = {**snapshot.known.mappings, **outcome.mappings}
    parts = [
        Part(
            uuid, {name: mappings[name].version for name in each.distinct_ids}, each.properties, is_whole=True
        )
        for uuid, each in found.items()
    ]
    note_split(project_id, parts, now)
    _note(project_id, news, found)
    note_unsettled(project_id, _left(snapshot.known, outcome, {*found, *elsewhere.listed}))
    counts["made"] = len(found.keys() - before)
    counts["updated"] = len(found) - counts["made"]
    counts["on hold"] = len(news) - len(found)
    return counts


def _left(known: Known, outcome: Outcome, listed: Collection[UUID]) -> Iterator[str]:
    """The distinct ids of persons of whom only events tell and who have lost others: what these did to their
    properties is to go as well."""
    losers = {known.mappings[name].person for name in outcome.overrides} - {None, *listed}
    for name, mapping in known.mappings.items():
        if mapping.person in losers and name not in outcome.overrides:
            yield name


def _news(project_id: int, persons: Sequence[ReadPerson]) -> Iterable[ReadPerson]:
    """The persons of whom the list says something new."""
    known = {
        uuid: (listing, version)
        for uuid, listing, version in ImportedPerson.objects.filter(
            project_id=project_id, uuid__in=[person.listed.uuid for person in persons]
        ).values_list("uuid", "listing", "version")
    }
    for person in persons:
        said, version = known.get(person.listed.uuid, (None, None))
        is_older = version is not None and person.version is not None and person.version < version
        if person.listing != said and not is_older:
            yield person


def _note(project_id: int, persons: Sequence[ReadPerson], found: dict[UUID, Listed]) -> None:
    """Remember what the list has said, under the uuids there and here."""
    here = {listed.uuid: uuid for uuid, listed in found.items()}
    rows = {}
    for person in persons:
        own = here.get(person.listed.uuid)
        if own is None:
            continue
        for uuid in {person.listed.uuid, own}:
            rows[uuid] = ImportedPerson(
                project_id=project_id,
                uuid=uuid,
                distinct_id=found[own].distinct_ids[0],
                listing=person.listing,
                version=person.version,
            )
    ImportedPerson.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=["project_id", "uuid"],
        update_fields=["distinct_id", "listing", "version"],
    )
