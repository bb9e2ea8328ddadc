"""Persons as they are stored, and how far they get in funnels of them."""

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from clickhouse.client import ClickHouse
from clickhouse.funnel import funnel_persons
from clickhouse.query.dates import DateRange
from clickhouse.query.filters import Entity
from clickhouse.query.funnel import ConversionWindow, FunnelQuery
from tests.clickhouse.generated_funnels import Person
from tests.clickhouse.reference_funnel import Event, results

DAY_0 = datetime(2024, 3, 1, tzinfo=UTC)
projects = itertools.count(7_000_000)
Steps = Sequence[str | Entity | None]


def person_id(project: int, number: int, role: str = "person") -> UUID:
    return uuid5(NAMESPACE_OID, f"{project} {number} {role}")


def insert(store: ClickHouse, table: str, project: int, rows: list[dict[str, Any]], token: str) -> None:
    if rows:
        lines = b"\n".join(json.dumps({"team_id": project, **row}).encode() for row in rows)
        store.insert_json(table, lines, token=f"{project} {token}")


def person_row(
    identifier: UUID, *, plan: str = "", version: int = 1, deleted: bool = False
) -> dict[str, Any]:
    return {
        "id": str(identifier),
        "properties": json.dumps({"plan": plan}),
        "is_deleted": int(deleted),
        "version": version,
    }


def override_row(distinct_id: str, owner: UUID, *, version: int, deleted: bool = False) -> dict[str, Any]:
    return {
        "distinct_id": distinct_id,
        "person_id": str(owner),
        "is_deleted": int(deleted),
        "version": version,
    }


def stored(store: ClickHouse, persons: Sequence[Person]) -> int:
    """A new project with these persons. Versions come in inserts of their own, hence in several parts."""
    project = next(projects)
    rows_of = {"events": event_rows, "person": person_rows, "person_distinct_id_overrides": override_rows}
    for table, make in rows_of.items():
        rows = [row for number, person in enumerate(persons) for row in make(project, number, person)]
        for version in (1, 2):
            insert(store, table, project, [r for r in rows if r.get("version", 1) == version], f"v{version}")
    return project


def event_rows(project: int, number: int, person: Person) -> list[dict[str, Any]]:
    has_two_devices = person.kind in ("merged", "split")
    rows = []
    for event in person.events:
        role = "other" if has_two_devices and event.arrival % 2 else "person"
        row = {
            "event": event.name,
            "timestamp": event.at.strftime("%Y-%m-%d %H:%M:%S.%f"),
            "uuid": str(person_id(project, number, f"event {event.arrival}")),
            "distinct_id": f"{number} {role}",
            "person_id": str(person_id(project, number, role)),
            "properties": json.dumps(event.properties),
            "arrival": event.arrival,
        }
        rows.append(row)
    return rows


def person_rows(project: int, number: int, person: Person) -> list[dict[str, Any]]:
    own, other = person_id(project, number), person_id(project, number, "other")
    gone = {"deleted": [own], "merged": [other], "split": [other]}.get(person.kind, [])
    if person.kind == "personless":
        return []
    return [
        *(person_row(each, plan=person.plan) for each in {own, *gone}),
        *(person_row(each, version=2, deleted=True) for each in gone),
    ]


def override_rows(project: int, number: int, person: Person) -> list[dict[str, Any]]:
    own, stranger = person_id(project, number), person_id(project, number, "stranger")
    if person.kind == "merged":
        return [
            override_row(f"{number} other", stranger, version=1),
            override_row(f"{number} other", own, version=2),
        ]
    if person.kind == "split":
        return [
            override_row(f"{number} other", own, version=1),
            override_row(f"{number} other", own, version=2, deleted=True),
        ]
    return []


def asked(
    project: int,
    steps: Steps,
    furthest: Sequence[int],
    *,
    last: datetime = DAY_0 + timedelta(days=60),
    **more: Any,
) -> FunnelQuery:
    """The funnel of these steps, given as entities, event names or None for any event, from day 0 on."""
    return FunnelQuery(
        project_id=project,
        steps=tuple(map(entity, steps)),
        date_range=DateRange(date_from=DAY_0, date_to=last, timezone="UTC"),
        furthest=tuple(furthest),
        **more,
    )


def entity(step: str | Entity | None) -> Entity:
    if isinstance(step, Entity):
        return step
    return Entity(names=None if step is None else (step,))


def whole(steps: Steps) -> tuple[int, ...]:
    return (len(steps),)


def furthest(store: ClickHouse, events: Sequence[Event], steps: Steps, **more: Any) -> set[int]:
    """How far one person gets, as the store sees it: every step for which it comes back."""
    project = stored(store, [Person(events)])
    numbers = range(1, len(steps) + 1)
    return {n for n in numbers if funnel_persons(store, asked(project, steps, (n,), **more))}


def check(
    store: ClickHouse, events: Sequence[Event], steps: Steps, expected: int | None, **more: Any
) -> None:
    """That the reference and the store both say that a person with these events gets so far."""
    reference = results(events, asked(0, steps, whole(steps), **more))
    assert reference == ({expected} if expected else set()), "the reference is wrong"
    assert furthest(store, events, steps, **more) == reference


def days(*told: tuple[str, float] | tuple[str, float, str]) -> list[Event]:
    """Events as (name, days after day 0) or, with a browser, as (name, days after day 0, browser)."""
    return [
        Event(name, DAY_0 + timedelta(days=day), arrival, {"browser": browser[0]} if browser else {})
        for arrival, (name, day, *browser) in enumerate(told)
    ]


def seconds(told: str) -> list[Event]:
    """Events as a name and seconds after day 0, and perhaps a browser: `A0 B31=Safari`."""
    events = []
    for arrival, word in enumerate(told.split()):
        moment, _, browser = word.partition("=")
        properties = {"browser": browser} if browser else {}
        at = DAY_0 + timedelta(seconds=float(moment[1:]))
        events.append(Event(moment[0], at, arrival, properties))
    return events


def window(length: int) -> dict[str, Any]:
    return {"window": ConversionWindow(value=length, unit="second")}
