"""From the parameters of a funnel to the question they ask."""

from datetime import datetime
from typing import Any

import pytest

from clickhouse.query.conditions import Equals, Span
from clickhouse.query.filters import EVERYTHING, Entity, EventColumn, EventProperty, Filter
from clickhouse.query.funnel import Exclusion
from persons.models import Action, Project
from tests.api.parameters.helpers import funnel_of

A, B, C, D = ({"id": name} for name in "abcd")
STEPS: dict[str, Any] = {"events": [A, B, C]}
WHOLE: dict[str, Any] = {**STEPS, "funnel_step": 1}
PROJECT = Project(pk=1)


def of(*names: str, filter: Filter = EVERYTHING) -> Entity:
    return Entity(names=names, filter=filter)


@pytest.mark.parametrize("order", ["ordered", "strict", "unordered"])
def test_the_order_is_the_one_that_is_asked_for(order: str) -> None:
    assert funnel_of(PROJECT, {**WHOLE, "funnel_order_type": order}).order == order
    assert funnel_of(PROJECT, WHOLE).order == "ordered"


@pytest.mark.parametrize(
    ("sent", "furthest"),
    [
        ({"funnel_step": 2}, (2, 3)),
        ({"funnel_step": -2}, (1,)),
        ({"funnel_custom_steps": [2]}, (2,)),
        ({"funnel_custom_steps": [3, 1, "3"]}, (1, 3)),
        ({"funnel_custom_steps": [1], "funnel_step": 2}, (1,)),
        ({"funnel_custom_steps": [1], "funnel_step": 99}, (1,)),
        ({"funnel_custom_steps": [], "funnel_step": 2}, (2, 3)),
        ({"funnel_custom_steps": "", "funnel_step": 2}, (2, 3)),
        ({"funnel_custom_steps": "[1, 2]"}, (1, 2)),
        ({"funnel_step": 2, "funnel_viz_type": "time_to_convert"}, (2, 3)),
        ({"funnel_step": 2, "funnel_from_step": 1, "funnel_to_step": 2}, (2, 3)),
        (
            {
                "funnel_step": 2,
                "funnel_viz_type": "time_to_convert",
                "funnel_from_step": "0",
                "funnel_to_step": "1",
            },
            (2, 3),
        ),
        ({"funnel_step": 1, "display": "FunnelViz"}, (1, 2, 3)),
        ({"funnel_step": 1, "display": "ActionsBar"}, (1, 2, 3)),
        ({"funnel_step": 1, "display": "ActionsLineGraph", "funnel_viz_type": "steps"}, (1, 2, 3)),
        ({"funnel_step": 1, "drop_off": True, "entrance_period_start": "2024-03-01"}, (1, 2, 3)),
    ],
)
def test_the_furthest_steps_are_those_of_the_step_or_of_the_list(
    sent: dict[str, Any], furthest: tuple[int, ...]
) -> None:
    query = funnel_of(PROJECT, {**STEPS, **sent})
    assert (query.furthest, query.entrance, len(query.steps)) == (furthest, None, 3)


def test_the_first_time_that_a_person_did_something_can_be_a_step(project: Project) -> None:
    action = Action.objects.create(project=project, name="x", steps=[{"event": "b"}, {"event": "c"}])
    pro = [{"key": "plan", "value": "pro"}]
    sent = {
        "actions": [{"id": action.pk, "math": "first_time_for_user"}],
        "events": [{**A, "math": "first_time_for_user", "properties": pro}, {**B, "math": "dau"}],
        "funnel_step": 1,
    }
    assert funnel_of(project, sent).steps == (
        Entity(names=("b", "c"), first_time=True),
        Entity(
            names=("a",),
            first_time=True,
            filter=EventProperty(key="plan", condition=Equals(texts=("pro",))),
        ),
        of("b"),
    )


# Exclusions.


