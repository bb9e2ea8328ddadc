"""Conditions on events."""

from collections.abc import Iterable

from clickhouse.query.dates import DateRange
from clickhouse.query.entities import Entity
from clickhouse.sql.fragment import Fragment, joined, sql


def in_range(project_id: int, date_range: DateRange) -> Fragment:
    """The project's events of the range, both ends included."""
    return sql(
        """
team_id = {project:Int64}
  AND timestamp >= {date_from:DateTime64(6, 'UTC')}
  AND timestamp <= {date_to:DateTime64(6, 'UTC')}
""".strip(),
        project=project_id,
        date_from=date_range.date_from,
        date_to=date_range.date_to,
    )


def matches(entity: Entity) -> Fragment:
    """Whether the event is one of the entity's."""
    if entity.event is None:
        return Fragment("true")
    return sql("event = {event:String}", event=entity.event)


def matches_any(entities: Iterable[Entity]) -> Fragment:
    """Whether the event is one of any entity's. Names come as one list, which the sort key can use."""
    names = {entity.event for entity in entities}
    if None in names:
        return Fragment("true")
    return sql("event IN {events:Array(String)}", events=sorted(name for name in names if name is not None))


def all_of(*conditions: Fragment) -> Fragment:
    """The conditions, one per line, joined with AND."""
    return joined("\n  AND ", conditions)
