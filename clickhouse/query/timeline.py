"""What a person did while its properties changed."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from clickhouse.query.dates import DateRange
from clickhouse.query.filters import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Entity,
    Filter,
    Not,
    PersonProperty,
    both,
    contrary,
    is_about_person,
)


class TimelineQuery(BaseModel):
    """The events of one person, by all of its distinct ids, each in a generation, that are one of the
    entities, any event for none, and of which the filter, which must not be about the person, holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    project_id: int
    person: UUID
    distinct_ids: tuple[str, ...]
    generations: tuple[int, ...]
    date_range: DateRange
    entities: tuple[Entity, ...] = ()
    filter: Filter = EVERYTHING


def person_keys(asked: Filter) -> set[str]:
    """The person properties that a filter looks at."""
    match asked:
        case PersonProperty():
            return {asked.key}
        case Not():
            return person_keys(asked.filter)
        case AllOf() | AnyOf():
            return {key for each in asked.filters for key in person_keys(each)}
    return set()


def whatever_the_person(asked: Filter) -> Filter:
    """What a filter asks of an event if the person may be anybody: of which events it could hold."""
    if is_about_person(asked):
        return EVERYTHING
    match asked:
        case Not():
            inner = whatever_the_person(asked.filter)
            return inner if inner == EVERYTHING else contrary(inner)
        case AllOf():
            return both(*map(whatever_the_person, asked.filters))
        case AnyOf():
            return AnyOf(filters=tuple(map(whatever_the_person, asked.filters)))
    return asked
