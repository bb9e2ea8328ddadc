"""The breakdown value that stands for a person in a funnel (docs/semantics/funnels.md, "Breakdowns")."""

from dataclasses import dataclass

from clickhouse.query.funnel import EventBreakdown, FunnelQuery
from clickhouse.sql.conditions import all_of, any_of
from clickhouse.sql.filters import ORDER_OF_EVENTS, is_of_entity
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.properties import property_text

VARIANT = Fragment("variant")


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What it adds to the statement that groups events by person.

    `columns` are selected with the groups, `groups` added to them. `of_event` are conditions on events,
    `of_group` on groups. `has_value` says of an event that its value is asked for at the attribution step.
    """

    columns: tuple[Fragment, ...] = ()
    groups: tuple[Fragment, ...] = ()
    of_event: tuple[Fragment, ...] = ()
    of_group: tuple[Fragment, ...] = ()
    has_value: Fragment | None = None


NO_BREAKDOWN = Breakdown()


def breakdown_of(query: FunnelQuery) -> Breakdown:
    """The parts that the query's breakdown adds; none when any value will do."""
    asked = query.breakdown
    if asked is None:
        return NO_BREAKDOWN
    value = sql("ifNull({text}, '')", text=property_text("events", asked.key))
    match asked.attribution:
        case "all_events":
            return _all_events(asked, value)
        case _ if asked.values is None:
            return NO_BREAKDOWN
        case "step":
            return Breakdown(has_value=_is_asked(value, asked))
    return _touched(query, asked, value)


def _all_events(asked: EventBreakdown, value: Fragment) -> Breakdown:
    """One funnel for each value, of the events that have it."""
    of_event = () if asked.values is None else (_is_asked(value, asked),)
    return Breakdown(columns=(sql("{value} AS variant", value=value),), groups=(VARIANT,), of_event=of_event)


def _touched(query: FunnelQuery, asked: EventBreakdown, value: Fragment) -> Breakdown:
    """One funnel, and the value of the first or last of its events that has one."""
    has_value = sql("{value} != ''", value=value)
    if query.order == "strict" or query.exclusions:
        of_funnel = any_of(is_of_entity(query.project_id, step) for step in query.steps)
        has_value = all_of([has_value, of_funnel])
    touched = sql(
        "{function}({is_asked}, {order_of_events}, {has_value})",
        function=Fragment("argMinIf" if asked.attribution == "first_touch" else "argMaxIf"),
        is_asked=_is_asked(value, asked),
        order_of_events=ORDER_OF_EVENTS,
        has_value=has_value,
    )
    if "" in (asked.values or ()):
        touched = any_of([touched, sql("countIf({has_value}) = 0", has_value=has_value)])
    return Breakdown(of_group=(touched,))


def _is_asked(value: Fragment, asked: EventBreakdown) -> Fragment:
    return sql("{value} IN {values:Array(String)}", value=value, values=list(asked.values or ()))
