"""The SQL of representative questions, to be read by people: `tests/clickhouse/sql/*.sql`.

A change of a statement is a change of its file. `GOLDEN=write make test
ARGS=tests/clickhouse/test_golden_sql.py` writes them anew; the difference is reviewed by eye.
"""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from clickhouse import removal
from clickhouse.correlation import correlation_statement
from clickhouse.distinct_ids import events_statement
from clickhouse.event_list import documents_statement, one_statement
from clickhouse.event_list import page_statement as events_page_statement
from clickhouse.funnel import funnel_statement
from clickhouse.history import history_statement
from clickhouse.lifecycle import lifecycle_statement
from clickhouse.persons import page_statement
from clickhouse.portions import Ids
from clickhouse.query.conditions import Span
from clickhouse.query.correlation import CorrelationQuery
from clickhouse.query.dates import DateRange, interval_starts
from clickhouse.query.events import EventsQuery, Place
from clickhouse.query.filters import EVERYTHING, Entity, Filter, InStaticCohort, PersonIs, both
from clickhouse.query.funnel import EventBreakdown, Exclusion, FunnelQuery
from clickhouse.query.history import HistoryQuery
from clickhouse.query.lifecycle import LifecycleQuery, LifecycleType
from clickhouse.query.persons import PersonsQuery
from clickhouse.query.search import search_filter
from clickhouse.query.timeline import TimelineQuery
from clickhouse.query.trends import Events, Intervals, Measure, Numbers, Sessions, TrendsQuery
from clickhouse.query.values import ValuesQuery
from clickhouse.sql.fragment import Fragment
from clickhouse.timeline import moments_statement
from clickhouse.trends import trends_statement
from clickhouse.values import distinct_ids_statement, values_statement
from persons.api.parameters.actions import STEPS
from persons.api.parameters.filters import steps_entity, stored_filter
from persons.api.parameters.leaves import Context
from persons.models import Project

FOLDER = Path(__file__).parent / "sql"
NOW = datetime(2024, 3, 15, 18, 20, tzinfo=UTC)
CONTEXT = Context(Project(pk=7, timezone="Europe/Berlin"), NOW)
COHORT = Context(CONTEXT.project, NOW, of_persons=True)
MARCH = DateRange(
    date_from=datetime(2024, 2, 29, 23, tzinfo=UTC),
    date_to=datetime(2024, 3, 31, 21, 59, 59, 999_999, tzinfo=UTC),
    timezone="Europe/Berlin",
)


def meant(filters: Any, context: Context = CONTEXT) -> Filter:
    return stored_filter(context, filters, "properties")


def funnel_query(*steps: Entity, **fields: Any) -> FunnelQuery:
    fields = {"furthest": (len(steps),), **fields}
    return FunnelQuery(project_id=7, steps=steps, date_range=MARCH, **fields)


def funnel(*steps: Entity, **fields: Any) -> Fragment:
    return funnel_statement(funnel_query(*steps, **fields))


def trends(measure: Measure, **fields: Any) -> Fragment:
    return trends_statement(
        TrendsQuery(project_id=7, entity=PAID, measure=measure, date_range=MARCH, **fields)
    )


def persons(asked: Filter) -> Fragment:
    return page_statement(PersonsQuery(project_id=7, filter=asked))


def lifecycle(lifecycle_type: LifecycleType, asked: Filter) -> Fragment:
    return lifecycle_statement(
        LifecycleQuery(
            project_id=7,
            entity=PAID,
            lifecycle_type=lifecycle_type,
            target_date=NOW,
            date_range=MARCH,
            filter=asked,
        )
    )


LEFT = Exclusion(entity=Entity(names=("left",)), from_step=0, to_step=1)
BUCKET = Span(start=datetime(2024, 3, 3, 23, tzinfo=UTC), end=datetime(2024, 3, 10, 23, tzinfo=UTC))
SIGNED_UP, PAID = Entity(names=("signed up",)), Entity(names=("paid",))
BROWSER = {"key": "$browser", "value": ["Chrome", "Safari"]}
EMAIL = {"key": "email", "operator": "not_icontains", "value": "@example.com", "type": "person"}
BUTTON = STEPS.validate_python(
    [
        {"event": "$autocapture", "text": "Buy now", "selector": "form > button.primary"},
        {"event": "bought", "url": "/checkout"},
    ]
)
OFTEN = {
    "type": "behavioral", "value": "performed_event_multiple", "key": "paid", "time_value": 30,
    "time_interval": "day", "operator": "gte", "operator_value": 3,
}  # fmt: skip
REMAINS = removal.Remains(
    project_id=7,
    distinct_ids=("ann", "bob"),
    generations=(0, 2),
    versions=(1, 203),
    arrivals=(4711, 4712),
    is_whole=False,
)

