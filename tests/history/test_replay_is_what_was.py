"""Whatever is captured, the replayed properties are those that the live person had (decisions.md 11.1)."""

import os
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from clickhouse.client import ClickHouse
from persons.api.changes import Window, changes
from persons.history import Asked, properties_at
from persons.identity.values import Event
from persons.installation import new_project
from persons.models import Person, PersonDistinctId, Project
from persons.outbox.flush import drain
from persons.writing.take import take
from tests.capture.reference_identity import Reference
from tests.capture.test_stores_agree import START, ids, kinds, updates

EXAMPLES = int(os.environ.get("PROPERTY_HISTORY_EXAMPLES", "40"))

visits = st.fixed_dictionaries(
    {"$lib": st.sampled_from(["web", "posthog-python"])},
    optional={"$browser": st.sampled_from(["Chrome", "Safari"]), "utm_source": st.sampled_from("pq")},
)
# Minutes since the event before: several may have one timestamp.
steps = st.sampled_from([0, 0, 1, 60])


@st.composite
def histories(draw: st.DrawFn) -> list[list[Event]]:
    """A few batches of events about a few ids, none of which comes late."""
    at, batches = START, []
    sent = st.tuples(kinds, ids, updates, st.just({}) | visits, steps)
    for batch in draw(st.lists(st.lists(sent, min_size=1, max_size=6), min_size=1, max_size=3)):
        events: list[Event] = []
        for (name, merge), distinct_id, update, visit, minutes in batch:
            at += timedelta(minutes=minutes)
            properties = {**visit, **update, **merge}
            events.append(Event(len(events), uuid.uuid4(), name, distinct_id, at, properties))
        batches.append(events)
    return batches


@dataclass
class Seen:
    """What each person had after the last event of each timestamp, and when it was merged last."""

    reference: Reference
    states: dict[datetime, dict[UUID, dict[str, Any]]] = field(default_factory=dict)
    merged: dict[UUID, datetime] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        before = set(self.reference.persons)
        self.reference.take(event)
        persons = self.reference.persons
        self.states[event.timestamp] = {uuid: person.properties for uuid, person in persons.items()}
        owner = self.reference.owner(event.distinct_id)
        if owner and before - set(persons):
            self.merged[owner] = event.timestamp

    def agrees(self, person: Person, found: Sequence[dict[str, Any]]) -> None:
        """Compare what a replay found for each timestamp."""
        since = self.merged.get(person.uuid, START)
        for (moment, states), properties in zip(self.states.items(), found, strict=True):
            if moment >= since:
                assert properties == states.get(person.uuid, {})


def with_visits(events: Sequence[Event]) -> Iterator[Event]:
    """The events with what they say of the visit as `$set` and `$set_once` (ingestion.md 4.1)."""
    for event in events:
        sent, said = event.properties, {key: event.properties.get(key) for key in ("$browser", "utm_source")}
        latest = {key: value for key, value in said.items() if value and sent.get("$lib") == "web"}
        first = {f"$initial_{key.removeprefix('$')}": value for key, value in latest.items()}
        properties = {
            **sent,
            "$set": {**latest, **sent.get("$set", {})},
            "$set_once": {**first, **sent.get("$set_once", {})},
        }
        yield replace(event, properties=properties)


def replayed(
    store: ClickHouse, project: Project, moments: Sequence[datetime], *, include_set_once: bool = True
) -> Iterator[tuple[Person, list[dict[str, Any]]]]:
    """Each person's properties at the moments."""
    persons = list(Person.objects.filter(project=project))
    own: dict[int, list[str]] = {}
    for mapping in PersonDistinctId.objects.filter(project=project, person__isnull=False):
        own.setdefault(mapping.person_id or 0, []).append(mapping.distinct_id)
    asked = [Asked(person.uuid, own[person.pk], moments) for person in persons]
    found = properties_at(store, project.pk, asked, include_set_once=include_set_once)
    return zip(persons, found, strict=True)


def summed_up(
    store: ClickHouse, project: Project, person: Person, moments: Sequence[datetime]
) -> Iterator[dict[str, Any]]:
    """What the listed changes make of nothing, until each of the moments."""
    own = list(PersonDistinctId.objects.filter(person=person).values_list("distinct_id", flat=True))
    everything = Window(start=None, end=None, key=None, order="oldest", limit=10_000, cursor=None)
    properties: dict[str, Any] = {}
    listed = deque(each.fields() for each in changes(store, project.pk, person.uuid, own, everything))
    for moment in moments:
        while listed and listed[0]["timestamp"] <= moment:
            change = listed.popleft()
            properties[change["key"]] = change["after"]
            if change["operation"] == "unset":
                del properties[change["key"]]
        yield dict(properties)


@pytest.mark.django_db
@settings(max_examples=EXAMPLES, deadline=None)
@given(histories())
def test_every_moment_since_the_last_merge_is_replayed_as_it_was(
    clickhouse: ClickHouse, batches: list[list[Event]]
) -> None:
    with transaction.atomic():
        project = new_project("property history")
        seen, without = Seen(Reference(project.pk)), Seen(Reference(project.pk))
        for batch in batches:
            take(project.pk, batch, START)
            drain(clickhouse)
            for event in with_visits(batch):
                seen.take(event)
                without.take(replace(event, properties={**event.properties, "$set_once": {}}))
            moments = list(seen.states)
            for person, found in replayed(clickhouse, project, moments):
                assert person.properties == found[-1]
                seen.agrees(person, found)
            for person, found in replayed(clickhouse, project, moments, include_set_once=False):
                without.agrees(person, found)
        for person, found in replayed(clickhouse, project, moments):
            assert list(summed_up(clickhouse, project, person, moments)) == found
        transaction.set_rollback(True)
