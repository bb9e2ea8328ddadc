"""What the site asks of ClickHouse: the only module of it that does. While ClickHouse is away, pages do
without."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias, TypeVar
from uuid import UUID

import structlog
from django.conf import settings

from clickhouse import distinct_ids, persons, recent
from clickhouse.client import ClickHouse, Limits, connect
from clickhouse.errors import ClickHouseError
from clickhouse.query.persons import PersonsQuery
from clickhouse.query.search import search_filter
from persons.observability.faults import name_of
from persons.writing.holds import KnownId

Copy: TypeAlias = distinct_ids.Copy
Events: TypeAlias = distinct_ids.Events
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
    return _ask(lambda store: persons.persons_page(store, query)[:most])


def latest_events(
    project_id: int, names: Sequence[str], generations: Sequence[int], most: int
) -> list[recent.Event] | None:
    """The latest events of a person, given by its distinct ids. None while ClickHouse is away."""
    return _ask(lambda store: recent.latest_events(store, project_id, names, generations, most=most))


def _ask(question: Callable[[ClickHouse], _Answer]) -> _Answer | None:
    limits = Limits(settings.QUERY_TIMEOUT_SECONDS, settings.QUERY_MAX_MEMORY)
    try:
        return question(connect(settings.CLICKHOUSE_URL, limits, settings.CLICKHOUSE_CLUSTER))
    except ClickHouseError as error:
        _log.warning("admin.without_clickhouse", reason=name_of(error))
        return None
