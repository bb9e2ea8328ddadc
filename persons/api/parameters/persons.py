from dataclasses import replace
from typing import Annotated

from pydantic import Field

from clickhouse.query.conditions import Equals
from clickhouse.query.filters import EVERYTHING, Filter, Owns, PersonProperty, both
from clickhouse.query.persons import PersonsQuery
from clickhouse.query.search import search_filter
from persons.api.parameters.door import IncludeTotal, PagingOrCsv, Parameters, Text, Whole
from persons.api.parameters.filters import Search, filter_of, in_cohort
from persons.api.parameters.leaves import Context
from persons.api.parameters.properties import PropertiesParameter
from persons.openapi.fields import told


class PersonsParameters(PagingOrCsv):
    """A page of persons: those in a cohort, say, or all of a project. All conditions must hold."""

    distinct_id: Annotated[Text, told("Whoever has exactly this distinct id.", "user-1")] = None
    email: Annotated[Text, told("Those with exactly this email.", "user-1@example.com")] = None
    search: Search = None
    properties: Annotated[
        PropertiesParameter,
        told(
            "What must hold of the persons; filters without a type are about persons here.",
            [{"type": "person", "key": "plan", "operator": "is_not", "value": "free"}],
        ),
    ] = None
    include_total: IncludeTotal = False


class ListParameters(PersonsParameters):
    """``GET persons/``."""

    cohort: Annotated[Annotated[Whole, Field(ge=1)] | None, told("Those in this cohort, by its id.", 12)] = (
        None
    )

    @property
    def by_ids_alone(self) -> bool:
        """Whether PostgreSQL can answer by its indexes."""
        return self.search is None and self.properties is None and self.cohort is None


class PersonCohortsParameters(Parameters):
    """``GET persons/cohorts/``: the person by integer or uuid."""

    person_id: Annotated[
        str, told("The person: its uuid, or its id.", "0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d", min_length=1)
    ]


def persons_query(context: Context, asked: PersonsParameters, among: Filter = EVERYTHING) -> PersonsQuery:
    """The question that the parameters ask, of the persons of whom `among` holds. Raises a 400."""
    inside = filter_of(replace(context, of_persons=True), asked.properties, "properties")
    filters = [among, inside, search_filter(asked.search)]
    if asked.distinct_id is not None:
        filters.append(Owns(condition=Equals(texts=(asked.distinct_id,))))
    if asked.email is not None:
        filters.append(PersonProperty(key="email", condition=Equals(texts=(asked.email,))))
    return PersonsQuery(
        project_id=context.project.pk, filter=both(*filters), limit=asked.most, offset=asked.offset
    )


def list_query(context: Context, asked: ListParameters) -> PersonsQuery:
    """The question of ``GET persons/``. Raises a 400."""
    cohort = EVERYTHING if asked.cohort is None else in_cohort(context, asked.cohort, "cohort")
    return persons_query(context, asked, among=cohort)
