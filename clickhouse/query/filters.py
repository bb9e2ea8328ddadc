"""Which events, which persons: conditions on what is known of them, joined by AND and OR to any depth.

A filter on an event may ask for the event itself and for its person as the person is now. A filter on a
person may ask for the person and for what it did. Cohorts are filters on persons with a name.
"""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from clickhouse.query.conditions import Condition, Span
from clickhouse.query.elements import Selector


class _Filter(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EventProperty(_Filter):
    """A property of the event."""

    kind: Literal["event_property"] = "event_property"
    key: str
    condition: Condition


class EventColumn(_Filter):
    """The event's name or the distinct id it came with."""

    kind: Literal["event_column"] = "event_column"
    column: Literal["event", "distinct_id"]
    condition: Condition


class EventTime(_Filter):
    """When the event happened, in one of `spans`."""

    kind: Literal["event_time"] = "event_time"
    spans: tuple[Span, ...]


class ElementValue(_Filter):
    """What autocapture knows of the element that was used and of those around it.

    `text`: the condition holds of one of their texts, or with `contrary` does not hold of one. `tag_name`:
    of one of their names. `href`: of that of the innermost link.
    """

    kind: Literal["element"] = "element"
    of: Literal["text", "tag_name", "href"]
    condition: Condition
    contrary: bool = False


class ElementSelected(_Filter):
    """A CSS selector finds the element that was used, or one around it."""

    kind: Literal["selected"] = "selected"
    selector: Selector


class PersonProperty(_Filter):
    """A property of the person, as it is now."""

    kind: Literal["person_property"] = "person_property"
    key: str
    condition: Condition


class PersonIs(_Filter):
    """The person with this uuid."""

    kind: Literal["person"] = "person"
    uuid: UUID


class PersonIsIdentified(_Filter):
    """The person is identified, or with `value` false is not."""

    kind: Literal["person_is_identified"] = "person_is_identified"
    value: bool


class Owns(_Filter):
    """The person has a distinct id of which the condition holds."""

    kind: Literal["distinct_id"] = "distinct_id"
    condition: Condition


class InStaticCohort(_Filter):
    """The person owns one of the distinct ids that were put into the cohort."""

    kind: Literal["static_cohort"] = "static_cohort"
    cohort_id: int


class Performed(_Filter):
    """The person did it, from `after` to `before`, as often as `times` says; never less than once."""

    kind: Literal["performed"] = "performed"
    event: Entity
    after: AwareDatetime
    before: AwareDatetime
    operator: Literal["eq", "gt", "gte", "lt", "lte"] = "gte"
    times: int = 1


class Not(_Filter):
    """The contrary."""

    kind: Literal["not"] = "not"
    filter: Filter


class AllOf(_Filter):
    """Every one of them; all there is when there are none."""

    kind: Literal["and"] = "and"
    filters: tuple[Filter, ...] = ()


class AnyOf(_Filter):
    """At least one of them; nothing when there are none."""

    kind: Literal["or"] = "or"
    filters: tuple[Filter, ...] = ()


Filter = Annotated[
    EventProperty
    | EventColumn
    | EventTime
    | ElementValue
    | ElementSelected
    | PersonProperty
    | PersonIs
    | PersonIsIdentified
    | Owns
    | InStaticCohort
    | Performed
    | Not
    | AllOf
    | AnyOf,
    Field(discriminator="kind"),
]


class Entity(_Filter):
    """What counts as having happened (posthog-behaviour.md 0.5): events of one name, or any of the steps of
    an action.

    `names` are those that its events can have, None for any. `first_time`: only the first one that a person
    ever did of all events with these names; `filter` must hold of that one.
    """

    kind: Literal["entity"] = "entity"
    names: tuple[str, ...] | None = None
    first_time: bool = False
    filter: Filter = Field(default_factory=AllOf)


for model in (Performed, Not, AllOf, AnyOf, Entity):
    model.model_rebuild()

EVERYTHING = AllOf()


class Parts(NamedTuple):
    """One filter as two that must both hold."""

    of_event: Filter
    of_person: Filter


def both(*filters: Filter) -> Filter:
    """All of the filters as one."""
    parts: list[Filter] = []
    for each in filters:
        parts += each.filters if isinstance(each, AllOf) else [each]
    return parts[0] if len(parts) == 1 else AllOf(filters=tuple(parts))


def either(*filters: Filter) -> Filter:
    """At least one of the filters as one."""
    return filters[0] if len(filters) == 1 else AnyOf(filters=filters)


def contrary(asked: Filter) -> Filter:
    """Holds when the filter does not."""
    return asked.filter if isinstance(asked, Not) else Not(filter=asked)


def is_about_person(asked: Filter) -> bool:
    """Whether it is the person's properties, cohorts or deeds alone that decide."""
    if isinstance(asked, Not):
        return is_about_person(asked.filter)
    if isinstance(asked, AllOf | AnyOf):
        return bool(asked.filters) and all(map(is_about_person, asked.filters))
    return isinstance(
        asked, PersonProperty | PersonIs | PersonIsIdentified | Owns | InStaticCohort | Performed
    )


def parts(asked: Filter) -> Parts:
    """What of a filter concerns the person alone, and the rest.

    Whether an event belongs to somebody for whom the first part holds is the same for all events of a
    person, so a question about persons can ask once per person.
    """
    conditions = asked.filters if isinstance(asked, AllOf) else (asked,)
    return Parts(
        of_event=both(*(each for each in conditions if not is_about_person(each))),
        of_person=both(*(each for each in conditions if is_about_person(each))),
    )
