"""Every funnel in plain words (docs/semantics/funnels.md), to compare the SQL with.

Here: which events a funnel sees, which of its steps and exclusions each matches, and for which breakdown
values a person is counted. reference_funnel_order follows the attempts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from clickhouse.query.conditions import Condition, Equals
from clickhouse.query.filters import (
    AllOf,
    AnyOf,
    Entity,
    EventColumn,
    EventProperty,
    Filter,
    Not,
    PersonProperty,
)
from clickhouse.query.funnel import EventBreakdown, FunnelQuery
from tests.clickhouse.reference_funnel_order import Attempt, Occurrence, attempt_that_counts


@dataclass(frozen=True, eq=False)
class Event:
    """Something a person did. `arrival` is unique among a person's events; `person` has the properties of
    the person as it is now."""

    name: str
    at: datetime
    arrival: int
    properties: Mapping[str, Any] = field(default_factory=dict)
    person: Mapping[str, Any] = field(default_factory=dict)


def comes_back(history: Sequence[Event], query: FunnelQuery) -> bool:
    """Whether a person is among those asked for. `history` is everything that the person ever did."""
    return not results(history, query).isdisjoint(query.furthest)


def results(history: Sequence[Event], query: FunnelQuery) -> set[int]:
    """The furthest steps that a person gets to, counted from 1: none when no attempt counts, several when a
    breakdown follows several values."""
    counted = [attempt_that_counts(way, query) for way in ways(occurrences(history, query), query.breakdown)]
    return {attempt.standing for attempt in counted if attempt and has_value_asked_for(attempt, query)}


def has_value_asked_for(attempt: Attempt, query: FunnelQuery) -> bool:
    """With attribution by step: whether the event that made the step has one of the values asked for."""
    breakdown = query.breakdown
    if breakdown is None or breakdown.step is None or breakdown.values is None:
        return True
    return attempt.value_at(breakdown.step + 1) in breakdown.values


def occurrences(history: Sequence[Event], query: FunnelQuery) -> list[Occurrence]:
    """The events in the range, both ends of which belong to it, of which the filter holds, as they came.

    What fails the filter does not exist, not even for a strict funnel.
    """
    history = sorted(history, key=lambda event: (event.at, event.arrival))
    return [
        Occurrence(
            at=event.at,
            steps=frozenset(n for n, step in enumerate(query.steps, 1) if matches(step, event, history)),
            spoils=frozenset(
                step
                for exclusion in query.exclusions
                for step in range(exclusion.from_step + 1, exclusion.to_step + 1)
                if matches(exclusion.entity, event, history)
            ),
            value=text(event.properties.get(query.breakdown.key)) or "" if query.breakdown else "",
        )
        for event in history
        if query.date_range.date_from <= event.at <= query.date_range.date_to and holds(query.filter, event)
    ]


def matches(entity: Entity, event: Event, history: Sequence[Event]) -> bool:
    """Whether the event is one of the entity's.

    `first_time`: it is the first one with one of the entity's names that the person ever did, also before
    the range and among those of which the filter of the whole funnel does not hold; and the entity's own
    filter holds of that one.
    """
    named = [each for each in history if entity.names is None or each.name in entity.names]
    if entity.first_time:
        named = named[:1]
    return event in named and holds(entity.filter, event)


def ways(seen: list[Occurrence], breakdown: EventBreakdown | None) -> list[list[Occurrence]]:
    """The events of each way in which a person is counted. A missing value is the empty text.

    `first_touch`, `last_touch`: the person stands for the value of the earliest or latest event that matches
    a step and has a value that is not empty, else for the empty one; it is counted once if that is asked
    for. `all_events`: once for each value of the events that match a step, with only the events that have
    it. `step`: once; the attempt that counts has the value.
    """
    if breakdown is None or breakdown.attribution == "step":
        return [seen]
    values = [each.value for each in seen if each.steps]
    asked = breakdown.values
    if breakdown.attribution == "all_events":
        followed = sorted({value for value in values if asked is None or value in asked})
        return [[each for each in seen if each.value == value] for value in followed]
    touched = [value for value in values if value] or [""]
    stands_for = touched[0] if breakdown.attribution == "first_touch" else touched[-1]
    return [seen] if asked is None or stands_for in asked else []


def holds(asked: Filter, event: Event) -> bool:
    """The few filters that funnels are tested with; what they mean in full is in reference_filters."""
    match asked:
        case AllOf():
            return all(holds(each, event) for each in asked.filters)
        case AnyOf():
            return any(holds(each, event) for each in asked.filters)
        case Not():
            return not holds(asked.filter, event)
        case EventProperty():
            return is_one_of(asked.condition, event.properties.get(asked.key))
        case PersonProperty():
            return is_one_of(asked.condition, event.person.get(asked.key))
        case EventColumn(column="event"):
            return is_one_of(asked.condition, event.name)
    raise TypeError(f"{asked.kind} is not what generated funnels ask for")


def is_one_of(condition: Condition, value: Any) -> bool:
    assert isinstance(condition, Equals)
    assert not condition.numbers
    return text(value) in condition.texts


def text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()
