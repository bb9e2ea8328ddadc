from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from clickhouse.persons import count_persons, page_statement
from clickhouse.query.filters import Filter
from persons.api.answers import stored as answers
from persons.api.answers.persons import PersonPage
from persons.api.cohorts import (
    Stored,
    add_persons,
    change_cohort,
    cohort_fields,
    create_cohort,
    delete_cohort,
    remove_person,
)
from persons.api.files.answer import found_file
from persons.api.listing import by_filter, list_answer
from persons.api.paging import counted_page
from persons.api.parameters.cohorts import (
    SMALLEST_COHORT,
    CohortChanges,
    NewCohort,
    PersonsToAdd,
    PersonToRemove,
)
from persons.api.parameters.door import Paging, Parameters
from persons.api.parameters.filters import cohort_filter
from persons.api.parameters.leaves import Context
from persons.api.parameters.persons import (
    PersonsParameters,
    made_for,
    persons_query,
    place_asked_for,
)
from persons.api.parsers import JSONParser, UploadParser
from persons.api.permissions import user_of
from persons.api.views.base import ProjectViewSet
from persons.models import Cohort
from persons.openapi.operation import describe
from persons.stores import clickhouse


class CohortsView(ProjectViewSet):
    """``/api/projects/:project_id/cohorts/``"""

    scope_object = "cohort"
    postgres_only = frozenset({"list"})
    queries = {"retrieve", "persons"}
    parser_classes = (JSONParser, UploadParser)

    @describe(Paging, answers.CohortPage)
    def list(self, request: Request, **kwargs: Any) -> Response:
        """Cohorts, newest first."""
        page = self.parameters(Paging, request)
        return Response(counted_page(request, page, self._cohorts().order_by("-pk"), cohort_fields))

    @describe(NewCohort, answers.Cohort, status=201, example=SMALLEST_COHORT)
    def create(self, request: Request, **kwargs: Any) -> Response:
        """Make a cohort.

        A dynamic one of those of whom filters hold, or a static one of those who are put into it. As
        `multipart/form-data` it may have a file, `csv`, that names them.
        """
        asked = self.parameters(NewCohort, request)
        return Response(_fields(create_cohort(self.project, user_of(request), asked)), status=201)

    @describe(answer=answers.Cohort)
    def retrieve(self, request: Request, cohort_id: int, **kwargs: Any) -> Response:
        """One cohort, and how many are in it now."""
        self.parameters(Parameters, request)
        cohort = self._cohort(cohort_id)
        count = count_persons(clickhouse(), self.project.pk, self._persons_in(cohort))
        return Response(cohort_fields(cohort, count=count))

    @describe(PersonsParameters, PersonPage)
    def persons(self, request: Request, cohort_id: int, **kwargs: Any) -> HttpResponseBase:
        """Who is in a cohort now."""
        asked = self.parameters(PersonsParameters, request)
        this_list = made_for(asked)
        place = place_asked_for(asked, this_list)
        inside = self._persons_in(self._cohort(cohort_id))
        query = persons_query(Context(self.project, datetime.now(UTC)), asked, inside, place)
        if asked.format != "json":
            name, statement = f"cohort-{cohort_id}", page_statement(query)
            return found_file(
                asked.format, name, self.project, statement, limit=query.limit, fields=asked.fields
            )
        found = by_filter(self.project, query, include_total=asked.include_total)
        return Response(list_answer(request, found, asked, this_list))

    @describe(NewCohort, answers.Cohort, example=SMALLEST_COHORT)
    def update(self, request: Request, cohort_id: int, **kwargs: Any) -> Response:
        """Replace a cohort.

        Whom it names is added to a static one.
        """
        return self._changed(cohort_id, self.parameters(NewCohort, request))

    @describe(CohortChanges, answers.Cohort)
    def partial_update(self, request: Request, cohort_id: int, **kwargs: Any) -> Response:
        """Change what is named of a cohort.

        Whom it names is added to a static one.
        """
        return self._changed(cohort_id, self.parameters(CohortChanges, request))

    @describe()
    def destroy(self, request: Request, cohort_id: int, **kwargs: Any) -> Response:
        """Delete a cohort.

        One that something else uses cannot be deleted.
        """
        delete_cohort(self._cohort(cohort_id))
        return Response(status=204)

    @describe(PersonsToAdd, answers.PersonsAdded)
    def add_persons(self, request: Request, cohort_id: int, **kwargs: Any) -> Response:
        """Put persons into a static cohort."""
        asked = self.parameters(PersonsToAdd, request)
        not_found = add_persons(self._cohort(cohort_id), asked.person_ids)
        return Response({"success": True, **not_found.fields()})

    @describe(PersonToRemove, answers.Success)
    def remove_person(self, request: Request, cohort_id: int, **kwargs: Any) -> Response:
        """Take a person out of a static cohort."""
        asked = self.parameters(PersonToRemove, request)
        remove_person(self._cohort(cohort_id), asked.person_id)
        return Response({"success": True})

    def _changed(self, cohort_id: int, asked: CohortChanges) -> Response:
        cohort = self._cohort(cohort_id)
        if asked.deleted:
            return Response(cohort_fields(delete_cohort(cohort), deleted=True))
        return Response(_fields(change_cohort(cohort, asked)))

    def _persons_in(self, cohort: Cohort) -> Filter:
        return cohort_filter(Context(self.project, datetime.now(UTC)), cohort, "id")

    def _cohorts(self) -> QuerySet[Cohort]:
        return Cohort.objects.select_related("created_by", "project").filter(project=self.project)

    def _cohort(self, cohort_id: int) -> Cohort:
        cohort = self._cohorts().filter(pk=cohort_id).first()
        if cohort is None:
            raise NotFound
        return cohort


def _fields(stored: Stored) -> dict[str, Any]:
    not_found = stored.not_found.fields() if stored.not_found else {}
    return {**cohort_fields(stored.cohort), **not_found}
