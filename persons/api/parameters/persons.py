from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from clickhouse.query.conditions import Equals
from clickhouse.query.dates import DateError, parse_moment
from clickhouse.query.filters import EVERYTHING, Filter, Owns, PersonProperty, both
from clickhouse.query.persons import PersonsQuery
from clickhouse.query.search import search_filter
from persons.api.cursors import Place, list_of, place_in
from persons.api.parameters.door import (
    Flag,
    IncludeTotal,
    PagingOrFile,
    Parameters,
    Text,
    Whole,
)
from persons.api.parameters.filters import Search, filter_of, in_cohort
from persons.api.parameters.leaves import Context
from persons.api.parameters.person_fields import Fields
from persons.api.parameters.properties import PropertiesParameter
from persons.errors import invalid
from persons.models import Project
from persons.openapi.fields import Named, told

_MOMENT = (
    "ISO 8601, without an offset in the project's time zone, a date being its midnight; or relative: `-1d`."
)


class PersonsParameters(PagingOrFile):
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
    cursor: Annotated[
        Text,
        told(
            "Where the page begins: a `next_cursor`, sent with the parameters it was made for. Unlike an "
            "offset it skips nobody when others come or go, and the last page is as quick as the first.",
            "WzE3MDkyODcyMDAwMDAwMDAsMTIsIjNhYmNkNjQyNzBkM2Q1ZTZiOCJd",
        ),
    ] = None
    fields: Fields = None

    @property
    def goes_by_cursor(self) -> bool:
        """Whether `next` has a cursor: else an offset, as PostHog has."""
        return self.cursor is not None


class Order(NamedTuple):
    """What a list is ordered by, and of equals by the key, in the same direction."""

    field: str
    descending: bool


class ListParameters(PersonsParameters):
    """``GET persons/``."""

    cohort: Annotated[Annotated[Whole, Field(ge=1)] | None, told("Those in this cohort, by its id.", 12)] = (
        None
    )
    updated_after: Annotated[
        Text,
        told(
            f"Those of whom anything has changed since: at this moment or later, by `updated_at`. {_MOMENT}",
            "2024-03-01T10:00:00Z",
            "-1d",
        ),
    ] = None
    updated_before: Annotated[
        Text, told("Those of whom nothing has changed since: `updated_at` is before that.", "-1h")
    ] = None
    last_seen_after: Annotated[
        Text, told("Those who were seen at this moment or later, by `last_seen_at`.", "-7d")
    ] = None
    order_by: Annotated[
        Annotated[
            Literal["created_at", "-created_at", "updated_at", "-updated_at", "last_seen_at", "-last_seen_at"]
            | None,
            Named("PersonOrder"),
        ],
        told(
            "What comes first; with `-` the latest. If absent `-created_at`, or with `include_deleted` "
            "`updated_at`. By `last_seen_at` those who were seen at all.",
            "updated_at",
        ),
    ] = None
    include_deleted: Annotated[
        Flag,
        told(
            "Also those who were deleted, or became part of another person, with `is_deleted`, `deleted_at` "
            "and `merged_into`. In the order of `updated_at`, which is when it happened.",
            True,
        ),
    ] = False

    @property
    def by_ids_alone(self) -> bool:
        """Whether PostgreSQL can answer by its indexes."""
        return self.search is None and self.properties is None and self.cohort is None

    @property
    def asks_clickhouse(self) -> bool:
        return not self.by_ids_alone

    @property
    def order(self) -> Order:
        name = self.order_by or ("updated_at" if self.include_deleted else "-created_at")
        return Order(name.removeprefix("-"), name.startswith("-"))

    @property
    def is_about_changes(self) -> bool:
        """Whether the list is for somebody who asks again later, what has changed since."""
        moments = (self.updated_after, self.updated_before)
        return self.include_deleted or self.order.field == "updated_at" or moments != (None, None)

    @property
    def goes_by_cursor(self) -> bool:
        is_of_ours = self.is_about_changes or self.order_by or self.last_seen_after
        return self.cursor is not None or bool(is_of_ours and "offset" not in self.model_fields_set)


