"""What the questions of analytics share: one is asked, and persons come, as a page or as a file."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from clickhouse.client import ClickHouse
from clickhouse.events import earliest_event
from clickhouse.query.dates import DateRange
from clickhouse.recordings import RecordedEvent
from clickhouse.sql.fragment import Fragment
from persons.api.envelope import Page, envelope
from persons.api.files.answer import actors_file
from persons.api.parameters.leaves import Context
from persons.api.views.base import ProjectViewSet
from persons.stores import clickhouse

Recorded = Mapping[UUID, Sequence[RecordedEvent]]


class Paged(Protocol):
    """A query of which a page is wanted."""

    @property
    def limit(self) -> int: ...

    @property
    def offset(self) -> int: ...


Query = TypeVar("Query", bound=Paged)


@dataclass(frozen=True, kw_only=True)
class Analysis(Generic[Query]):
    """One kind of question.

    `query` makes it of the parameters, or raises a 400. `persons` are those of the page in their order, and
    one more when there is a next page; `with_values` they come with their values at the data point.
    `statement` finds the same. `recorded`: the sessions of the persons of a page. `offset` is the name of
    the parameter that says where a page begins.
    """

    name: str
    query: Callable[[Any, Context, Callable[[], datetime | None]], Query]
    statement: Callable[[Query], Fragment]
    persons: Callable[[ClickHouse, Query], Sequence[UUID] | Mapping[UUID, float | None]]
    count: Callable[[ClickHouse, Query], int]
    recorded: Callable[[ClickHouse, Query, Sequence[UUID]], Recorded]
    date_range: Callable[[Query], DateRange]
    with_values: bool = False
    offset: str = "offset"


class AnalyticsView(ProjectViewSet):
    """Views whose answers are persons found in ClickHouse."""

    scope_object = "person"
    read_only_post = True

    @classmethod
    def needs_query_slot(cls, action: str, sent: Set[str]) -> bool:
        return True

    def answer(self, request: Request, asked: Any, analysis: Analysis[Query]) -> HttpResponseBase:
        """A page of persons, or a file of all, as was asked for. Raises a 400."""
        store, now = clickhouse(), datetime.now(UTC)
        context = Context(self.project, now)
        query = analysis.query(asked, context, lambda: earliest_event(store, self.project.pk))
        if asked.format != "json":
            return actors_file(
                asked.format,
                analysis.name,
                self.project,
                analysis.statement(query),
                limit=query.limit,
                with_values=analysis.with_values,
            )
        found = analysis.persons(store, query)
        uuids = list(found)
        shown = uuids[: query.limit]
        return Response(
            envelope(
                request,
                self.project,
                uuids,
                page=Page(query.limit, query.offset, parameter=analysis.offset),
                date_range=analysis.date_range(query),
                now=now,
                values=found if isinstance(found, Mapping) else None,
                total=analysis.count(store, query) if asked.include_total else None,
                recorded=analysis.recorded(store, query, shown) if asked.include_recordings else None,
            )
        )
