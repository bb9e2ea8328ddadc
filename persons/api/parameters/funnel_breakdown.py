"""The breakdown of a funnel: of which value the persons are asked for (spec/posthog-behaviour.md 4.7).

A breakdown by a property of events decides which events count. One by cohorts keeps the persons in the listed
cohorts. One by a property of persons is a filter on persons if values are given, and has no effect otherwise.
"""

from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import BeforeValidator

from clickhouse.query.conditions import Equals, IsSet
from clickhouse.query.filters import EVERYTHING, Filter, PersonProperty, contrary, either
from clickhouse.query.funnel import Attribution, EventBreakdown
from persons.api.parameters.breakdowns import (
    EVERYBODY,
    NO_VALUE,
    AskedBreakdown,
    BreakdownParameters,
    asked_breakdown,
    refuse_other_values,
)
from persons.api.parameters.conditions import MAX_VALUE_LENGTH, MAX_VALUES, Scalar, text_of
from persons.api.parameters.door import KeepsEmpty, Unsupported, Whole, json_or_text, refuse
from persons.api.parameters.filters import in_cohort, stored_id
from persons.api.parameters.leaves import Context
from persons.errors import invalid, not_supported
from persons.models import Cohort
from persons.openapi.fields import Mixed, Named, told


def _values(sent: Any) -> list[str] | None:
    """The texts of the values; None if there is no restriction, which is what null and an empty list mean."""
    document = json_or_text(sent) if sent != "" else sent
    if document is None:
        return None
    if isinstance(sent, str) and not isinstance(document, str | list | None):
        # 1.0 is what JSON calls the number 1, and may be the text of a property.
        document = [sent] if isinstance(document, dict) else [document, sent]
    values = list(dict.fromkeys(map(_value, _flat(document))))
    if len(values) > MAX_VALUES:
        raise refuse("May have at most {most} values.", most=MAX_VALUES)
    return values or None


def _flat(document: Any) -> list[Any]:
    """What is in lists, however deep."""
    found, pending = [], [document]
    while pending:
        each = pending.pop()
        if isinstance(each, list):
            pending += reversed(each)
        else:
            found.append(each)
    return found


def _value(value: Any) -> str:
    if value is None or value == NO_VALUE:
        return ""
    refuse_other_values(value)
    if not isinstance(value, Scalar):
        raise refuse("Must be a text, a number, true or false, or a list of these.")
    text = text_of(value)
    if len(text) > MAX_VALUE_LENGTH:
        raise refuse("May have at most {most} characters.", most=MAX_VALUE_LENGTH)
    return text


class FunnelBreakdownParameters(BreakdownParameters):
    """By what a funnel is broken down, and of which values its persons are asked for."""

    breakdown_attribution_type: Annotated[
        Annotated[Attribution, Named("BreakdownAttributionType")] | None,
        told(
            "The value that stands for a person, in a breakdown by events: that of the first or last event "
            "of the funnel that has one; each, for the events that have it; or that of the event that made "
            "the step `breakdown_attribution_value` on the attempt that counts. `first_touch` if absent.",
            "last_touch",
            needs={"breakdown": "$browser", "funnel_step_breakdown": "Chrome"},
        ),
    ] = None
    breakdown_attribution_value: Annotated[
        Whole | None,
        told(
            "The step, from 0; required with `step`. In an unordered funnel the steps count in the order in "
            "which they were done.",
            1,
            needs={"breakdown": "$browser", "breakdown_attribution_type": "step"},
        ),
    ] = None
    funnel_step_breakdown: Annotated[
        list[str] | None,
        KeepsEmpty,
        BeforeValidator(_values),
        Mixed,
        told(
            "Only the persons with this value of the breakdown, or with one of these. An empty text, or a "
            "null in a list: those without a value. Null and an empty list do not restrict. For cohorts "
            "their ids, or `all` if the breakdown lists it.",
            "Chrome",
            ["Chrome", None],
            needs={"breakdown": "$browser"},
        ),
    ] = None

    unsupported: ClassVar[tuple[Unsupported, ...]] = (
        Unsupported("breakdown_value"),
        Unsupported("breakdown_group_type_index"),
        Unsupported("breakdown_normalize_url"),
        Unsupported("breakdown_histogram_bin_count"),
        Unsupported("breakdown_path_cleaning"),
    )


