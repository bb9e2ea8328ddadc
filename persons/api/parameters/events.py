"""``events/``: which events, in which order, and which page of them."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter

from clickhouse.query.conditions import Equals
from clickhouse.query.dates import DateError, parse_moment
from clickhouse.query.events import EventOrder, EventsQuery, Place
from clickhouse.query.filters import Entity, EventColumn, Filter, both
from persons.api.parameters.cursors import place_of
from persons.api.parameters.door import (
    Flag,
    Limit,
    Offset,
    Parameters,
    Text,
    Unsupported,
    Whole,
    json_or_text,
    refuse,
)
from persons.api.parameters.filters import action_entity, filter_of, stored_filter
from persons.api.parameters.leaves import Context
from persons.api.parameters.properties import FILTERS, PropertiesParameter
from persons.api.whose import whose_events
from persons.errors import invalid
from persons.openapi.fields import DescribedAs, told

_PLACE: TypeAdapter[Place] = TypeAdapter(Place)
# PostHog's default for `before`: clocks of clients may be a little ahead.
_AHEAD = timedelta(seconds=5)
_FORMS = "ISO 8601, without an offset in the project's time zone; or relative to now, like `-7d`"


def _one_order(value: Any) -> Any:
    """PostHog takes a list."""
    value = json_or_text(value)
    if value in (None, "", []):
        return "-timestamp"
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _known_order(value: Any) -> Any:
    order = value.lower() if isinstance(value, str) else value
    if order not in ("timestamp", "-timestamp"):
        raise refuse('Must be ["timestamp"] for the oldest first, or ["-timestamp"] for the newest.')
    return order


class EventsParameters(Parameters):
    """``GET events/``. All conditions must hold."""

    after: Annotated[
        Text,
        told(
            f"Events of this time or later: {_FORMS}; or `all`. If absent all there are.",
            "2024-03-01T00:00:00Z",
            "-7d",
            "all",
        ),
    ] = None
    before: Annotated[
        Text,
        told(
            f"Events earlier than this: {_FORMS}. In 5 seconds if absent.",
            "2099-03-31T00:00:00Z",
            "-1h",
        ),
    ] = None
    event: Annotated[Text, told("Events of this name.", "sign up")] = None
    action_id: Annotated[
        Annotated[Whole, Field(ge=1)] | None, told("Events that an action stands for, by its id.", 3)
    ] = None
    distinct_id: Annotated[Text, told("Events that came with this distinct id.", "user-1")] = None
    person_id: Annotated[
        Text,
        told(
            "Events of this person, whichever distinct id they came with: its uuid, or its id.",
            "0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d",
        ),
    ] = None
    properties: Annotated[PropertiesParameter, told("What must hold of the events.", *FILTERS)] = None
    filter_test_accounts: Annotated[Flag, told("Adds the project's `test_account_filters`.", True)] = False
    orderBy: Annotated[
        Any,
        BeforeValidator(_one_order),
        AfterValidator(_known_order),
        DescribedAs(list[str]),
        told('`["timestamp"]`: the oldest first; `["-timestamp"]`: the newest.', ["timestamp"]),
    ] = "-timestamp"
    limit: Limit = 100
    offset: Offset = 0
    cursor: Annotated[
        Text,
        told(
            "Where the page begins. `next` has it.",
            "WyIyMDk5LTAzLTAxVDAwOjAwOjAwWiIsMSwiMDE5MGQzZjEtMWMzZS01YTZiLThjN2QtMmY0ZTZhOGIwYzFkIl0=",
        ),
    ] = None

    unsupported: ClassVar[tuple[Unsupported, ...]] = (Unsupported("select"), Unsupported("where"))

    @property
    def order(self) -> EventOrder:
        """The order as questions call it."""
        return "oldest" if self.orderBy == "timestamp" else "newest"


def events_query(
    asked: EventsParameters, context: Context, earliest_event: Callable[[], datetime | None]
) -> EventsQuery:
    """The question that the parameters ask. Raises a 400."""
    whose = whose_events(context.project, asked.person_id, asked.distinct_id)
    after = _moment(context, asked.after, "after") if asked.after not in (None, "all") else None
    beyond = None if asked.cursor is None else place_of(asked.cursor, _PLACE)
    if after is None and beyond is None and asked.order == "oldest":
        after = earliest_event()
    return EventsQuery(
        project_id=context.project.pk,
        after=after,
        before=context.now + _AHEAD if asked.before is None else _moment(context, asked.before, "before"),
        entity=_entity(context, asked),
        filter=both(whose.filter, *_filters(context, asked)),
        distinct_ids=whose.distinct_ids,
        generations=whose.generations,
        order=asked.order,
        beyond=beyond,
        limit=asked.limit,
        offset=asked.offset,
    )


def _entity(context: Context, asked: EventsParameters) -> Entity:
    if asked.action_id is None:
        return Entity(names=None if asked.event is None else (asked.event,))
    return action_entity(context, asked.action_id, "action_id")


def _filters(context: Context, asked: EventsParameters) -> Iterator[Filter]:
    yield filter_of(context, asked.properties, "properties")
    if asked.filter_test_accounts:
        yield stored_filter(context, context.project.test_account_filters, "filter_test_accounts")
    if asked.event is not None and asked.action_id is not None:
        # Without an action the name is in the entity.
        yield EventColumn(column="event", condition=Equals(texts=(asked.event,)))


def _moment(context: Context, text: str | None, attr: str) -> datetime:
    try:
        return parse_moment(text or "", parameter=attr, timezone=context.project.timezone, now=context.now).at
    except DateError as error:
        raise invalid(attr, str(error)) from error
