"""``persons/:id/properties_timeline/``: which of a person's events, and which of its properties."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from clickhouse.query.filters import Entity, Filter, both
from clickhouse.query.timeline import TimelineQuery, person_keys, whatever_the_person
from persons.api.parameters.breakdowns import BreakdownParameters
from persons.api.parameters.dates import DateParameters, date_range
from persons.api.parameters.door import Flag, Unsupported
from persons.api.parameters.entities import COUNTING_MATH, EntityParameters, entities
from persons.api.parameters.filters import filter_of, stored_filter
from persons.api.parameters.leaves import Context
from persons.api.parameters.properties import FILTERS, PropertiesParameter
from persons.openapi.fields import told


class TimelineParameters(DateParameters, EntityParameters, BreakdownParameters):
    """The parameters of a trend, of one person. `display` and the like cannot change the answer."""

    properties: Annotated[
        PropertiesParameter,
        told("Which events are looked at, and which properties of the person.", *FILTERS),
    ] = None
    filter_test_accounts: Annotated[Flag, told("Adds the project's `test_account_filters`.", True)] = False

    # Which properties are looked at does not depend on the form of their values.
    harmless: ClassVar[frozenset[str]] = frozenset(
        {"display", "breakdown_normalize_url", "breakdown_path_cleaning", "breakdown_histogram_bin_count",
         "breakdown_group_type_index"}
    )  # fmt: skip
    unsupported: ClassVar[tuple[Unsupported, ...]] = (
        *EntityParameters.unsupported,
        Unsupported("aggregation_group_type_index"),
        Unsupported("sampling_factor", (1, 1.0, "1")),
    )


def timeline_query(
    asked: TimelineParameters,
    context: Context,
    earliest_event: Callable[[], datetime | None],
    *,
    person: UUID,
    generations: Mapping[str, int],
) -> tuple[TimelineQuery, list[str]]:
    """Which events, and the person properties that filters and breakdowns look at. Raises a 400.

    ``generations`` are those of the person's distinct ids.
    """
    filters = [filter_of(context, asked.properties, "properties")]
    if asked.filter_test_accounts:
        kept = context.project.test_account_filters
        filters.append(stored_filter(context, kept, "filter_test_accounts"))
    named = entities(context, asked, math=COUNTING_MATH)
    query = TimelineQuery(
        project_id=context.project.pk,
        person=person,
        distinct_ids=tuple(generations),
        generations=tuple(generations.values()),
        date_range=date_range(asked, context.project, context.now, earliest_event),
        entities=tuple(map(_whatever_the_person, named)),
        filter=whatever_the_person(both(*filters)),
    )
    looked_at: list[Filter] = [*filters, *(each.filter for each in named)]
    keys = {key for each in looked_at for key in person_keys(each)}
    return query, sorted({*keys, *_broken_down_by(asked)})


def _whatever_the_person(entity: Entity) -> Entity:
    return entity.model_copy(update={"filter": whatever_the_person(entity.filter)})


def _broken_down_by(asked: TimelineParameters) -> Iterator[Any]:
    if asked.breakdown_type == "person":
        yield from asked.breakdown or ()
    for each in asked.breakdowns or ():
        if each.type == "person":
            yield from each.property
