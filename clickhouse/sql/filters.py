"""Filters as conditions on rows: of events, and of persons.

A condition on an event that is about its person alone becomes membership in the set of the persons it holds
for: that set is made once, from the persons' current state.
"""

from collections.abc import Callable

from clickhouse.query.filters import (
    EVERYTHING,
    AllOf,
    AnyOf,
    ElementSelected,
    ElementValue,
    Entity,
    EventColumn,
    EventProperty,
    EventTime,
    Filter,
    InStaticCohort,
    Not,
    Owns,
    Performed,
    PersonIs,
    PersonIsIdentified,
    PersonProperty,
    is_about_person,
)
from clickhouse.sql import elements
from clickhouse.sql.conditions import SIGNS, all_of, any_of, holds, known, negation, where, within
from clickhouse.sql.fragment import TRUE, Fragment, sql
from clickhouse.sql.persons import PERSON_OF_EVENT, events_with_merges, from_live_persons
from clickhouse.sql.properties import property_text

# The owners of the distinct ids in the cohort: members follow their ids through merges and splits.
STATIC_COHORT = """
person.id IN
(
    SELECT person_id
    FROM person_distinct_id2 FINAL
    WHERE team_id = {project:Int64}
      AND is_deleted = 0
      AND distinct_id IN
      (
          SELECT distinct_id
          FROM static_cohort_member FINAL
          WHERE team_id = {project:Int64} AND cohort_id = {cohort:Int64} AND is_deleted = 0
      )
)
""".strip()

PERFORMED = """
person.id IN
(
    SELECT {person_of_event} AS actor_id
    FROM {events}
    WHERE team_id = {project:Int64}
      AND timestamp >= {after:DateTime64(6, 'UTC')}
      AND timestamp <= {before:DateTime64(6, 'UTC')}
      AND {event}
    GROUP BY actor_id
    HAVING count() {sign} {times:UInt64}
)
""".strip()

# By time, then by arrival, as one number: argMin of a tuple takes several times as long. Times before 1970
# are negative, which shifting does not survive.
ORDER_OF_EVENTS = Fragment(
    "bitShiftLeft(toUInt128(toUnixTimestamp64Micro(timestamp) + 10000000000000000), 64) + arrival"
)
FIRST_TIME = """
events.uuid IN
(
    SELECT argMin(events.uuid, {order_of_events})
    FROM {events}
    WHERE {conditions}
    GROUP BY {person_of_event}
)
""".strip()

_Render = Callable[[int, Filter], Fragment]
_EVENT_COLUMNS = {
    "event": Fragment("toString(events.event)"),
    "distinct_id": Fragment("events.distinct_id"),
}
_TIMESTAMP = Fragment("events.timestamp")
_OWN_ID = Fragment("distinct_id")
_VALUE = Fragment("value")

OWNS = """
person.id IN
(
    SELECT person_id
    FROM person_distinct_id2 FINAL
    WHERE team_id = {project:Int64}
      AND is_deleted = 0
      AND {condition}
)
""".strip()


def persons_of(project_id: int, asked: Filter, *conditions: Fragment) -> Fragment:
    """The ids of the live persons of whom the filter, which must be about persons alone, holds, and of whose
    rows the conditions do."""
    return sql("SELECT id\n{persons}", persons=from_persons_of(project_id, asked, *conditions))


def from_persons_of(project_id: int, asked: Filter, *conditions: Fragment) -> Fragment:
    """The same persons, for whatever is to be selected of them."""
    filters = asked.filters if isinstance(asked, AllOf) else (asked,)
    return from_live_persons(project_id, *(_on_person(project_id, each) for each in filters), *conditions)


def on_event(project_id: int, asked: Filter) -> Fragment:
    """Whether the filter holds of a row of `events_with_merges`."""
    if is_about_person(asked):
        persons = persons_of(project_id, asked)
        return sql("{person} IN\n(\n    {persons}\n)", person=PERSON_OF_EVENT, persons=persons)
    match asked:
        case AllOf() | AnyOf() | Not():
            return _composed(project_id, asked, on_event)
        case EventProperty():
            return holds(asked.condition, property_text("events", asked.key))
        case EventColumn():
            return holds(asked.condition, _EVENT_COLUMNS[asked.column])
        case EventTime():
            return within(asked.spans, _TIMESTAMP)
    return _on_element(asked)


