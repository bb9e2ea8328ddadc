"""Properties of persons of whom only events are known: what a replay of their history gives.

Imported events may come in any order, and may be older than what is here. So they do not change properties
when they are taken; when all are there, the history says in the order of their timestamps what they made.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from django.db.models import Max

from clickhouse.client import ClickHouse
from persons.history import Asked, properties_at
from persons.identity import Outcome, same_json
from persons.identity.properties import SIZE_LIMIT, json_size
from persons.models import Outbox, UnsettledProperties
from persons.writing import statements
from persons.writing.change import Snapshot, repeatedly, write

_AT_ONCE = 2_000
# Later than any event.
_IN_THE_END = datetime(2299, 1, 1, tzinfo=UTC)

# Waits until ClickHouse has every row of the outbox up to the one with this number.
Sent = Callable[[int], None]


def settle(project_id: int, store: ClickHouse, sent: Sent, now: datetime) -> Iterator[int]:
    """Give everybody whose imported history has not been looked at the properties that it says.

    Yields how many distinct ids were looked at, portion by portion. Cut off, it goes on where it was. Raises
    ClickHouseError, and what `take` raises.
    """
    while names := list(
        UnsettledProperties.objects.filter(project_id=project_id)
        .order_by("distinct_id")
        .values_list("distinct_id", flat=True)[:_AT_ONCE]
    ):
        repeatedly(project_id, lambda names=names: _settle(project_id, names, store, sent, now))  # type: ignore[misc]
        yield len(names)


def _settle(project_id: int, names: list[str], store: ClickHouse, sent: Sent, now: datetime) -> None:
    snapshot = Snapshot()
    snapshot.add(statements.stored_ids(project_id, names))
    snapshot.add_ids_of(snapshot.known.persons)
    # Whoever changes one of them after it was read here has it begin anew; what came before is waited for.
    sent(Outbox.objects.aggregate(last=Max("pk"))["last"] or 0)
    persons = list(snapshot.known.persons.values())
    own: dict[object, list[str]] = {person.uuid: [] for person in persons}
    for mapping in snapshot.known.mappings.values():
        if mapping.person:
            own[mapping.person].append(mapping.distinct_id)
    asked = [Asked(person.uuid, own[person.uuid], [_IN_THE_END]) for person in persons]
    outcome = Outcome()
    answers = properties_at(store, project_id, asked, include_set_once=True)
    for person, (properties,) in zip(persons, answers, strict=True):
        if not same_json(person.properties, properties) and json_size(properties) <= SIZE_LIMIT:
            outcome.persons[person.uuid] = replace(person, properties=properties, version=person.version + 1)
    write(project_id, snapshot, outcome, now)
    UnsettledProperties.objects.filter(project_id=project_id, distinct_id__in=names).delete()
