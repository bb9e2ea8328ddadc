"""Trends and stickiness of a value of a breakdown."""

from typing import Any

import pytest

from persons.models import Cohort, Project
from tests.api.helpers import Capture
from tests.api.trends import ASKED, STICKY, values_of, viewed
from tests.api_client import Api


@pytest.fixture
def visits(capture: Capture) -> None:
    def visit(who: str, url: Any, price: Any, plan: str | None = None) -> dict[str, Any]:
        person = {"$set": {"plan": plan}} if plan is not None else {}
        sent = {name: value for name, value in (("url", url), ("price", price)) if value is not ...}
        return viewed(who, **sent, **person)

    capture(
        visit("plain", "https://a.io", 5, "pro"),
        visit("slash", "https://a.io/", 7.5, "pro"),
        visit("query", "https://a.io/?#", "10"),
        visit("root", "/", 20, "free"),
        visit("empty", "", "", ""),
        visit("none", ..., ...),
        visit("null", None, "many"),
        visit("yes", True, 1),
    )


@pytest.mark.parametrize(
    ("by", "people"),
    [
        ({"breakdown": "url"}, "plain slash query root empty none null yes"),
        ({"breakdown_value": ""}, "plain slash query root empty none null yes"),
        ({"breakdown": "url", "breakdown_value": "https://a.io"}, "plain"),
        ({"breakdown": "url", "breakdown_value": ""}, "empty none null"),
        ({"breakdown": "url", "breakdown_value": "$$_posthog_breakdown_null_$$"}, "empty none null"),
        ({"breakdown": "url", "breakdown_value": "true"}, "yes"),
        ({"breakdown": "price", "breakdown_value": "7.5"}, "slash"),
        ({"breakdown": "price", "breakdown_value": "10"}, "query"),
        ({"breakdown": "price", "breakdown_value": "10.0"}, ""),
        ({"breakdown": "url", "breakdown_value": "https://a.io", "breakdown_normalize_url": "true"},
         "plain slash query"),
        ({"breakdown": "url", "breakdown_value": "https://a.io/", "breakdown_normalize_url": "true"},
         "plain slash query"),
        ({"breakdown": "url", "breakdown_value": "/", "breakdown_normalize_url": "1"}, "root empty"),
        ({"breakdown": "url", "breakdown_value": "", "breakdown_normalize_url": "1"}, "none null"),
        ({"breakdowns": [{"property": "url", "normalize_url": True}], "breakdown_value": "https://a.io"},
         "plain slash query"),
        ({"breakdowns": [{"property": "url", "normalize_url": False}], "breakdown_value": "https://a.io",
          "breakdown_normalize_url": "true"}, "plain"),
        ({"breakdown": "plan", "breakdowns": [{"property": "url"}], "breakdown_value": "/"}, "root"),
        ({"breakdowns": [{"property": "url"}, {"property": "price"}]},
         "plain slash query root empty none null yes"),
        ({"breakdown": "price", "breakdown_histogram_bin_count": "5", "breakdown_value": "[5, 10]"},
         "plain slash"),
        ({"breakdown": "price", "breakdown_histogram_bin_count": "5", "breakdown_value": "[7.5,20.01]"},
         "slash query root"),
        ({"breakdowns": [{"property": "price", "histogram_bin_count": 3}], "breakdown_value": "[1,1]"}, ""),
        ({"breakdown": "price", "breakdown_histogram_bin_count": "5", "breakdown_value": ""},
         "empty none"),
        ({"breakdown": "price", "breakdown_histogram_bin_count": "5", "breakdown_value": '["",""]'},
         "plain slash query root empty none null yes"),
        ({"breakdowns": [{"property": "plan", "type": "person", "histogram_bin_count": 3}],
          "breakdown_value": '[ "", "" ]'}, "plain slash query root empty none null yes"),
        ({"breakdown": "plan", "breakdown_type": "person", "breakdown_value": "pro"}, "plain slash"),
        ({"breakdown": "plan", "breakdown_type": "person", "breakdown_value": ""},
         "query empty none null yes"),
        ({"breakdowns": [{"property": "plan", "type": "person"}], "breakdown_value": "free"}, "root"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("visits")
def test_a_value_of_a_breakdown_is_one_more_filter(
    api: Api, trends: str, by: dict[str, Any], people: str
) -> None:
    assert set(values_of(api.get(trends, {**ASKED, **by}))) == set(people.split())
    assert set(values_of(api.post(trends, {**ASKED, **by}))) == set(people.split())


@pytest.mark.usefixtures("visits")
def test_values_may_be_numbers_booleans_and_lists_in_a_body(api: Api, trends: str) -> None:
    for by, people in (
        ({"breakdown": "url", "breakdown_value": True}, {"yes"}),
        ({"breakdown": "price", "breakdown_value": 7.5}, {"slash"}),
        ({"breakdown": "price", "breakdown_value": 10}, {"query"}),
        (
            {"breakdown": "price", "breakdown_histogram_bin_count": 5, "breakdown_value": [5, 10]},
            {"plain", "slash"},
        ),
        (
            {"breakdown": "price", "breakdown_histogram_bin_count": 5, "breakdown_value": ["", ""]},
            {"plain", "slash", "query", "root", "empty", "none", "null", "yes"},
        ),
    ):
        assert set(values_of(api.post(trends, {**ASKED, **by}))) == people


@pytest.mark.usefixtures("visits")
def test_a_cohort_is_a_value_too(api: Api, project: Project, trends: str) -> None:
    leaf = {"type": "person", "key": "plan", "value": "pro"}
    filters = {"properties": {"type": "AND", "values": [leaf]}}
    cohort = Cohort.objects.create(project=project, name="pro", filters=filters).pk
    by = {**ASKED, "breakdown_type": "cohort", "breakdown": [cohort, "all"]}
    assert set(values_of(api.post(trends, {**by, "breakdown_value": str(cohort)}))) == {"plain", "slash"}
    assert set(values_of(api.post(trends, {**by, "breakdown_value": cohort}))) == {"plain", "slash"}
    assert len(values_of(api.post(trends, {**by, "breakdown_value": "all"}))) == 8
    assert len(values_of(api.post(trends, by))) == 8


@pytest.mark.usefixtures("visits")
def test_stickiness_takes_breakdowns_and_entities_as_trends_do(api: Api, sticky: str) -> None:
    series = {"events": [{"id": "V", "properties": [{"key": "price", "operator": "gt", "value": 5}]}]}
    assert set(values_of(api.post(sticky, {**STICKY, **series}))) == {"slash", "query", "root"}
    by = {"breakdown": "plan", "breakdown_type": "person", "breakdown_value": "pro"}
    assert set(values_of(api.post(sticky, {**STICKY, **by}))) == {"plain", "slash"}
