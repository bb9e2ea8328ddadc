"""``exclusions``: what spoils a path through a funnel (spec/posthog-behaviour.md 4.5)."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import ConfigDict, Discriminator, Tag

from clickhouse.query.filters import EVERYTHING, Entity
from clickhouse.query.funnel import Exclusion, Order
from persons.api.parameters.door import Json, ParameterObject, Parameters, Refused, Whole
from persons.api.parameters.entities import TypedAction, TypedEvent, entity_of, tag_of_type
from persons.api.parameters.leaves import Context
from persons.errors import invalid
from persons.openapi.fields import Named, told


class _Between(ParameterObject):
    funnel_from_step: Annotated[Whole, told("After which step it must not happen, from 0.", 0, ge=0)]
    funnel_to_step: Annotated[Whole, told("Before which step it must not happen, from 0.", 1, ge=0)]
    # The names in PostHog's queries.
    funnelFromStep: Refused = None
    funnelToStep: Refused = None


class EventExclusion(TypedEvent, _Between):
    """An event that must not happen between two steps, counted from 0."""

    model_config = ConfigDict(title="ExcludedEvent")


class ActionExclusion(TypedAction, _Between):
    """An action that must not happen between two steps, counted from 0."""

    model_config = ConfigDict(title="ExcludedAction")


ExclusionParameter = Annotated[
    Annotated[EventExclusion, Tag("=events")] | Annotated[ActionExclusion, Tag("=actions")],
    Discriminator(tag_of_type),
    Named("Exclusion"),
]


class ExclusionParameters(Parameters):
    """What must not happen on the way."""

    exclusions: Annotated[
        list[ExclusionParameter] | None,
        Json,
        told(
            "Whoever did one of these between its steps is out of the funnel. Not what a step between them "
            "asks for; in an unordered funnel only over all steps.",
            [{"id": "demo call booked", "type": "events", "funnel_from_step": 0, "funnel_to_step": 1}],
        ),
    ] = None


def exclusions(
    context: Context, asked: ExclusionParameters, steps: Sequence[Entity], order: Order
) -> tuple[Exclusion, ...]:
    """What the parameters mean. Raises a 400; its texts are PostHog's."""
    return tuple(
        _exclusion(context, each, f"exclusions.{place}", steps, order)
        for place, each in enumerate(asked.exclusions or ())
    )


def _exclusion(
    context: Context,
    asked: EventExclusion | ActionExclusion,
    path: str,
    steps: Sequence[Entity],
    order: Order,
) -> Exclusion:
    first, last = asked.funnel_from_step, asked.funnel_to_step
    wrong = "Exclusion event range is invalid."
    if last <= first:
        raise invalid(f"{path}.funnel_to_step", f"{wrong} End of range should be greater than start.")
    if first >= len(steps) - 1:
        raise invalid(f"{path}.funnel_from_step", f"{wrong} Start of range is greater than number of steps.")
    if last >= len(steps):
        raise invalid(f"{path}.funnel_to_step", f"{wrong} End of range is greater than number of steps.")
    if order == "unordered" and (first, last) != (0, len(steps) - 1):
        raise invalid(path, "Partial Exclusions not allowed in unordered funnels")
    entity = entity_of(context, asked, path)
    if any(_contains(entity, step) for step in steps[first : last + 1]):
        raise invalid(path, "Exclusion steps cannot contain an event that's part of funnel steps.")
    return Exclusion(entity=entity, from_step=first, to_step=last)


def _contains(excluded: Entity, step: Entity) -> bool:
    """Whether every event of the step is plainly one of those that are excluded."""
    if excluded == step.model_copy(update={"first_time": False}):
        return True
    if excluded.filter != EVERYTHING:
        return False
    return excluded.names is None or (step.names is not None and {*step.names} <= {*excluded.names})
