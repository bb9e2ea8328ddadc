"""``persons/funnel/correlation/``: from PostHog's flat parameters to a CorrelationQuery
(spec/posthog-behaviour.md 1.2 and 8, spec/decisions.md 9)."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic.json_schema import SkipJsonSchema

from clickhouse.query.correlation import CorrelationQuery
from clickhouse.query.filters import EVERYTHING, Entity, Filter, both
from persons.api.parameters.door import Flag, Format, Json, Limit, Offset, Text, Whole
from persons.api.parameters.entities import STEPS, TypedEntity, entity_of
from persons.api.parameters.filters import filter_of
from persons.api.parameters.funnel import FunnelDefinition, unpaged_query
from persons.api.parameters.leaves import Context
from persons.api.parameters.properties import FILTERS, PropertiesParameter
from persons.errors import invalid
from persons.openapi.fields import Named, told

_Type = Literal["events", "event_with_properties", "properties"]


SMALLEST_CORRELATION = {
    "events": STEPS,
    "funnel_correlation_person_entity": {"id": "demo call booked", "type": "events"},
}


class CorrelationParameters(FunnelDefinition):
    """A funnel, and what those who entered it did on their way, or what was true of them. The page has names
    of its own; the table of correlations, which is another endpoint of PostHog's, has the others in
    ``harmless``."""

    # Of trends, which a correlation is not with.
    display: SkipJsonSchema[Any] = None
    entrance_period_start: SkipJsonSchema[Text] = None
    drop_off: SkipJsonSchema[Flag] = False
    format: Format = "json"
    funnel_step: Annotated[Whole, told("As in a funnel; 1, all who entered it, if absent.", 1, -2)] = 1
    funnel_correlation_type: Annotated[
        Annotated[_Type, Named("FunnelCorrelationType")],
        told(
            "Whether it is about what persons did (the first two mean the same) or what was true of them.",
            "event_with_properties",
        ),
    ] = "events"
    funnel_correlation_person_entity: Annotated[
        TypedEntity | None,
        Json,
        told(
            "What they did on their way; required but for `properties`. Events named like an event step of "
            "the funnel do not count.",
            {"id": "demo call booked", "type": "events"},
            {"id": 3, "type": "actions"},
        ),
    ] = None
    funnel_correlation_property_values: Annotated[
        PropertiesParameter,
        told(
            "What must hold; required for `properties`.",
            *FILTERS,
            needs={"funnel_correlation_type": "properties"},
        ),
    ] = None
    funnel_correlation_person_converted: Annotated[
        Flag | None,
        told("Those who got to the last step, or those who did not. Absent: both.", True, False),
    ] = None
    funnel_correlation_person_limit: Limit = 100
    funnel_correlation_person_offset: Offset = 0

    harmless: ClassVar[frozenset[str]] = frozenset(
        {
            "limit", "offset", "funnel_correlation_names", "funnel_correlation_exclude_names",
            "funnel_correlation_event_names", "funnel_correlation_exclude_event_names",
            "funnel_correlation_event_exclude_property_names",
        }
    )  # fmt: skip

    @property
    def most(self) -> int:
        """How many persons may be in the answer: in a file all, unless a limit is given."""
        given = "funnel_correlation_person_limit" in self.model_fields_set
        return 2**62 if self.format != "json" and not given else self.funnel_correlation_person_limit


def correlation_query(
    asked: CorrelationParameters, context: Context, earliest_event: Callable[[], datetime | None]
) -> CorrelationQuery:
    """The question that the parameters ask. Raises a 400 naming the parameter at fault."""
    if asked.is_of_trends:
        attr = "display" if asked.funnel_viz_type is None else "funnel_viz_type"
        raise invalid(attr, "A correlation is with a whole funnel, not with a bucket of funnel trends.")
    funnel, entity = unpaged_query(asked, context, earliest_event), None
    if asked.funnel_correlation_type == "properties":
        values = _values(asked, context)
        funnel = funnel.model_copy(update={"filter": both(funnel.filter, values)})
    else:
        entity = _entity(asked, context)
    return CorrelationQuery(
        funnel=funnel,
        entity=entity,
        excluded_names=tuple(dict.fromkeys(each.id for each in asked.events or () if each.id is not None)),
        converted=asked.funnel_correlation_person_converted,
        offset=asked.funnel_correlation_person_offset,
    ).model_copy(update={"limit": asked.most})


def _entity(asked: CorrelationParameters, context: Context) -> Entity:
    at, sent = "funnel_correlation_person_entity", asked.funnel_correlation_person_entity
    if sent is None:
        raise invalid(at, "No entity for persons specified", "required")
    return entity_of(context, sent, at)


def _values(asked: CorrelationParameters, context: Context) -> Filter:
    at = "funnel_correlation_property_values"
    found = filter_of(context, asked.funnel_correlation_property_values, at)
    if found == EVERYTHING:
        missing = "Property Correlation expects atleast one Property to get persons for"
        raise invalid(at, missing, "required")
    return found