def excluded(event: dict[str, Any], first: Any = 0, last: Any = 1, **fields: Any) -> dict[str, Any]:
    return {"type": "events", **event, "funnel_from_step": first, "funnel_to_step": last, **fields}


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ([excluded(D)], Exclusion(entity=of("d"), from_step=0, to_step=1)),
        ([excluded(D, "1", "2")], Exclusion(entity=of("d"), from_step=1, to_step=2)),
        ([excluded(D, math="total", order=3, name="D")], Exclusion(entity=of("d"), from_step=0, to_step=1)),
        # Not a step of the part that it is about.
        ([excluded(C)], Exclusion(entity=of("c"), from_step=0, to_step=1)),
        (
            [excluded(A, properties=[{"key": "plan", "value": "pro"}])],
            Exclusion(
                entity=of("a", filter=EventProperty(key="plan", condition=Equals(texts=("pro",)))),
                from_step=0,
                to_step=1,
            ),
        ),
        (
            [excluded({"id": None}, properties=[{"key": "event", "value": "d", "type": "event_metadata"}])],
            Exclusion(
                entity=Entity(filter=EventColumn(column="event", condition=Equals(texts=("d",)))),
                from_step=0,
                to_step=1,
            ),
        ),
    ],
)
def test_an_exclusion_is_an_event_between_two_steps(sent: list[dict[str, Any]], meant: Exclusion) -> None:
    assert funnel_of(PROJECT, {**WHOLE, "exclusions": sent}).exclusions == (meant,)


def test_an_action_can_be_excluded(project: Project) -> None:
    action = Action.objects.create(project=project, name="x", steps=[{"event": "d"}, {"event": "e"}])
    sent = [excluded(D), {"id": action.pk, "type": "actions", "funnel_from_step": 1, "funnel_to_step": 2}]
    assert funnel_of(project, {**WHOLE, "exclusions": sent}).exclusions == (
        Exclusion(entity=of("d"), from_step=0, to_step=1),
        Exclusion(entity=of("d", "e"), from_step=1, to_step=2),
    )


def test_in_an_unordered_funnel_an_exclusion_spans_all_steps() -> None:
    sent = {**WHOLE, "funnel_order_type": "unordered", "exclusions": [excluded(D, 0, 2)]}
    assert funnel_of(PROJECT, sent).exclusions == (Exclusion(entity=of("d"), from_step=0, to_step=2),)


# Trends.

TRENDS: dict[str, Any] = {
    **STEPS,
    "funnel_viz_type": "trends",
    "entrance_period_start": "2024-03-10",
    "date_from": "2024-01-01",
}


def span(start: str, end: str) -> Span:
    return Span(start=datetime.fromisoformat(start), end=datetime.fromisoformat(end))


@pytest.mark.parametrize(
    ("sent", "timezone", "bucket"),
    [
        ({}, "UTC", span("2024-03-10T00:00Z", "2024-03-11T00:00Z")),
        ({}, "America/New_York", span("2024-03-10T05:00Z", "2024-03-11T04:00Z")),
        ({"interval": "hour"}, "Europe/Berlin", span("2024-03-09T23:00Z", "2024-03-10T00:00Z")),
        ({"interval": "minute"}, "UTC", span("2024-03-10T00:00Z", "2024-03-10T01:00Z")),
        ({"interval": "week"}, "UTC", span("2024-03-10T00:00Z", "2024-03-17T00:00Z")),
        ({"interval": "month"}, "UTC", span("2024-03-01T00:00Z", "2024-04-01T00:00Z")),
        (
            {"entrance_period_start": "2024-03-10 15:30:00"},
            "UTC",
            span("2024-03-10T00:00Z", "2024-03-11T00:00Z"),
        ),
        (
            {"entrance_period_start": "2024-03-10T23:30:00-05:00"},
            "UTC",
            span("2024-03-11T00:00Z", "2024-03-12T00:00Z"),
        ),
        (
            {"entrance_period_start": "2024-03-10T23:30:00 05:00", "interval": "hour"},
            "UTC",
            span("2024-03-10T18:00Z", "2024-03-10T19:00Z"),
        ),
        (
            {"entrance_period_start": "2011-12-30"},
            "Pacific/Apia",
            span("2011-12-30T10:00Z", "2011-12-31T10:00Z"),
        ),
        ({"entrance_period_start": "-1d"}, "UTC", span("2024-03-14T00:00Z", "2024-03-15T00:00Z")),
    ],
)
def test_the_entrance_is_the_bucket_that_the_start_is_in(
    sent: dict[str, Any], timezone: str, bucket: Span
) -> None:
    query = funnel_of(Project(pk=1, timezone=timezone), {**TRENDS, **sent})
    assert (query.entrance, query.furthest) == (bucket, (3,))


def test_weeks_begin_on_the_projects_day() -> None:
    query = funnel_of(Project(pk=1, week_start_day=1), {**TRENDS, "interval": "week"})
    assert query.entrance == span("2024-03-04T00:00Z", "2024-03-11T00:00Z")