class Breakdown(NamedTuple):
    """What a breakdown means: which events count, and which persons are asked for."""

    of_events: EventBreakdown | None = None
    of_persons: Filter = EVERYTHING


def breakdown(context: Context, asked: FunnelBreakdownParameters, number_of_steps: int) -> Breakdown:
    """What the parameters mean together. Raises a 400."""
    step = _attributed_step(asked, number_of_steps)
    by, values = _asked(asked), asked.funnel_step_breakdown
    if by is None:
        # An empty text is what a form sends for a value that was not given.
        if values not in (None, [""]):
            raise invalid("funnel_step_breakdown", "Needs breakdown: of which property these are values.")
        return Breakdown()
    match by.kind:
        case "event":
            return Breakdown(
                of_events=EventBreakdown(
                    key=by.only_key,
                    attribution=asked.breakdown_attribution_type or "first_touch",
                    step=step,
                    values=None if values is None else tuple(values),
                )
            )
        case "person":
            return Breakdown(of_persons=_has_one_of(by.only_key, values))
        case "cohort":
            return Breakdown(of_persons=_is_in_one_of(context, by, values))
    raise not_supported(
        by.kind_at, f"{by.kind!r} is not supported by this release. Supported: event, person, cohort."
    )


def _asked(asked: FunnelBreakdownParameters) -> AskedBreakdown | None:
    if asked.breakdowns and len(asked.breakdowns) > 1:
        raise invalid("breakdowns", "A funnel takes exactly one breakdown.")
    by = asked_breakdown(asked)
    for name in ("normalize_url", "histogram_bin_count", "group_type_index"):
        if by is not None and by.member is not None and Unsupported(name).refuses(getattr(by.member, name)):
            raise not_supported(
                f"breakdowns.0.{name}", f"`{name}` is not supported by this release; leave it out."
            )
    return by


def _attributed_step(asked: FunnelBreakdownParameters, number_of_steps: int) -> int | None:
    """The step, counted from 0, of whose events the values are; only with that attribution."""
    at, step = "breakdown_attribution_value", asked.breakdown_attribution_value
    if asked.breakdown_attribution_type != "step":
        return None
    if step is None:
        raise invalid(at, "Required when breakdown_attribution_type is step: which one, from 0.", "required")
    if not 0 <= step < number_of_steps:
        raise invalid(at, f"Must be between 0 and {number_of_steps - 1}.")
    return step


def _has_one_of(key: str, values: list[str] | None) -> Filter:
    """The persons of whom a property has one of the values; the empty text is also that of a missing one."""
    if values is None:
        return EVERYTHING
    found = PersonProperty(key=key, condition=Equals(texts=tuple(values)))
    if "" not in values:
        return found
    return either(found, contrary(PersonProperty(key=key, condition=IsSet())))


def _is_in_one_of(context: Context, by: AskedBreakdown, values: list[str] | None) -> Filter:
    """The persons in one of the cohorts that the values name; without values, in one of those listed."""
    ids = {key: stored_id(key) for key in by.keys if key not in EVERYBODY}
    wanted = [each for each in ids.values() if each is not None]
    there = {*Cohort.objects.filter(project=context.project, pk__in=wanted).values_list("pk", flat=True)}
    for key, each in ids.items():
        if each not in there:
            raise invalid(by.keys_at, f"Cohort ID {key!r} does not exist in this project.")
    lists_all = any(key in EVERYBODY for key in by.keys)
    asked = by.keys if values is None else values
    wanted_ids = [stored_id(each) for each in asked if each not in EVERYBODY]
    asks_for_all = len(wanted_ids) < len(asked)
    if not there.issuperset(wanted_ids) or (asks_for_all and not lists_all):
        allowed = ", ".join([*(["all"] if lists_all else []), *map(str, sorted(there))])
        raise invalid("funnel_step_breakdown", f"Must be among the cohorts of the breakdown: {allowed}.")
    if asks_for_all:
        return EVERYTHING
    return either(*(in_cohort(context, each, by.keys_at) for each in dict.fromkeys(wanted_ids)))
