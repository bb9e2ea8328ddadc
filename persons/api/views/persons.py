from datetime import UTC, datetime
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from clickhouse.persons import cohorts_of_person, page_statement
from persons.api.actors import person_fields, with_distinct_ids
from persons.api.answers import persons as answers
from persons.api.csv.answer import found_csv, persons_csv
from persons.api.listing import by_filter, by_ids, list_answer, persons_by_ids
from persons.api.parameters.door import Parameters
from persons.api.parameters.filters import cohort_filter
from persons.api.parameters.leaves import Context
from persons.api.parameters.persons import ListParameters, PersonCohortsParameters, list_query
from persons.api.persons import by_id, person_of
from persons.api.stores import clickhouse
from persons.api.views.changing import ChangingView
from persons.api.views.deleting import DeletingView
from persons.models import Cohort, Person
from persons.models.naming import known_ids_first
from persons.openapi.operation import describe


class PersonsView(ChangingView, DeletingView):
    """``/api/projects/:project_id/persons/``"""

    scope_object = "person"

    @describe(ListParameters, answers.PersonPage)
    def list(self, request: Request, **kwargs: Any) -> HttpResponseBase:
        """Persons, newest first.

        All conditions must hold. With `search`, `properties` or `cohort` ClickHouse answers: a moment later
        than PostgreSQL, which answers the others.
        """
        asked = self.parameters(ListParameters, request)
        if asked.by_ids_alone:
            if asked.format == "csv":
                return persons_csv("persons", self.project, persons_by_ids(self.project, asked), asked)
            found = by_ids(self.project, asked)
        else:
            query = list_query(Context(self.project, datetime.now(UTC)), asked)
            if asked.format == "csv":
                return found_csv("persons", self.project, page_statement(query), limit=query.limit)
            found = by_filter(self.project, query, include_total=asked.include_total)
        return Response(list_answer(request, self.project, found, asked))

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
            {"results": [{"id": each.pk, "name": each.name, "count": None} for each in own_cohorts]}
        )

    @describe(answer=answers.Person)
    def retrieve(self, request: Request, person_id: str, **kwargs: Any) -> Response:
        """One person.

        With all distinct ids: those that somebody chose before those that an SDK made up.
        """
        self.parameters(Parameters, request)
        persons = with_distinct_ids(Person.objects.filter(project=self.project), limit=None)
        person = persons.filter(**by_id(person_id, "id")).first()
        if person is None:
            raise NotFound
        fields = person_fields(self.project, person)
        return Response({**fields, "distinct_ids": known_ids_first(fields["distinct_ids"])})
