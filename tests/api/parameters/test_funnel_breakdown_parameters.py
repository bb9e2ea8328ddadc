"""How the parameters of a breakdown become part of a funnel."""

from typing import Any

import pytest

from clickhouse.query.conditions import Equals, IsSet
from clickhouse.query.filters import EVERYTHING, AnyOf, InStaticCohort, Not, PersonProperty
from clickhouse.query.funnel import EventBreakdown
from persons.models import Cohort, Project
from tests.api.parameters.helpers import funnel_of

WHOLE: dict[str, Any] = {"events": [{"id": "a"}, {"id": "b"}, {"id": "c"}], "funnel_step": 1}
PROJECT = Project(pk=1)


def has(key: str, *texts: str) -> PersonProperty:
    return PersonProperty(key=key, condition=Equals(texts=texts))


def lacks(key: str) -> Not:
    return Not(filter=PersonProperty(key=key, condition=IsSet()))


BROWSER = EventBreakdown(key="$browser")


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"breakdown": "$browser"}, BROWSER),
        ({"breakdown": ["$browser"]}, BROWSER),
        ({"breakdown": '"$browser"'}, BROWSER),
        ({"breakdown": "$browser", "breakdown_type": "event"}, BROWSER),
        ({"breakdown": "$browser", "breakdown_type": "events"}, BROWSER),
        ({"breakdown": "$browser", "breakdown_type": ""}, BROWSER),
        ({"breakdowns": [{"property": "$browser", "type": "event"}]}, BROWSER),
        ({"breakdowns": [{"property": "$browser"}]}, BROWSER),
        ({"breakdowns": [{"property": "$browser", "type": "events", "normalize_url": False}]}, BROWSER),
        ({"breakdowns": [{"property": "$browser"}], "breakdown": "other"}, BROWSER),
        (
            {"breakdowns": [{"property": "$browser", "type": "event"}], "breakdown_type": "cohort"},
            BROWSER,
        ),
        ({"breakdowns": [], "breakdown": "$browser"}, BROWSER),
        ({"breakdown": "$browser", "breakdown_limit": 3, "breakdown_normalize_url": False}, BROWSER),
        ({"breakdown": "5"}, EventBreakdown(key="5")),
        ({"breakdown": 5}, EventBreakdown(key="5")),
        ({"breakdown": "1.0"}, EventBreakdown(key="1.0")),
        ({"breakdown": "null"}, EventBreakdown(key="null")),
        ({"breakdown": "[beta] x"}, EventBreakdown(key="[beta] x")),
        ({"breakdown": [""]}, EventBreakdown(key="")),
        (
            {"breakdown": "$browser", "breakdown_attribution_type": "first_touch"},
            EventBreakdown(key="$browser", attribution="first_touch"),
        ),
        (
            {"breakdown": "$browser", "breakdown_attribution_type": "last_touch"},
            EventBreakdown(key="$browser", attribution="last_touch"),
        ),
        (
            {"breakdown": "$browser", "breakdown_attribution_type": "all_events"},
            EventBreakdown(key="$browser", attribution="all_events"),
        ),
        (
            {
                "breakdown": "$browser",
                "breakdown_attribution_type": "step",
                "breakdown_attribution_value": "2",
            },
            EventBreakdown(key="$browser", attribution="step", step=2),
        ),
        (
            {"breakdown": "$browser", "breakdown_attribution_value": 2},
            EventBreakdown(key="$browser", attribution="first_touch"),
        ),
        (
            {"breakdown": "$browser", "breakdown_attribution_type": "", "breakdown_attribution_value": ""},
            BROWSER,
        ),
        (
            {
                "breakdown": "$browser",
                "breakdown_attribution_type": "step",
                "breakdown_attribution_value": 1,
                "funnel_order_type": "unordered",
            },
            EventBreakdown(key="$browser", attribution="step", step=1),
        ),
        ({"breakdown": ""}, None),
        ({"breakdown": []}, None),
        ({"breakdown_type": "event"}, None),
        ({"breakdown_type": "group"}, None),
        ({"breakdown_attribution_type": "last_touch", "breakdown_type": "person"}, None),
        ({"breakdown": "plan", "breakdown_type": "person"}, None),
    ],
)
def test_a_breakdown_by_a_property_of_events_is_part_of_the_funnel(
    sent: dict[str, Any], meant: EventBreakdown | None
) -> None:
    query = funnel_of(PROJECT, {**WHOLE, **sent})
    assert (query.breakdown, query.filter) == (meant, EVERYTHING)