class Times(NamedTuple):
    """The moments that the texts of a list mean."""

    updated_after: datetime | None
    updated_before: datetime | None
    last_seen_after: datetime | None


class PersonCohortsParameters(Parameters):
    """``GET persons/cohorts/``: the person by integer or uuid."""

    person_id: Annotated[
        str, told("The person: its uuid, or its id.", "0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d", min_length=1)
    ]


class DistinctIdsOfParameters(Parameters):
    """``GET persons/:id/distinct_ids/``."""

    limit: Annotated[Whole, told("How many a page has at most.", 10, ge=1, le=10_000)] = 1_000
    cursor: Annotated[
        Text, told("Where the page begins: a `next_cursor`.", "WzAsMCwiZWNhN2U1NDk1YzkwMzhlZWYwIl0")
    ] = None


# What does not say who is in a list.
_OF_PAGES = ("cursor", "limit", "offset", "fields", "format", "include_total")


def made_for(asked: PersonsParameters) -> str:
    """The list that the cursors of an answer are for."""
    return list_of("persons", asked, _OF_PAGES)


def place_asked_for(asked: PersonsParameters | DistinctIdsOfParameters, made_for: str) -> Place | None:
    """Where the page begins. Raises a 400."""
    if asked.cursor is None:
        return None
    if "offset" in asked.model_fields_set:
        raise invalid("offset", "A page begins at a cursor or at an offset. Leave one of them out.")
    return place_in(asked.cursor, made_for)


def check_list(asked: ListParameters) -> None:
    """Raises a 400 for what does not go together."""
    order_by = {"order_by": asked.order_by} if asked.order_by != "-created_at" else {}
    changes = ("updated_after", "updated_before", "last_seen_after", "include_deleted")
    ours = {**order_by, **{name: getattr(asked, name) for name in changes}}
    if not asked.by_ids_alone and (attr := next((name for name, value in ours.items() if value), None)):
        raise invalid(
            attr,
            "ClickHouse finds persons by search, properties and cohort, and does not know when they changed. "
            "Leave those out, or this.",
        )
    if not asked.include_deleted:
        return
    if asked.order.field != "updated_at":
        raise invalid("order_by", "With include_deleted it must be updated_at or -updated_at.")
    for name in ("distinct_id", "email", "last_seen_after"):
        if getattr(asked, name) is not None:
            raise invalid("include_deleted", f"Of who is no more nothing is kept that {name} could be about.")
    if asked.offset:
        raise invalid("offset", "With include_deleted pages go by `next` or by cursor.")


def times_of(asked: ListParameters, project: Project, now: datetime) -> Times:
    """What the moments mean. Raises a 400."""

    def moment(name: str) -> datetime | None:
        text = getattr(asked, name)
        if text is None:
            return None
        try:
            return parse_moment(text, parameter=name, timezone=project.timezone, now=now).at
        except DateError as error:
            raise invalid(name, str(error)) from error

    return Times(*(moment(name) for name in Times._fields))


def persons_query(
    context: Context, asked: PersonsParameters, among: Filter = EVERYTHING, after: Place | None = None
) -> PersonsQuery:
    """The question that the parameters ask, of the persons of whom `among` holds. Raises a 400."""
    inside = filter_of(replace(context, of_persons=True), asked.properties, "properties")
    filters = [among, inside, search_filter(asked.search)]
    if asked.distinct_id is not None:
        filters.append(Owns(condition=Equals(texts=(asked.distinct_id,))))
    if asked.email is not None:
        filters.append(PersonProperty(key="email", condition=Equals(texts=(asked.email,))))
    return PersonsQuery(
        project_id=context.project.pk,
        filter=both(*filters),
        limit=asked.most,
        offset=asked.offset,
        after=after,
    )


def list_query(context: Context, asked: ListParameters, after: Place | None) -> PersonsQuery:
    """The question of ``GET persons/``. Raises a 400."""
    cohort = EVERYTHING if asked.cohort is None else in_cohort(context, asked.cohort, "cohort")
    return persons_query(context, asked, cohort, after)
