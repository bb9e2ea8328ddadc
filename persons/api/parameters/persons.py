from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BeforeValidator, Field

from clickhouse.query.conditions import Equals
from clickhouse.query.dates import DateError, parse_moment
from clickhouse.query.filters import (
    EVERYTHING,
    Filter,
    Owns,
    PersonIs,
    PersonIsIdentified,
    PersonProperty,
    both,
    either,
    is_about_person,
)
from clickhouse.query.persons import PersonsQuery
from clickhouse.query.search import search_filter
from persons.api.cursors import Place, list_of, place_in
from persons.api.parameters.batches import MAX_BATCH
from persons.api.parameters.door import (
    Flag,
    IncludeTotal,
    PagingOrFile,
    Parameters,
    Text,
    Whole,
    refuse,
)
from persons.api.parameters.filters import Search, filter_of, in_cohort, stored_filter, stored_id
from persons.api.parameters.leaves import Context
from persons.api.parameters.person_fields import Fields
from persons.api.parameters.properties import PropertiesParameter
from persons.errors import invalid, not_supported
from persons.models import Person, Project
from persons.openapi.fields import DescribedAs, Named, told

_MOMENT = (
    "ISO 8601, without an offset in the project's time zone, a date being its midnight; or relative: `-1d`."
)


def _separated(value: Any) -> list[str]:
    """The members of a text with commas in it, or of a list."""
    members = value if isinstance(value, list) else str(value).split(",")
    texts = [str(each).strip() for each in members]
    if len(texts) > MAX_BATCH:
        raise refuse("May have at most {most} members.", most=MAX_BATCH)
    return texts


def _ids(value: Any) -> tuple[int, ...]:
    ids = [stored_id(each) for each in _separated(value)]
    if None in ids:
        raise refuse("Must be ids of persons, whole numbers with commas between them.")
    return tuple(dict.fromkeys(each for each in ids if each is not None))


def _uuids(value: Any) -> tuple[UUID, ...]:
    try:
        return tuple(dict.fromkeys(map(UUID, _separated(value))))
    except ValueError as error:
        raise refuse("Must be uuids of persons, with commas between them.") from error


class PersonsParameters(PagingOrFile):
    """A page of persons: those in a cohort, say, or all of a project. All conditions must hold."""

    distinct_id: Annotated[Text, told("Whoever has exactly this distinct id.", "user-1")] = None
    email: Annotated[Text, told("Those with exactly this email.", "user-1@example.com")] = None
    key_identifier: Annotated[
        Text, told("The persons with exactly this distinct id, or exactly this email.", "user-1")
    ] = None
    id: Annotated[
        tuple[int, ...] | None,
        BeforeValidator(_ids),
        DescribedAs(str),
        told("The persons with these ids, with commas between them.", "12,13"),
    ] = None
    uuid: Annotated[
        tuple[UUID, ...] | None,
        BeforeValidator(_uuids),
        DescribedAs(str),
        told(
            "The persons with these uuids, with commas between them.", "0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d"
        ),
    ] = None
    is_identified: Annotated[
        Flag | None, told("The persons who are identified, or those who are not.", True, False)
    ] = None
    filter_test_accounts: Annotated[
        Flag, told("Adds the project's `test_account_filters`, which must be about persons.", True)
    ] = False
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
        found_elsewhere = (self.search, self.properties, self.cohort)
        return found_elsewhere == (None, None, None) and not self.filter_test_accounts

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
            "ClickHouse finds persons by search, properties, cohort and filter_test_accounts, and does not "
            "know when they changed. Leave those out, or this.",
        )
    if not asked.include_deleted:
        return
    if asked.order.field != "updated_at":
        raise invalid("order_by", "With include_deleted it must be updated_at or -updated_at.")
    living_only = ("distinct_id", "email", "key_identifier", "id", "uuid", "is_identified", "last_seen_after")
    for name in living_only:
        if getattr(asked, name) is not None:
            raise invalid(
                "include_deleted", f"`{name}` finds no deleted persons, so the two cannot be combined."
            )
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
        filters.append(_has_email(asked.email))
    if asked.key_identifier is not None:
        owns = Owns(condition=Equals(texts=(asked.key_identifier,)))
        filters.append(either(owns, _has_email(asked.key_identifier)))
    if asked.uuid is not None:
        filters.append(either(*(PersonIs(uuid=each) for each in asked.uuid)))
    if asked.id is not None:
        persons = Person.objects.filter(project=context.project, pk__in=asked.id)
        filters.append(either(*(PersonIs(uuid=each) for each in persons.values_list("uuid", flat=True))))
    if asked.is_identified is not None:
        filters.append(PersonIsIdentified(value=asked.is_identified))
    if asked.filter_test_accounts:
        filters.append(_without_test_accounts(context))
    return PersonsQuery(
        project_id=context.project.pk,
        filter=both(*filters),
        limit=asked.most,
        offset=asked.offset,
        after=after,
    )


def _has_email(email: str) -> Filter:
    return PersonProperty(key="email", condition=Equals(texts=(email,)))


def _without_test_accounts(context: Context) -> Filter:
    """Raises a 400 if the project's filters are about events, which a list of persons does not have."""
    name = "filter_test_accounts"
    found = stored_filter(context, context.project.test_account_filters, name)
    if found != EVERYTHING and not is_about_person(found):
        raise not_supported(
            name, "The project's test_account_filters are about events, which lists of persons do not filter."
        )
    return found


def list_query(context: Context, asked: ListParameters, after: Place | None) -> PersonsQuery:
    """The question of ``GET persons/``. Raises a 400."""
    cohort = EVERYTHING if asked.cohort is None else in_cohort(context, asked.cohort, "cohort")
    return persons_query(context, asked, cohort, after)