STATEMENTS = {
    "funnel": lambda: funnel(SIGNED_UP, PAID),
    "funnel_with_a_repeated_step": lambda: funnel(SIGNED_UP, SIGNED_UP, PAID),
    "funnel_of_filtered_events": lambda: funnel(SIGNED_UP, PAID, filter=meant([BROWSER, EMAIL])),
    "funnel_with_filtered_steps": lambda: funnel(
        SIGNED_UP.model_copy(update={"filter": meant([{"key": "seats", "operator": "gt", "value": 5}])}),
        PAID.model_copy(update={"filter": meant({"type": "OR", "values": [BROWSER, EMAIL]})}),
    ),
    "funnel_with_an_action": lambda: funnel(steps_entity(CONTEXT, BUTTON, "steps"), PAID),
    "funnel_in_strict_order": lambda: funnel(SIGNED_UP, PAID, order="strict"),
    "funnel_in_no_order": lambda: funnel(SIGNED_UP, PAID, order="unordered"),
    "funnel_with_an_exclusion": lambda: funnel(SIGNED_UP, PAID, exclusions=(LEFT,)),
    "funnel_by_first_touch": lambda: funnel(
        SIGNED_UP, PAID, breakdown=EventBreakdown(key="$browser", values=("Chrome",))
    ),
    "funnel_by_the_value_of_a_step": lambda: funnel(
        SIGNED_UP,
        PAID,
        breakdown=EventBreakdown(key="$browser", attribution="step", step=1, values=("Chrome", "")),
    ),
    "funnel_of_a_bucket": lambda: funnel(SIGNED_UP, PAID, entrance=BUCKET),
    "funnel_with_a_first_time": lambda: funnel(SIGNED_UP.model_copy(update={"first_time": True}), PAID),
    "correlation": lambda: correlation_statement(
        CorrelationQuery(
            funnel=funnel_query(SIGNED_UP, PAID, furthest=(1, 2)),
            entity=Entity(names=("watched",)),
            excluded_names=("signed up", "paid"),
            converted=True,
        )
    ),
    "lifecycle_new": lambda: lifecycle("new", meant([BROWSER, EMAIL])),
    "lifecycle_resurrecting": lambda: lifecycle("resurrecting", EVERYTHING),
    "events_behind_a_hold": lambda: events_statement(7, Ids(["ann"], [2])),
    "page_of_events": lambda: events_page_statement(EventsQuery(project_id=7, before=NOW), MARCH),
    "page_of_events_of_a_person": lambda: events_page_statement(
        EventsQuery(
            project_id=7,
            before=NOW,
            entity=PAID,
            filter=both(PersonIs(uuid=UUID(int=1)), meant([BROWSER])),
            distinct_ids=("ada", "anon"),
            generations=(0, 2),
            order="oldest",
            beyond=Place(NOW, 4711, UUID(int=2)),
        ),
        MARCH,
    ),
    "documents_of_events": lambda: documents_statement(
        7, [Place(NOW, 4712, UUID(int=2)), Place(MARCH.date_from, 4711, UUID(int=3))]
    ),
    "one_event": lambda: one_statement(7, UUID(int=2)),
    "history_of_one_person": lambda: history_statement(
        HistoryQuery(project_id=7, distinct_ids=("ada", "anon"), numbers=(0, 0), until=NOW)
    ),
    "history_of_two_persons": lambda: history_statement(
        HistoryQuery(project_id=7, distinct_ids=("ada", "bob"), numbers=(0, 1), with_events=True)
    ),
    "moments_of_a_timeline": lambda: moments_statement(
        TimelineQuery(
            project_id=7,
            person=UUID(int=1),
            distinct_ids=("ada", "anon"),
            generations=(0, 2),
            date_range=MARCH,
            entities=(PAID,),
            filter=meant([BROWSER]),
        )
    ),
    "trends": lambda: trends(Events(), filter=meant([BROWSER, EMAIL])),
    "trends_of_sessions": lambda: trends(Sessions()),
    "trends_of_a_percentile": lambda: trends(Numbers(key="amount", statistic="p90")),
    "trends_of_events_or_persons": lambda: trends(
        Events(), filter=meant({"type": "OR", "values": [BROWSER, EMAIL]})
    ),
    "stickiness": lambda: trends(
        Intervals(starts=interval_starts(MARCH, "week", week_start_day=1, most=10)), value=3
    ),
    "removal_of_events": lambda: removal.statement(removal.DELETE, removal.EVENTS, REMAINS),
    "removal_of_history": lambda: removal.statement(
        removal.DELETE, removal.HISTORY, replace(REMAINS, is_whole=True)
    ),
    "persons_found_by_search": lambda: persons(search_filter("ada")),
    "persons_in_a_static_cohort": lambda: persons(InStaticCohort(cohort_id=3)),
    "persons_in_a_dynamic_cohort": lambda: persons(both(meant([OFTEN, {**EMAIL, "negation": True}], COHORT))),
    "persons_created_by_date_and_version": lambda: persons(
        meant(
            [
                {"key": "trial_ends", "operator": "is_date_before", "value": "2024-03-15"},
                {"key": "app", "operator": "semver_caret", "value": "1.2.3"},
            ],
            COHORT,
        )
    ),
    "values_of_a_property": lambda: values_statement(
        ValuesQuery(project_id=7, key="plan", search="pro"), shared=True
    ),
    "values_that_are_distinct_ids": lambda: distinct_ids_statement(
        ValuesQuery(project_id=7, key="distinct_id")
    ),
}


def readable(statement: Fragment) -> str:
    values = "".join(f"--   {name} = {value!r}\n" for name, value in statement.parameters.items())
    return f"{statement.text}\n\n-- with\n{values}"


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_what_its_file_says(name: str) -> None:
    file, text = FOLDER / f"{name}.sql", readable(STATEMENTS[name]())
    if os.environ.get("GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert file.read_text() == text


def test_there_is_no_file_without_a_statement() -> None:
    assert {file.stem for file in FOLDER.glob("*.sql")} == set(STATEMENTS)