def test_a_line_graph_is_of_trends() -> None:
    sent = {**TRENDS, "display": "ActionsLineGraph"}
    del sent["funnel_viz_type"]
    assert funnel_of(PROJECT, sent) == funnel_of(PROJECT, TRENDS)


@pytest.mark.parametrize(
    ("sent", "names", "furthest"),
    [
        ({}, "abc", (3,)),
        ({"drop_off": False, "funnel_step": 99}, "abc", (3,)),
        ({"drop_off": True}, "abc", (1, 2)),
        ({"drop_off": "1"}, "abc", (1, 2)),
        ({"funnel_to_step": 1}, "ab", (2,)),
        ({"funnel_to_step": 1, "drop_off": True}, "ab", (1,)),
        ({"funnel_from_step": 1}, "abc", (3,)),
        ({"funnel_from_step": 1, "drop_off": "yes"}, "abc", (2,)),
        ({"funnel_from_step": 0, "funnel_to_step": 2, "drop_off": True}, "abc", (1, 2)),
        ({"funnel_from_step": "", "funnel_to_step": ""}, "abc", (3,)),
        ({"funnel_order_type": "strict", "funnel_to_step": 1}, "ab", (2,)),
    ],
)
def test_trends_ask_who_got_from_one_step_to_another_or_did_not(
    sent: dict[str, Any], names: str, furthest: tuple[int, ...]
) -> None:
    query = funnel_of(PROJECT, {**TRENDS, **sent})
    assert (query.steps, query.furthest) == (tuple(map(of, names)), furthest)


@pytest.mark.parametrize(
    ("exclusions", "to_step", "ranges"),
    [
        ([excluded(D, 0, 2), excluded(D, 1, 2)], 2, [(0, 2), (1, 2)]),
        ([excluded(D, 0, 2), excluded(D, 1, 2)], 1, [(0, 1)]),
        ([excluded(D, 1, 2)], 1, []),
    ],
)
def test_exclusions_after_the_last_step_that_trends_look_at_do_not_count(
    exclusions: list[dict[str, Any]], to_step: int, ranges: list[tuple[int, int]]
) -> None:
    query = funnel_of(PROJECT, {**TRENDS, "exclusions": exclusions, "funnel_to_step": to_step})
    assert [(each.from_step, each.to_step) for each in query.exclusions] == ranges


def test_dropping_off_before_an_exclusion_begins_is_answered() -> None:
    sent = {**TRENDS, "exclusions": [excluded(D, 1, 2)], "funnel_to_step": 1, "drop_off": True}
    assert funnel_of(PROJECT, sent).furthest == (1,)


# Breakdowns.


# As PostHog writes an entity whose fields are not set, and what it says of one without any effect.
NULLS: dict[str, Any] = dict.fromkeys(
    (
        "order", "math", "math_property", "math_property_type", "math_multiplier",
        "math_property_revenue_currency", "math_group_type_index", "math_hogql", "optionalInFunnel",
        "fixedProperties", "table_name", "id_field", "timestamp_field", "distinct_id_field",
    )
)  # fmt: skip
LABELS: dict[str, Any] = {
    "type": "events", "name": "A", "custom_name": "First", "kind": "EventsNode", "version": 1, "uuid": "x",
    "index": 0, "days": [], "limit": 100, "orderBy": ["timestamp"], "response": {},
}  # fmt: skip


def test_what_else_posthog_sends_is_accepted_without_effect() -> None:
    neutral: dict[str, Any]
    for neutral in (
        {"display": "ActionsTable"},
        {"display": ""},
        {"exclusions": ""},
        {"exclusions": []},
        {"exclusions": "[]"},
        {"breakdowns": ""},
        {"breakdown_attribution_type": "all_events"},
        {"funnel_from_step": 0, "funnel_to_step": 2},
        {"drop_off": "false"},
        {"breakdown_hide_other_aggregation": True, "funnel_step_reference": "total"},
        {"events": [{**A, **NULLS, **LABELS}, B, C]},
        {"entrance_period_start": ""},
        {"include_recordings": "true"},
        {"funnel_aggregate_by_hogql": "person_id"},
        {"sampling_factor": 1},
        {"aggregation_group_type_index": ""},
        {"breakdown_histogram_bin_count": "", "breakdown_group_type_index": ""},
    ):
        assert (neutral, funnel_of(PROJECT, {**WHOLE, **neutral})) == (neutral, funnel_of(PROJECT, WHOLE))
