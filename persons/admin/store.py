"""What the site asks of ClickHouse: the only module of it that does. While ClickHouse is away, pages do
without."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeAlias, TypeVar
from uuid import UUID

import structlog

from clickhouse import distinct_ids, event_list, persons
from clickhouse.client import ClickHouse
from clickhouse.errors import ClickHouseError
from clickhouse.portions import MOST_IDS, all_at_once
from clickhouse.query.events import EventsQuery
from clickhouse.query.filters import PersonIs
from clickhouse.query.persons import PersonsQuery
from clickhouse.query.search import search_filter
from persons.observability.faults import name_of
from persons.stores import clickhouse
from persons.writing.holds import KnownId

__all__ = ["MOST_IDS", "Copy", "Events", "Told", "latest_events", "persons_found", "told", "version"]
Copy: TypeAlias = distinct_ids.Copy
Events: TypeAlias = distinct_ids.Events
# Capture takes no event for one that happens more than 23 hours from now.
_AHEAD = timedelta(days=1)
_log = structlog.get_logger(__name__)
_Answer = TypeVar("_Answer")


class Told(NamedTuple):
    """What ClickHouse has been told of distinct ids, and the events it has of each since its deletion."""

    copies: dict[str, Copy]
    events: dict[str, Events]


def version() -> str | None:
    """The version of ClickHouse. None while it is away."""
    return _ask(ClickHouse.ping)


def told(project_id: int, ids: Sequence[KnownId]) -> Told | None:
    """None while ClickHouse is away."""
    seen = [each for each in ids if each.version is not None]
    names, generations = [each.distinct_id for each in seen], [each.generation for each in seen]
    return _ask(
        lambda store: Told(
            distinct_ids.copies(store, project_id, names),
            distinct_ids.events(store, project_id, names, generations),
        )
    )


def persons_found(project_id: int, text: str, most: int) -> list[UUID] | None:
    """Persons whose email, name or distinct id contains a text. None while ClickHouse is away."""
    query = PersonsQuery(project_id=project_id, filter=search_filter(text), limit=most)
    return _ask(lambda store: [each.uuid for each in persons.persons_page(store, query)[:most]])


def latest_events(
    project_id: int, person: UUID, names: Sequence[str], generations: Sequence[int], most: int
) -> list[event_list.Event] | None:
    """The latest events of a person with these distinct ids. None while ClickHouse is away."""
    ids = all_at_once(names, generations)
    query = EventsQuery(
        project_id=project_id,
        before=datetime.now(UTC) + _AHEAD,
        filter=PersonIs(uuid=person),
        distinct_ids=None if ids is None else tuple(ids.distinct_ids),
        generations=() if ids is None else tuple(ids.generations),
        limit=most,
    )
    return _ask(lambda store: event_list.events_page(store, query).events)


def _ask(question: Callable[[ClickHouse], _Answer]) -> _Answer | None:
    try:
        return question(clickhouse())
    except ClickHouseError as error:
        _log.warning("admin.without_clickhouse", reason=name_of(error))
        return None