def _on_person(project_id: int, asked: Filter) -> Fragment:
    match asked:
        case AllOf() | AnyOf() | Not():
            return _composed(project_id, asked, _on_person)
        case PersonProperty():
            return holds(asked.condition, property_text("person", asked.key))
        case PersonIs() | PersonIsIdentified():
            return _on_column(asked)
        case Owns():
            return sql(OWNS, project=project_id, condition=holds(asked.condition, _OWN_ID))
        case InStaticCohort():
            return sql(STATIC_COHORT, project=project_id, cohort=asked.cohort_id)
        case Performed():
            return _performed(project_id, asked)
    raise TypeError(f"{asked.kind} cannot be asked of a person")


def _on_column(asked: PersonIs | PersonIsIdentified) -> Fragment:
    if isinstance(asked, PersonIs):
        return sql("person.id = {uuid:UUID}", uuid=asked.uuid)
    return sql("person.is_identified = {is_identified:UInt8}", is_identified=int(asked.value))


def _on_element(asked: Filter) -> Fragment:
    match asked:
        case ElementSelected():
            return elements.selected_by(asked.selector)
        case ElementValue(of="href"):
            return holds(asked.condition, elements.HREF)
        case ElementValue():
            values = elements.TEXTS if asked.of == "text" else elements.TAG_NAMES
            condition = holds(asked.condition, _VALUE)
            wanted = negation(condition) if asked.contrary else condition
            return sql("arrayExists(value -> {wanted}, {values})", wanted=wanted, values=values)
    raise TypeError(f"{asked.kind} cannot be asked of an event")


def of_entity(project_id: int, entity: Entity) -> Fragment:
    """Whether a row of `events_with_merges` is one of the entity's events."""
    conditions = [_of_name(entity), on_event(project_id, entity.filter)]
    if entity.first_time:
        named = where(sql("team_id = {project:Int64}", project=project_id), _of_name(entity))
        events = events_with_merges(project_id)
        conditions.append(
            sql(
                FIRST_TIME,
                order_of_events=ORDER_OF_EVENTS,
                person_of_event=PERSON_OF_EVENT,
                events=events,
                conditions=named,
            )
        )
    return all_of(each for each in conditions if each != TRUE)


def is_of_entity(project_id: int, entity: Entity) -> Fragment:
    """As `of_entity`, never NULL."""
    condition = of_entity(project_id, entity)
    return condition if entity.filter == EVERYTHING else known(condition)


def _of_name(entity: Entity) -> Fragment:
    if entity.names is None:
        return TRUE
    if len(entity.names) == 1:
        return sql("events.event = {event:String}", event=entity.names[0])
    return sql("events.event IN {events:Array(String)}", events=list(entity.names))


def _composed(project_id: int, asked: AllOf | AnyOf | Not, render: _Render) -> Fragment:
    if isinstance(asked, Not):
        return negation(render(project_id, asked.filter))
    # What concerns the person alone is one set, not one for each condition.
    persons = [each for each in asked.filters if is_about_person(each)]
    others = [each for each in asked.filters if not is_about_person(each)]
    if persons and others:
        others.append(type(asked)(filters=tuple(persons)))
    join = all_of if isinstance(asked, AllOf) else any_of
    return join(render(project_id, each) for each in others or persons)


def _performed(project_id: int, asked: Performed) -> Fragment:
    return sql(
        PERFORMED,
        person_of_event=PERSON_OF_EVENT,
        events=events_with_merges(project_id),
        project=project_id,
        after=asked.after,
        before=asked.before,
        event=of_entity(project_id, asked.event),
        sign=SIGNS[asked.operator],
        times=asked.times,
    )
