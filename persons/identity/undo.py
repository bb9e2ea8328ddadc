"""What a request, not an event, makes of who is who: deleting, releasing, splitting (decisions.md section 12,
ingestion.md section 6). Pure: `Known` in, `Outcome` out.
"""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID, uuid5

from persons.identity.people import PERSON_NAMESPACE, TOMBSTONE_LEAD, People, person_uuid
from persons.identity.values import Known, Mapping, Outcome, Person, Tombstone

# A split wins over a deletion that ClickHouse hears of at the same time (ingestion.md section 6).
SPLIT_LEAD = TOMBSTONE_LEAD + 1


def delete(known: Known) -> Outcome:
    """Delete all persons in `known`, which has all their distinct ids: these go on hold."""
    outcome = Outcome()
    for person in known.persons.values():
        version = person.version + TOMBSTONE_LEAD
        outcome.deleted[person.uuid] = Tombstone(person.uuid, version, person.created_at)
    for mapping in known.mappings.values():
        outcome.mappings[mapping.distinct_id] = Mapping(
            mapping.distinct_id,
            person=None,
            version=mapping.version + TOMBSTONE_LEAD,
            on_hold=True,
            generation=mapping.generation + 1,
        )
    return outcome


def release(project_id: int, distinct_ids: Iterable[str], known: Known) -> Outcome:
    """End the hold on distinct ids, which changes nothing of others. `known` has all ids of their hidden
    persons."""
    people, outcome = People(project_id, known), Outcome()
    for distinct_id in distinct_ids:
        people.release(distinct_id)
    people.settle(outcome)
    return outcome


def split(project_id: int, person: Person, distinct_ids: Iterable[str], known: Known) -> Outcome:
    """Give each of these distinct ids of a person a person of its own, without properties, and with all
    events that came with it."""
    outcome = Outcome()
    outcome.persons[person.uuid] = replace(person, version=person.version + 1)
    for distinct_id in distinct_ids:
        mapping = known.mappings[distinct_id]
        uuid = split_uuid(project_id, mapping)
        outcome.persons[uuid] = Person(
            uuid=uuid,
            created_at=person.created_at,
            properties={},
            is_identified=False,
            version=person.version + SPLIT_LEAD,
            last_seen_at=person.last_seen_at,
        )
        moved = replace(mapping, person=uuid, version=mapping.version + SPLIT_LEAD)
        outcome.mappings[distinct_id] = outcome.overrides[distinct_id] = moved
    return outcome


def split_uuid(project_id: int, mapping: Mapping) -> UUID:
    """The uuid of the person that is made of a distinct id alone.

    The first time it is the one that the id gives by itself (4.5). If that had a person, it was merged away,
    at a lower version than its survivor has. Not if it is the very person who is split, nor after the id
    was deleted or split before: then somebody may still be, or have been, who has nothing to do with the id
    any more. Then it follows from the version of the mapping as well, which never comes again.
    """
    own = person_uuid(project_id, mapping.distinct_id)
    if mapping.generation == 0 and mapping.version < SPLIT_LEAD and mapping.person != own:
        return own
    return uuid5(PERSON_NAMESPACE, f"{project_id}:{mapping.distinct_id}\0split at {mapping.version}")
