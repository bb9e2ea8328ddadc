"""From the parameters of a lifecycle to the question they ask."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError

from clickhouse.query.filters import Entity
from clickhouse.query.lifecycle import LifecycleQuery
from persons.api.parameters.leaves import Context
from persons.api.parameters.lifecycle import LifecycleParameters, lifecycle_query
from persons.models import Project
from tests.api.parameters.helpers import NOW, parsed

WHOLE: dict[str, Any] = {"events": [{"id": "a"}], "lifecycle_type": "returning"}
BERLIN = "Europe/Berlin"


def lifecycle_of(sent: dict[str, Any], timezone: str = BERLIN, week_start_day: int = 0) -> LifecycleQuery:
    """The question at 18:20 UTC on Friday, 15 March 2024."""
    project = Project(pk=1, timezone=timezone, week_start_day=week_start_day)
    asked = parsed(LifecycleParameters, {**WHOLE, **sent})
    return lifecycle_query(asked, Context(project, NOW), lambda: datetime(2024, 1, 3, 12, tzinfo=UTC))


def spoken(query: LifecycleQuery) -> str:
    """The starts of the target and of the period before it, and the ends of what is seen."""
    return ", ".join(f"{each:%m-%d %H}" for each in (query.target.start, query.previous.start, *query.seen))


ON_13 = {"target_date": "2024-03-13"}
BY_HOUR, BY_WEEK = {**ON_13, "interval": "hour"}, {**ON_13, "interval": "week"}


# Midnight in Berlin is 23:00 UTC in winter.
@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        (ON_13, "03-12 23, 03-11 23, 03-11 23, 03-13 23"),
        ({"target_date": "2024-03-13T23:30:00Z"}, "03-13 23, 03-12 23, 03-12 23, 03-14 23"),
        ({"target_date": "-1d"}, "03-13 23, 03-12 23, 03-12 23, 03-14 23"),
        ({"target_date": "-1h", "interval": "hour"}, "03-15 17, 03-15 16, 03-15 16, 03-15 18"),
        ({"target_date": "-1h", "interval": "minute"}, "03-15 17, 03-15 16, 03-15 16, 03-15 18"),
        ({"target_date": "d", "interval": "week"}, "03-09 23, 03-02 23, 03-02 23, 03-16 23"),
        ({"target_date": "-1mStart", "interval": "month"}, "01-31 23, 12-31 23, 12-31 23, 02-29 23"),
        ({**ON_13, "date_from": "2024-03-10"}, "03-12 23, 03-11 23, 03-08 23, 03-13 23"),
        ({**ON_13, "date_to": "2024-03-14"}, "03-12 23, 03-11 23, 03-11 23, 03-14 23"),
        ({**ON_13, "date_from": "-7d", "date_to": "d"}, "03-12 23, 03-11 23, 03-06 23, 03-15 23"),
        ({**ON_13, "date_from": "all"}, "03-12 23, 03-11 23, 01-01 23, 03-13 23"),
        ({**BY_HOUR, "date_to": "2024-03-13"}, "03-12 23, 03-12 22, 03-12 22, 03-13 23"),
        ({**BY_HOUR, "date_from": "2024-03-12T01:40"}, "03-12 23, 03-12 22, 03-11 23, 03-13 00"),
        ({**BY_WEEK, "date_from": "2024-02-29"}, "03-09 23, 03-02 23, 02-17 23, 03-16 23"),
        (
            {"target_date": "2024-03-16", "date_to": "2024-03-15", "lifecycle_type": "dormant"},
            "03-15 23, 03-14 23, 03-13 23, 03-15 23",
        ),
    ],
)
def test_dates_become_whole_periods(sent: dict[str, Any], meant: str) -> None:
    assert spoken(lifecycle_of(sent)) == meant


def test_a_week_begins_on_the_projects_day() -> None:
    sent = {"target_date": "2024-03-13", "interval": "week"}
    starts = [lifecycle_of(sent, "UTC", day).target.start.day for day in (0, 1)]
    assert starts == [10, 11]


def test_a_day_that_was_skipped_is_nobodys_neighbour() -> None:
    query = lifecycle_of({"target_date": "2011-12-31"}, "Pacific/Apia")
    assert spoken(query).startswith("12-30 10, 12-29 10, ")


@pytest.mark.parametrize(
    ("sent", "attr", "told"),
    [
        ({"target_date": "2024-03-09"}, "target_date", "from 2024-03-10T00:00:00+01:00"),
        ({"target_date": "2024-03-15"}, "target_date", "for dormant also in the day after it"),
        ({"target_date": "2024-03-16", "lifecycle_type": "dormant"}, "target_date", "before 2024-03-15"),
        ({"target_date": "2024-03-20", "interval": "week"}, "target_date", "from 2024-03-10T00:00"),
        ({"target_date": "2024-03-12", "date_to": "2024-03-09"}, "date_from", "later than date_to"),
        ({"target_date": "2024-03-09", "date_to": None}, "date_from", "later than date_to"),
    ],
)
def test_a_target_that_can_have_nobody_is_refused(sent: dict[str, Any], attr: str, told: str) -> None:
    sent = {"date_from": "2024-03-10", "date_to": "2024-03-14", **sent}
    with pytest.raises(ValidationError) as refusal:
        lifecycle_of({name: value for name, value in sent.items() if value is not None})
    assert isinstance(refusal.value.detail, dict)
    assert told in str(refusal.value.detail[attr])


def test_what_is_counted_of_the_event_does_not_matter() -> None:
    sent = {"target_date": "d", "events": [{"id": "a", "math": "dau", "order": 3}]}
    assert lifecycle_of(sent).entity == Entity(names=("a",))
