from collections.abc import Set
from datetime import UTC, datetime
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response

from clickhouse.errors import QueryTimeout, QueryTooLarge
from clickhouse.persons import cohorts_of_person, count_persons, page_statement
from clickhouse.query.filters import Filter
from persons.api.answers import persons as answers
from persons.api.files.answer import found_file, rows_file
from persons.api.listing import all_of, by_filter, list_answer, listing, page_of
from persons.api.parameters.door import Parameters
from persons.api.parameters.filters import cohort_filter
from persons.api.parameters.leaves import Context
from persons.api.parameters.persons import (
    DistinctIdsOfParameters,
    ListParameters,
    PersonCohortsParameters,
    check_list,
    list_query,
    made_for,
    place_asked_for,
    times_of,
)
from persons.api.persons import distinct_ids_page, person_of, whole_person
from persons.api.views.changing import ChangingView
from persons.api.views.deleting import DeletingView
from persons.models import Cohort
from persons.openapi.operation import describe
from persons.stores import clickhouse

_HOW_PERSONS_ARE_MADE = (
    "Persons are made by events, not by this endpoint. Send an `$identify` event, or any event with `$set`, "
    "to /batch/ with the project's token; the first event of a distinct_id makes its person."
)
_QUERY_PARAMETERS = {
    "search",
    "properties",
    "cohort",
    "filter_test_accounts",
    "format",
    "include_total",
    "body",
}


class PersonsView(ChangingView, DeletingView):
    """``/api/projects/:project_id/persons/``"""

    scope_object = "person"
    postgres_only = frozenset({"retrieve", "distinct_ids", "deletion_status"})
    queries = {"cohorts"}

    @classmethod
    def needs_query_slot(cls, action: str, sent: Set[str]) -> bool:
        """PostgreSQL's indexes answer a list by ids and times alone, unless it is a file or counted."""
        return action in cls.queries or (action == "list" and bool(sent & _QUERY_PARAMETERS))

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Explain how persons are made to a client that tries to post one to the list."""
        if request.method == "POST" and "list" in self.action_map.values():
            raise MethodNotAllowed("POST", detail=_HOW_PERSONS_ARE_MADE)
        answer: Response = super().http_method_not_allowed(request, *args, **kwargs)
        return answer

    @describe(ListParameters, answers.PersonPage)
    def list(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Persons, newest first.

        All conditions must hold. With `search`, `properties` or `cohort` ClickHouse answers: a moment later
        than PostgreSQL, which answers the others. To keep a copy of all persons, ask with `include_deleted`
        and, as `updated_after`, the latest `updated_at` or `complete_until` that you have.
        """
        asked = self.parameters(ListParameters, request)
        check_list(asked)
        this_list = made_for(asked)
        place, now = place_asked_for(asked, this_list), datetime.now(UTC)
        if asked.by_ids_alone:
            wanted = listing(self.project, asked, times_of(asked, self.project, now), place)
            if asked.format != "json":
                return rows_file(
                    asked.format,
                    "persons",
                    all_of(wanted),
                    fields=asked.fields,
                    with_deleted=asked.include_deleted,
                    complete_until=wanted.until,
                )
            found = page_of(wanted)
        else:
            query = list_query(Context(self.project, now), asked, place)
            if asked.format != "json":
                return found_file(
                    asked.format,
                    "persons",
                    self.project,
                    page_statement(query),
                    limit=query.limit,
                    fields=asked.fields,
                )
            found = by_filter(self.project, query, include_total=asked.include_total)
        return Response(list_answer(request, found, asked, this_list))

    @describe(PersonCohortsParameters, answers.PersonCohorts)
    def cohorts(self, request: Request, **kwargs: Any) -> Response:
        """Which cohorts a person is in."""
        asked = self.parameters(PersonCohortsParameters, request)
        person = person_of(self.project, asked.person_id, "person_id")
        now = datetime.now(UTC)
        cohorts = Cohort.objects.filter(project=self.project).order_by("pk")
        filters = {each.pk: cohort_filter(Context(self.project, now), each, "cohort") for each in cohorts}
        own = cohorts_of_person(clickhouse(), self.project.pk, person.uuid, filters)
        own_cohorts = [cohort for cohort in cohorts if cohort.pk in own]
        return Response(
            {
                "results": [
                    {"id": each.pk, "name": each.name, "count": self._count(filters[each.pk])}
                    for each in own_cohorts
                ]
            }
        )

    def _count(self, cohort: Filter) -> int | None:
        """How many persons are in a cohort, or None when counting would exceed the limits of a query."""
        try:
            return count_persons(clickhouse(), self.project.pk, cohort)
        except (QueryTimeout, QueryTooLarge):
            return None

    @describe(answer=answers.Person)
    def retrieve(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """One person.

        With the oldest of its distinct ids, at most 10,000: those that somebody chose before those that an
        SDK made up.
        """
        self.parameters(Parameters, request)
        return Response(whole_person(self.project, person_id))

    @describe(DistinctIdsOfParameters, answers.DistinctIdsPage, operation_id="persons_distinct_ids_list")
    def distinct_ids(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """All distinct ids of a person, page by page.

        In the order in which they were stored.
        """
        asked = self.parameters(DistinctIdsOfParameters, request)
        person = person_of(self.project, person_id)
        return Response(distinct_ids_page(request, person, asked))
