"""Who stands here for the persons of the service that is imported from."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from persons.identity import Elsewhere, Event
from persons.importing import statements
from persons.writing.change import Snapshot
from persons.writing.statements import stored_ids


@dataclass(frozen=True, slots=True)
class Target:
    """The project to import into. `ever_there` says which of some uuids a person of the project has, or has
    had."""

    project_id: int
    ever_there: Callable[[Collection[UUID]], set[UUID]]


def of_events(
    target: Target, events: Iterable[Event], persons: dict[UUID, UUID], snapshot: Snapshot
) -> Elsewhere:
    """What is to be known of events whose persons elsewhere are known, by the events' uuids. Adds to the
    snapshot whoever stands for one of them."""
    mappings = snapshot.known.mappings
    elsewhere = Elsewhere(persons)
    wanted = set()
    for event in events:
        mapping = mappings.get(event.distinct_id)
        if (mapping is None or mapping.person is None) and (person := persons.get(event.uuid)):
            wanted.add(person)
    _find(target, wanted, elsewhere)
    _add_ids(target.project_id, elsewhere.names.values(), snapshot)
    elsewhere.listed |= statements.listed_among(target.project_id, snapshot.known.persons)
    return elsewhere


def of_list(target: Target, uuids: Collection[UUID], snapshot: Snapshot) -> Elsewhere:
    """What is to be known of listed persons. Adds to the snapshot whoever stands for one of them, and all
    distinct ids of everybody in it."""
    elsewhere = Elsewhere()
    _find(target, uuids, elsewhere)
    _add_ids(target.project_id, elsewhere.names.values(), snapshot)
    snapshot.add_ids_of(snapshot.known.persons)
    everybody = snapshot.known.persons.keys() | set(uuids)
    elsewhere.names.update(statements.noted_names(target.project_id, everybody))
    elsewhere.listed |= statements.listed_among(target.project_id, everybody)
    return elsewhere


def _find(target: Target, uuids: Collection[UUID], elsewhere: Elsewhere) -> None:
    """Find out what stands for persons, or that nothing does and their uuids are taken all the same."""
    if not uuids:
        return
    project_id = target.project_id
    elsewhere.names.update(statements.noted_names(project_id, uuids))
    left = set(uuids) - elsewhere.names.keys()
    elsewhere.names.update(statements.own_names(project_id, left))
    elsewhere.taken |= statements.hidden_among(project_id, left)
    left -= elsewhere.names.keys()
    if left:
        elsewhere.taken |= target.ever_there(left)


def _add_ids(project_id: int, distinct_ids: Iterable[str], snapshot: Snapshot) -> None:
    """Add the owners of distinct ids, with all they have: a merge may come upon them."""
    names = set(distinct_ids)
    if names:
        found = stored_ids(project_id, names)
        snapshot.add(found)
        snapshot.add_ids_of({stored.mapping.person for stored in found})
