"""Of whom, and when: what the questions about past properties take (spec/posthog-behaviour.md 13)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter

from clickhouse.query.dates import ABSOLUTE, DateError, Moment, days_of, parse_moment
from persons.api.changes import Order, Place, Window
from persons.api.parameters.cursors import place_of
from persons.api.parameters.door import Flag, Format, Json, ParameterObject, Parameters, Text, Whole, refuse
from persons.errors import invalid
from persons.models import Project
from persons.openapi.fields import DescribedAs, Named, told

MAX_PERSONS = 1_000
_PLACE: TypeAdapter[Place] = TypeAdapter(Place)

_EXAMPLE = "2023-06-15T14:30:00Z"
_REQUIRED = f"timestamp parameter is required (ISO format: {_EXAMPLE})"
_INVALID = f"Invalid timestamp format. Use ISO format like {_EXAMPLE}"


def _uuid_text(text: str) -> str:
    try:
        UUID(text)
    except ValueError as error:
        raise refuse("Must be a uuid.") from error
    return text


DistinctId = Annotated[str, Field(min_length=1)]
UuidText = Annotated[str, AfterValidator(_uuid_text), DescribedAs(UUID)]
_SOMEBODY, _AT = "0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d", "2024-03-01T12:00:00Z"
_MOMENT = "the moment, itself included. ISO 8601, without an offset in UTC; a date is its midnight."
_FORMS = "ISO 8601, without an offset in the project's time zone, or relative to now."
_Many = Field(min_length=1, max_length=MAX_PERSONS)
IncludeSetOnce = Annotated[Flag, told("Whether `$set_once` counts as well.", True)]


class OnePersonParameters(Parameters):
    """A person by one of its distinct ids, or by its own id, which is a whole number or a uuid."""

    distinct_id: Annotated[Text, told("The person, by any of its distinct ids.", "user-1")] = None
    person_id: Annotated[
        Text,
        told(
            "Or the person by its own id: a whole number or a uuid.", _SOMEBODY, needs={"distinct_id": None}
        ),
    ] = None
    include_set_once: IncludeSetOnce = False


class AtTimeParameters(OnePersonParameters):
    """``GET persons/properties_at_time/``."""

    timestamp: Annotated[Text, told(f"When: {_MOMENT}", _AT, "2024-03-01", required=True)] = None
    format: Format = "json"


class DiffParameters(OnePersonParameters):
    """``GET persons/properties_diff/``: two moments, both included."""

    from_: Annotated[
        Text,
        told(f"The earlier moment. {_FORMS} A date is its midnight.", "-7d", alias="from", required=True),
    ] = None
    to: Annotated[Text, told("The later moment, in the same forms.", "-1h", required=True)] = None


class ChangesParameters(Parameters):
    """``GET persons/:id/properties_history/``."""

    from_: Annotated[
        Text,
        told(f"The first day or moment, included. {_FORMS}", "2024-03-01", "-7d", alias="from"),
    ] = None
    to: Annotated[Text, told("The last one, included, in the same forms.", "2024-03-31", "-1h")] = None
    key: Annotated[Text, told("Only changes of this property.", "plan")] = None
    order: Annotated[Annotated[Order, Named("ChangesOrder")], told("Which changes come first.", "oldest")] = (
        "newest"
    )
    limit: Annotated[Whole, told("How many changes a page has at most.", 10, ge=1, le=1_000)] = 100
    cursor: Annotated[
        Text,
        told("Where the page begins. `next` has it.", "WzE3MDkyODcyMDAwMDAwMDAsMSx0cnVlLCIiLCJwbGFuIl0="),
    ] = None


class PairParameter(ParameterObject):
    """A person, and a moment of its own."""

    model_config = ConfigDict(extra="allow", frozen=True, title="PersonAndMoment")

    distinct_id: Annotated[DistinctId | None, told("The person, by any of its distinct ids.", "user-1")] = (
        None
    )
    uuid: Annotated[UuidText | None, told("Or by its uuid.", _SOMEBODY)] = None
    timestamp: Annotated[
        Text, told("Required: the moment, in the same forms as beside `distinct_ids`.", _AT)
    ] = None


class AtTimesParameters(Parameters):
    """``POST persons/properties_at_time/``: many persons at one moment, or each at its own."""

    distinct_ids: Annotated[
        Annotated[list[DistinctId], _Many] | None,
        Json,
        told("Up to 1,000 persons, by any of their distinct ids.", ["user-1", "user-2"]),
    ] = None
    uuids: Annotated[
        Annotated[list[UuidText], _Many] | None,
        Json,
        told("Or up to 1,000 persons by their uuids.", [_SOMEBODY], needs={"distinct_ids": None}),
    ] = None
    pairs: Annotated[
        Annotated[list[PairParameter], _Many] | None,
        Json,
        told(
            "Or up to 1,000 persons, each once and at a moment of its own.",
            [{"distinct_id": "user-1", "timestamp": _AT}, {"uuid": _SOMEBODY, "timestamp": "2024-04-01"}],
            needs={"distinct_ids": None, "timestamp": None},
        ),
    ] = None
    timestamp: Annotated[Text, told(f"Required, but not with `pairs`: {_MOMENT}", _AT)] = None
    include_set_once: IncludeSetOnce = False


# The least that each of them needs.
ONE_PERSON = {"distinct_id": "user-1", "timestamp": _AT}
MANY_PERSONS = {"distinct_ids": ["user-1", "user-2"], "timestamp": _AT}
TWO_MOMENTS = {"distinct_id": "user-1", "from": "-7d", "to": "-1h"}


class Wanted(NamedTuple):
    """A person, named in one of the two ways, and the moment at which its properties are wanted."""

    distinct_id: str | None
    uuid: str | None
    at: datetime

    @property
    def name(self) -> str:
        return self.distinct_id or self.uuid or ""


def check_one_person(asked: OnePersonParameters) -> None:
    """Raises a 400 unless the person is named in one way."""
    if asked.distinct_id is not None and asked.person_id is not None:
        raise invalid("person_id", "Cannot provide both distinct_id and person_id - choose one")
    if asked.distinct_id is None and asked.person_id is None:
        raise invalid("distinct_id", "Must provide either distinct_id or person_id parameter", "required")


def wanted(asked: AtTimesParameters) -> list[Wanted]:
    """Who is asked about, and when. Raises a 400 naming the parameter at fault."""
    ways = {"distinct_ids": asked.distinct_ids, "uuids": asked.uuids, "pairs": asked.pairs}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) != 1:
        code = "invalid_input" if given else "required"
        raise invalid(given[1] if given else "distinct_ids", f"Send exactly one of {', '.join(ways)}.", code)
    if asked.pairs is None:
        at = utc_moment(asked.timestamp)
        return [
            *(Wanted(each, None, at) for each in dict.fromkeys(asked.distinct_ids or ())),
            *(Wanted(None, each, at) for each in dict.fromkeys(asked.uuids or ())),
        ]
    if asked.timestamp is not None:
        raise invalid("timestamp", "Each pair has a timestamp of its own; leave this one out.")
    return list(_pairs(asked.pairs))


def _pairs(pairs: list[PairParameter]) -> Iterator[Wanted]:
    names = set[str]()
    for place, pair in enumerate(pairs):
        if (pair.distinct_id is None) == (pair.uuid is None):
            raise invalid(f"pairs.{place}", "Must have either distinct_id or uuid.")
        found = Wanted(pair.distinct_id, pair.uuid, utc_moment(pair.timestamp, f"pairs.{place}.timestamp"))
        if found.name in names:
            raise invalid(
                f"pairs.{place}", "This id is in an earlier pair, and an answer has each id once. Ask again."
            )
        names.add(found.name)
        yield found


def utc_moment(text: Any, attr: str = "timestamp") -> datetime:
    """An absolute moment; without an offset in UTC, and a day is its midnight. Raises a 400."""
    if text is None:
        raise invalid(attr, _REQUIRED, "required")
    if not ABSOLUTE.fullmatch(text.strip()):
        raise invalid(attr, _INVALID)
    try:
        return parse_moment(text, parameter=attr, timezone="UTC", now=datetime.now(UTC)).at
    except DateError as error:
        raise invalid(attr, f"{_INVALID}, of a day that exists in the years 1900 to 2299") from error


def diff_moments(asked: DiffParameters, project: Project, now: datetime) -> tuple[datetime, datetime]:
    """The moments to compare; a date is its midnight. Raises a 400."""
    for name, text in (("from", asked.from_), ("to", asked.to)):
        if text is None:
            raise invalid(name, "This parameter is required: an ISO 8601 date or datetime.", "required")
    start, end = (
        _moment(text or "", name, project, now).at for name, text in (("from", asked.from_), ("to", asked.to))
    )
    if start > end:
        raise invalid("to", "Must not be before `from`.")
    return start, end


def window(asked: ChangesParameters, project: Project, now: datetime) -> Window:
    """Which changes are wanted: dates are whole days. Raises a 400."""
    return Window(
        start=None if asked.from_ is None else _moment(asked.from_, "from", project, now).at,
        end=None if asked.to is None else _last(_moment(asked.to, "to", project, now), project),
        key=asked.key,
        order=asked.order,
        limit=asked.limit,
        cursor=None if asked.cursor is None else place_of(asked.cursor, _PLACE),
    )


def _moment(text: str, attr: str, project: Project, now: datetime) -> Moment:
    try:
        return parse_moment(text, parameter=attr, timezone=project.timezone, now=now)
    except DateError as error:
        raise invalid(attr, str(error)) from error


def _last(moment: Moment, project: Project) -> datetime:
    if moment.form == "date":
        return days_of(moment, project.timezone)[1] - timedelta(microseconds=1)
    return moment.at
