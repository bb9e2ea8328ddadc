"""What the question of a funnel may be."""

import pytest
from pydantic import ValidationError

from clickhouse.query.funnel import ConversionWindow, furthest_steps


@pytest.mark.parametrize(
    ("funnel_step", "steps"),
    [(1, (1, 2, 3)), (2, (2, 3)), (3, (3,)), (-2, (1,)), (-3, (2,))],
)
def test_funnel_step_says_which_furthest_steps_are_meant(funnel_step: int, steps: tuple[int, ...]) -> None:
    assert furthest_steps(funnel_step, 3) == steps


@pytest.mark.parametrize("funnel_step", [0, -1, 4, -4])
def test_a_funnel_step_that_is_no_step_is_refused(funnel_step: int) -> None:
    with pytest.raises(ValueError, match="between 1 and 3"):
        furthest_steps(funnel_step, 3)


def test_a_month_has_31_days() -> None:
    assert ConversionWindow(value=2, unit="month").microseconds == 62 * 86_400_000_000


def test_a_window_longer_than_all_of_time_is_refused() -> None:
    with pytest.raises(ValidationError, match="400 years"):
        ConversionWindow(value=10**15, unit="month")
