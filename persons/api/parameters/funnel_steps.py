"""Which step of a funnel the persons are asked for (spec/posthog-behaviour.md 4.2, spec/decisions.md 6)."""

from typing import Annotated, NamedTuple

from clickhouse.query.funnel import furthest_steps
from persons.api.parameters.door import Json, Parameters, Whole
from persons.errors import invalid
from persons.openapi.fields import told


class StepParameters(Parameters):
    """`funnel_step` and `funnel_custom_steps` count from 1, the others from 0."""

    funnel_step: Annotated[
        Whole | None,
        told(
            "2: whoever reached step 2 or went further. -2: whoever reached step 1 and not step 2. From 1 "
            "to the number of steps, or from -2 down to minus that. Required, but for trends and with "
            "`funnel_custom_steps`.",
            2,
            -2,
        ),
    ] = None
    funnel_custom_steps: Annotated[
        list[Whole] | None,
        Json,
        told("The furthest step reached is one of these, counted from 1. Wins over `funnel_step`.", [1, 3]),
    ] = None
    funnel_from_step: Annotated[
        Whole | None, told("In trends, the step that counts as the first, from 0.", 0)
    ] = None
    funnel_to_step: Annotated[
        Whole | None,
        told("In trends, the step that counts as the last, from 0; the last one if absent.", 1),
    ] = None


class StepRange(NamedTuple):
    """The steps that funnel trends look at, counted from 0: who got to `from_step` and further, to
    `to_step`."""

    from_step: int
    to_step: int


def step_range(asked: StepParameters, number_of_steps: int) -> StepRange:
    """By default the whole funnel. The texts of the refusals are PostHog's."""
    last = number_of_steps - 1
    from_step = 0 if asked.funnel_from_step is None else asked.funnel_from_step
    to_step = last if asked.funnel_to_step is None else asked.funnel_to_step
    if not 0 <= from_step < last:
        raise invalid(
            "funnel_from_step", f"funnelFromStep is out of bounds. It must be between 0 and {last - 1}."
        )
    if not 1 <= to_step <= last:
        raise invalid("funnel_to_step", f"funnelToStep is out of bounds. It must be between 1 and {last}.")
    if to_step <= from_step:
        raise invalid(
            "funnel_to_step",
            "Funnel step range is invalid. funnelToStep should be greater than funnelFromStep.",
        )
    return StepRange(from_step, to_step)


def furthest(asked: StepParameters, number_of_steps: int) -> tuple[int, ...]:
    """The furthest steps, counted from 1, of the persons asked for."""
    if asked.funnel_custom_steps:
        for place, step in enumerate(asked.funnel_custom_steps):
            if not 1 <= step <= number_of_steps:
                raise invalid(f"funnel_custom_steps.{place}", f"Must be between 1 and {number_of_steps}.")
        return tuple(sorted(set(asked.funnel_custom_steps)))
    try:
        return furthest_steps(asked.funnel_step or 0, number_of_steps)
    except ValueError as error:
        code = "required" if asked.funnel_step is None else "invalid_input"
        raise invalid("funnel_step", str(error), code) from error