VALUES: list[tuple[Any, tuple[str, ...] | None]] = [
    ("Chrome", ("Chrome",)),
    (["Chrome"], ("Chrome",)),
    ([["Chrome"]], ("Chrome",)),
    ([["Chrome", ["Safari"]], "Chrome", []], ("Chrome", "Safari")),
    ('["Chrome"]', ("Chrome",)),
    ('"Chrome"', ("Chrome",)),
    ("[beta] x", ("[beta] x",)),
    ('{"a":1}', ('{"a":1}',)),
    ("007", ("007",)),
    (5, ("5",)),
    ("5", ("5",)),
    (-1.5, ("-1.5",)),
    ("1.5", ("1.5",)),
    ([1.5, 2.0, 1e21, 10**18], ("1.5", "2", "1e21", "1000000000000000000")),
    # A version, or the number 1.
    ("1.0", ("1", "1.0")),
    (["1.0"], ("1.0",)),
    ([1.0], ("1",)),
    (True, ("true",)),
    (False, ("false",)),
    ("true", ("true",)),
    ([True, "false"], ("true", "false")),
    (["true"], ("true",)),
    ("", ("",)),
    ("null", None),
    ([None], ("",)),
    ("[null]", ("",)),
    ([""], ("",)),
    ("$$_posthog_breakdown_null_$$", ("",)),
    (["Chrome", "$$_posthog_breakdown_null_$$"], ("Chrome", "")),
    ("Other", ("Other",)),
    ([], None),
    ("[]", None),
    ([[]], None),
]


@pytest.mark.parametrize(("sent", "texts"), VALUES)
def test_values_are_asked_for_by_their_texts(sent: Any, texts: tuple[str, ...] | None) -> None:
    asked = {**WHOLE, "breakdown": "x", "funnel_step_breakdown": sent}
    assert funnel_of(PROJECT, asked).breakdown == EventBreakdown(key="x", values=texts)
    asked = {**asked, "breakdown_type": "person"}
    query = funnel_of(PROJECT, asked)
    assert query.breakdown is None
    if texts is None:
        assert query.filter == EVERYTHING
    elif "" in texts:
        assert query.filter == AnyOf(filters=(has("x", *texts), lacks("x")))
    else:
        assert query.filter == has("x", *texts)


def test_values_of_persons_are_asked_for_beside_the_other_filters() -> None:
    asked = {
        **WHOLE,
        "properties": [{"key": "plan", "value": "pro", "type": "person"}],
        "breakdowns": [{"property": "city", "type": "person"}],
        "funnel_step_breakdown": ["Rome"],
    }
    filters = getattr(funnel_of(PROJECT, asked).filter, "filters", None)
    assert filters == (has("plan", "pro"), has("city", "Rome"))


def test_an_empty_value_without_a_breakdown_is_a_field_that_was_left_empty() -> None:
    assert funnel_of(PROJECT, {**WHOLE, "funnel_step_breakdown": ""}) == funnel_of(PROJECT, WHOLE)


def test_a_breakdown_by_cohorts_keeps_the_persons_in_the_cohorts_that_it_lists(project: Project) -> None:
    one, two = (Cohort.objects.create(project=project, name=name, is_static=True).pk for name in "ab")
    in_one, in_two = InStaticCohort(cohort_id=one), InStaticCohort(cohort_id=two)
    by: dict[str, Any] = {**WHOLE, "breakdown": [one, two, "all"], "breakdown_type": "cohort"}
    for value, meant in (
        (one, in_one),
        (str(one), in_one),
        ([one], in_one),
        ([one, str(two)], AnyOf(filters=(in_one, in_two))),
        ("all", EVERYTHING),
        (0, EVERYTHING),
        ([one, "all"], EVERYTHING),
        ([], EVERYTHING),
    ):
        query = funnel_of(project, {**by, "funnel_step_breakdown": value})
        assert (value, query.filter, query.breakdown) == (value, meant, None)
    assert funnel_of(project, by).filter == EVERYTHING
    for sent in (one, str(one), [one], f"[{one}]", f'["{one}"]'):
        single = {**by, "breakdown": sent, "funnel_step_breakdown": one}
        assert funnel_of(project, single).filter == in_one
    assert funnel_of(project, {**by, "breakdown": "all", "funnel_step_breakdown": "all"}).filter == EVERYTHING
    unlisted: dict[str, Any] = {**by, "breakdown": [one, two]}
    absent: dict[str, Any]
    for absent in ({}, {"funnel_step_breakdown": None}, {"funnel_step_breakdown": []}):
        assert funnel_of(project, {**unlisted, **absent}).filter == AnyOf(filters=(in_one, in_two))
    assert funnel_of(project, {**by, "breakdown": one}).filter == in_one
    several = {**WHOLE, "breakdowns": [{"property": one, "type": "cohort"}], "funnel_step_breakdown": one}
    assert funnel_of(project, several).filter == in_one
