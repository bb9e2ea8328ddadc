from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from clickhouse.event_list import event_by_uuid, events_page
from clickhouse.events import earliest_event
from persons.api.answers import events as answers
from persons.api.events import event_fields
from persons.api.paging import page_url
from persons.api.parameters.cursors import cursor_of
from persons.api.parameters.door import Parameters
from persons.api.parameters.events import EventsParameters, events_query
from persons.api.parameters.leaves import Context
from persons.api.views.base import ProjectViewSet
from persons.errors import invalid
from persons.openapi.operation import describe
from persons.stores import clickhouse


class EventsView(ProjectViewSet):
    """``/api/projects/:project_id/events/``"""

    scope_object = "query"
    queries = {"list", "retrieve"}

    @describe(EventsParameters, answers.EventPage)
    def list(self, request: Request, **kwargs: Any) -> Response:
        """Events, newest first.

        All conditions must hold. Following `next` gives each event once, also those of one instant: they are
        in the order of their arrival. Events of deleted persons, and what came with a distinct id on hold,
        are not shown.
        """
        asked = self.parameters(EventsParameters, request)
        store = clickhouse()
        context = Context(self.project, datetime.now(UTC))
        query = events_query(asked, context, lambda: earliest_event(store, self.project.pk))
        found = events_page(store, query)
        following = None
        if found.more:
            beginning = {"offset": 0} if asked.offset else {}
            following = page_url(request, **beginning, cursor=cursor_of(found.events[-1].place))
        return Response({"results": event_fields(self.project, found.events), "next": following})

    @describe(answer=answers.ListedEvent)
    def retrieve(self, request: Request, event_id: str, **kwargs: Any) -> Response:
        """One event."""
        self.parameters(Parameters, request)
        try:
            uuid = UUID(event_id)
        except ValueError as error:
            raise invalid("id", "Must be the uuid of an event.") from error
        event = event_by_uuid(clickhouse(), self.project.pk, uuid)
        if event is None:
            raise NotFound(f"No events exist for event UUID {uuid}")
        (fields,) = event_fields(self.project, [event])
        return Response(fields)
