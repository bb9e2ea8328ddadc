"""Which value of a property a person's way through a funnel stands for (posthog-behaviour.md 4.7)."""

from dataclasses import dataclass
from typing import NamedTuple

from clickhouse.query.funnel import EventBreakdown, FunnelQuery
from clickhouse.sql.conditions import all_of, any_of
from clickhouse.sql.filters import ORDER_OF_EVENTS, is_of_entity
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.properties import property_text

VARIANT = Fragment("variant")


class AtStep(NamedTuple):
    """A condition that the events of a step, counted from 0, must also satisfy."""

    number: int
    condition: Fragment


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What it adds to the statement that groups events by person.

    `columns` are selected with the groups, `groups` added to them. `of_event` are conditions on events,
    `of_group` on groups. `source` follows FROM.
    """

    columns: tuple[Fragment, ...] = ()
    groups: tuple[Fragment, ...] = ()
    of_event: tuple[Fragment, ...] = ()
    of_group: tuple[Fragment, ...] = ()
    source: tuple[Fragment, ...] = ()
    at_step: AtStep | None = None


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
            return _at_step(query, asked, value)
    return _touched(query, asked, value)


def _all_events(asked: EventBreakdown, value: Fragment) -> Breakdown:
    """One funnel for each value, of the events that have it."""
    of_event = () if asked.values is None else (_is_asked(value, asked),)
    return Breakdown(columns=(sql("{value} AS variant", value=value),), groups=(VARIANT,), of_event=of_event)


def _at_step(query: FunnelQuery, asked: EventBreakdown, value: Fragment) -> Breakdown:
    """One funnel for each value asked for, in which that step takes only the events that have it."""
    assert asked.step is not None
    # Each value once: an event must not come twice into one group.
    values = sorted(set(asked.values or ()))
    one = len(values) == 1
    variant = sql("{value:String}", value=values[0]) if one else VARIANT
    has_value = sql("{value} = {variant}", value=value, variant=variant)
    is_candidate = sql(
        "(countIf({step} AND {has_value}) > 0 OR ({variant} = '' AND countIf({step}) = 0))",
        step=is_of_entity(query.project_id, query.steps[asked.step]),
        has_value=has_value,
        variant=variant,
    )
    return Breakdown(
        columns=() if one else (VARIANT,),
        groups=() if one else (VARIANT,),
        of_group=(is_candidate,),
        source=() if one else (sql("ARRAY JOIN {values:Array(String)} AS variant", values=values),),
        at_step=AtStep(asked.step, has_value),
    )


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
