from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from clickhouse.events import earliest_event
from persons.api.answers import history as answers
from persons.api.changes import changes, difference
from persons.api.files.answer import rows_file
from persons.api.paging import page_url
from persons.api.parameters.cursors import cursor_of
from persons.api.parameters.history import (
    MANY_PERSONS,
    ONE_PERSON,
    TWO_MOMENTS,
    AtTimeParameters,
    AtTimesParameters,
    ChangesParameters,
    DiffParameters,
    check_one_person,
    diff_moments,
    utc_moment,
    wanted,
    window,
)
from persons.api.parameters.leaves import Context
from persons.api.parameters.timeline import TimelineParameters, timeline_query
from persons.api.past_persons import generations_of, many_at, one_at, person_asked_for, person_by_id
from persons.api.timeline import MAX_POINTS, TooManyPoints, timeline
from persons.api.views.base import ProjectViewSet
from persons.errors import invalid
from persons.history import Asked, properties_at
from persons.openapi.operation import describe
from persons.stores import clickhouse


class PropertiesAtTimeView(ProjectViewSet):
    """``/api/projects/:project_id/persons/properties_at_time/``"""

    scope_object = "person"
    queries = {"one", "many"}
    read_only_post = True

    @describe(AtTimeParameters, answers.PastPerson, example=ONE_PERSON)
    def one(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """What properties a person had at a moment.

        Updates count by their timestamps, those of one instant in the order of arrival: the updates of all
        distinct ids that the person has today. Before the first there are no properties, after the last one
        they stay.
        """
        asked = self.parameters(AtTimeParameters, request)
        check_one_person(asked)
        found = one_at(self.project, asked, utc_moment(asked.timestamp))
        if asked.format != "json":
            return rows_file(asked.format, "properties_at_time", nullcontext([found.row(self.project)]))
        return Response(found.fields(self.project))

    @describe(AtTimesParameters, answers.PastPersons, example=MANY_PERSONS)
    def many(self, request: Request, **kwargs: Any) -> Response:
        """What properties many persons had, at one moment or each at its own."""
        asked = self.parameters(AtTimesParameters, request)
        by_name = {each.name: each for each in wanted(asked)}
        found = many_at(self.project, by_name.values(), include_set_once=asked.include_set_once)
        return Response(
            {
                "results": {name: each.fields(self.project) for name, each in found.items()},
                "not_found": [name for name in by_name if name not in found],
            }
        )

    def handle_exception(self, exc: Exception) -> Response:
        """PostHog's clients read `error`."""
        answer = super().handle_exception(exc)
        if isinstance(answer.data, dict) and "detail" in answer.data:
            answer.data["error"] = answer.data["detail"]
        return answer


class HistoryView(ProjectViewSet):
    """What became of a person's properties, and when."""

    scope_object = "person"
    queries = {"changes", "diff", "timeline"}

    @describe(ChangesParameters, answers.PropertyChanges)
    def changes(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """Each change of a person's properties, and which event made it.

        The list is how `properties_at_time` with `include_set_once=true` goes on from moment to moment. What
        changed nothing is not in it.
        """
        asked = self.parameters(ChangesParameters, request)
        wanted_changes = window(asked, self.project, datetime.now(UTC))
        person = person_by_id(self.project, person_id, "id")
        found = changes(clickhouse(), self.project.pk, person.uuid, person.distinct_ids, wanted_changes)
        page = found[: asked.limit]
        more = len(found) > asked.limit
        return Response(
            {
                "results": [change.fields() for change in page],
                "next": page_url(request, cursor=cursor_of(page[-1].place)) if more else None,
            }
        )

    @describe(DiffParameters, answers.PropertiesDifference, example=TWO_MOMENTS)
    def diff(self, request: Request, **kwargs: Any) -> Response:
        """What of a person's properties is different at a later moment."""
        asked = self.parameters(DiffParameters, request)
        check_one_person(asked)
        moments = diff_moments(asked, self.project, datetime.now(UTC))
        person = person_asked_for(self.project, asked)
        question = Asked(person.uuid, person.distinct_ids, moments)
        ((before, after),) = properties_at(
            clickhouse(), self.project.pk, [question], include_set_once=asked.include_set_once
        )
        return Response({"id": person.pk, "uuid": person.uuid, **difference(before, after)})

    @describe(TimelineParameters, answers.PropertiesTimeline)
    def timeline(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """What a person's properties were when it did something.

        There is a point for the first of the events that are asked about, all of the person's if none are
        named, and for each that finds one of the properties changed that filters and breakdowns look at.
        Filters on the person leave no events out.
        """
        asked = self.parameters(TimelineParameters, request)
        person = person_by_id(self.project, person_id, "id")
        store = clickhouse()
        query, keys = timeline_query(
            asked,
            Context(self.project, datetime.now(UTC)),
            lambda: earliest_event(store, self.project.pk),
            person=person.uuid,
            generations=generations_of(person),
        )
        try:
            points = timeline(store, query, keys)
        except TooManyPoints as error:
            raise invalid(
                "date_from",
                f"The properties changed more than {MAX_POINTS} times. Ask for a shorter range of dates.",
            ) from error
        return Response({"points": points, "crucial_property_keys": keys})
