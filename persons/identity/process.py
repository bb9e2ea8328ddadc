"""Who is who after a batch: each event in order, by the rules of ingestion.md section 4."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from persons.identity.merges import MERGE_EVENTS, quoted, wanted_merge
from persons.identity.people import Draft, People
from persons.identity.properties import REFUSED_UPDATE, SIZE_LIMIT, change_of, read_update, without_update
from persons.identity.values import Elsewhere, Event, Known, Note, Outcome, RefusedMerge, StoredEvent

# Events that say something of a person, and therefore contradict a flag that says there is none (4.4).
PERSON_EVENTS = frozenset(
    {"$identify", "$create_alias", "$merge_dangerously", "$set", "$unset", "$groupidentify"}
)


def mentioned_ids(events: Iterable[Event]) -> set[str]:
    """All distinct ids that the events touch: the ones to load before `process`."""
    return {event.distinct_id for event in events if not _contradicts_itself(event)} | merge_ids(events)


def merge_ids(events: Iterable[Event]) -> set[str]:
    """The distinct ids that the events try to merge: of their persons, all distinct ids are to be loaded."""
    ids: set[str] = set()
    for event in events:
        if event.event not in MERGE_EVENTS:
            continue
        other, _ = wanted_merge(event)
        if other is not None and not _contradicts_itself(event):
            ids.update((event.distinct_id, other))
    return ids


def process(
    project_id: int,
    events: Sequence[Event],
    known: Known,
    *,
    reuse: bool = False,
    elsewhere: Elsewhere | None = None,
) -> Outcome:
    """What the events make of what is known. Changes neither; how events are cut into batches makes no odds.

    `reuse`: an event for an id on hold ends the hold (decisions.md 12.3); then `known` has all ids of the
    hidden persons in it. `elsewhere`: the events are imported. They may come in any order, so no properties
    change: that is left to a replay of their history. And what a list of persons says of who is who stands:
    no merge makes one of two who are listed. KeyError: a mapping in `known` names a person that is not in
    `known`.
    """
    people = People(project_id, known, elsewhere)
    outcome = Outcome()
    for event in events:
        if reuse:
            for distinct_id in mentioned_ids([event]):
                people.release(distinct_id)
        if _contradicts_itself(event):
            reason = f"{event.event} with $process_person_profile false contradicts itself: it was left out"
            outcome.notes.append(Note(event.index, event.uuid, reason, stored=False))
        elif is_personless(event):
            owner = people.owner(event.distinct_id)
            person_id = people.personless(event.distinct_id) if owner is None else owner.uuid
            outcome.events.append(StoredEvent(event, person_id, *people.times(event.distinct_id)))
        else:
            _take(event, people, outcome, is_imported=elsewhere is not None)
    people.settle(outcome)
    return outcome


def is_personless(event: Event) -> bool:
    """Whether the event is to leave persons alone (4.4). The flag is a boolean: text does not count."""
    return event.properties.get("$process_person_profile") is False


def _contradicts_itself(event: Event) -> bool:
    return event.event in PERSON_EVENTS and is_personless(event)


def _take(event: Event, people: People, outcome: Outcome, *, is_imported: bool) -> None:
    """Decide an event that may make, merge and change persons."""
    if is_imported:
        people.recognise(event)
    properties, update, reasons = read_update(event.event, event.properties)
    other_id, reason = wanted_merge(event)
    if reason is not None:
        reasons.append(reason)
    if other_id is None:
        person, is_counted = _find_or_create(event, people)
    else:
        person, is_counted = _merge(event, other_id, people, outcome)
    person.see(event.timestamp)
    if is_imported and not people.is_listed(person):
        person.was_there(event.timestamp)
    change = None if is_imported else change_of(person.properties, update)
    if change is not None:
        if not person.apply(change):
            properties = without_update(properties)
            reasons.append(
                f"the person's properties would exceed {SIZE_LIMIT} bytes: the update was refused, "
                f"the event keeps it in {REFUSED_UPDATE}"
            )
        elif not is_counted:
            person.raise_version()
    stored = event if properties is event.properties else replace(event, properties=properties)
    outcome.events.append(StoredEvent(stored, person.uuid, *people.times(event.distinct_id)))
    outcome.notes.extend(_note(event, reason) for reason in reasons)


def _note(event: Event, reason: str) -> Note:
    return Note(event.index, event.uuid, reason, stored=True)


def _find_or_create(event: Event, people: People) -> tuple[Draft, bool]:
    """The event's person, and whether its version already counts this event."""
    person = people.owner(event.distinct_id)
    if person is None:
        return people.create(event, is_identified=False), True
    return person, False


def _merge(event: Event, other_id: str, people: People, outcome: Outcome) -> tuple[Draft, bool]:
    """One person of both ids where that is allowed (4.6): the event's person, and whether its version
    already counts this event.

    The hold follows the event's own id: whomever it merges is hidden with it. An id on hold that is to be
    merged into one that is not stays where it is, or it would be seen.
    """
    on_hold = people.is_on_hold(event.distinct_id)
    if people.is_on_hold(other_id) and not on_hold:
        own, is_counted = _find_or_create(event, people)
        outcome.notes.append(_note(event, f"{quoted(other_id)} is on hold: nothing was merged"))
        outcome.refused_merges.append(_refused_merge(event, own, other_id, None))
        return own, own.identify() or is_counted
    person = people.owner(event.distinct_id)
    other = people.owner(other_id)
    if on_hold and person is None and other is not None and not other.is_hidden:
        person = people.create(event, is_identified=False)
    if other is None:
        is_new = person is None
        if person is None:
            person = people.create(event, is_identified=True)
        people.attach(other_id, person)
        return person, person.identify() or is_new
    if person is None:
        people.attach(event.distinct_id, other)
        return other, other.identify()
    if person is not other:
        if people.is_listed(other):
            if people.is_listed(person):
                return person, person.identify()
            person, other = other, person
        if event.event == "$merge_dangerously" or not other.is_identified:
            people.merge(other, survivor=person, place=len(outcome.events))
            return person, True
        outcome.notes.append(
            _note(event, f"the person of {quoted(other_id)} is already identified: nothing was merged")
        )
        outcome.refused_merges.append(_refused_merge(event, person, other_id, other))
    # Also after a refusal, as PostHog does: whoever was named in $identify is somebody.
    return person, person.identify()


def _refused_merge(event: Event, person: Draft, other_id: str, other: Draft | None) -> RefusedMerge:
    return RefusedMerge(
        index=event.index,
        uuid=event.uuid,
        event=event.event,
        timestamp=event.timestamp,
        distinct_id=event.distinct_id,
        person=person.uuid,
        other_distinct_id=other_id,
        other_person=other.uuid if other else None,
    )
