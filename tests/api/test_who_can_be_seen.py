"""A person that was deleted is in no answer of any endpoint, nor is what has come for its ids since."""

import json
import re
from typing import Any

import pytest
from django.urls import get_resolver

from clickhouse.client import ClickHouse
from persons.api.views.not_built import NOT_BUILT
from persons.api.views.not_kept import NOT_KEPT
from persons.models import Project
from tests.api.world import MARCH, World
from tests.api_client import Api
from tests.test_documentation import paths

FUNNEL = {**MARCH, "events": [{"id": "sign up"}, {"id": "paid"}], "funnel_step": 1}
CORRELATION = {**FUNNEL, "funnel_correlation_person_entity": {"id": "asked", "type": "events"}}
ONE = {**MARCH, "events": [{"id": "paid"}], "interval": "month"}
LIFECYCLE = {**ONE, "lifecycle_type": "new", "target_date": "2024-03-01"}
TRENDS = {**MARCH, "entity_id": "paid", "type": "events", "interval": "month"}
STICKINESS = {**TRENDS, "stickiness_days": 1}
HAS_EMAIL = [{"key": "email", "operator": "is_set", "type": "person", "value": True}]
LATER = {"timestamp": "2024-03-31"}

# Endpoint → a request whose answer has everybody in it who can be seen; `{...}` is filled in below.
READING: dict[str, tuple[str, dict[str, Any]]] = {
    "persons/": ("persons/", {}),
    "persons.csv/": ("persons.csv/", {}),
    "persons/?search": ("persons/", {"search": "a"}),
    "persons/?email": ("persons/", {"email": "ann@example.com"}),
    "persons/?distinct_id": ("persons/", {"distinct_id": "ann"}),
    "persons/?properties": ("persons/", {"properties": HAS_EMAIL}),
    "persons/:person_id/": ("persons/{ann}/", {}),
    "persons/:person_id/properties_history/": ("persons/{ann}/properties_history/", {}),
    "persons/:person_id/properties_timeline/": ("persons/{ann}/properties_timeline/", ONE),
    "persons/batch_by_distinct_ids/": (
        "POST persons/batch_by_distinct_ids/",
        {"distinct_ids": ["ann", "bob"]},
    ),
    "persons/batch_by_uuids/": ("POST persons/batch_by_uuids/", {"uuids": ["{ann}"]}),
    "persons/cohorts/": ("persons/cohorts/", {"person_id": "{ann}"}),
    "persons/funnel/": ("persons/funnel/", FUNNEL),
    "persons/funnel.csv/": ("persons/funnel.csv/", FUNNEL),
    "persons/funnel/correlation/": ("persons/funnel/correlation/", CORRELATION),
    "persons/funnel/correlation.csv/": ("persons/funnel/correlation.csv/", CORRELATION),
    "persons/lifecycle/": ("persons/lifecycle/", LIFECYCLE),
    "persons/lifecycle.csv/": ("persons/lifecycle.csv/", LIFECYCLE),
    "persons/properties_at_time/": ("persons/properties_at_time/", {**LATER, "person_id": "{ann}"}),
    "persons/properties_at_time/ for many": (
        "POST persons/properties_at_time/",
        {**LATER, "distinct_ids": ["ann"]},
    ),
    "persons/properties_at_time.csv/": ("persons/properties_at_time.csv/", {**LATER, "person_id": "{ann}"}),
    "persons/properties_diff/": (
        "persons/properties_diff/",
        {"person_id": "{ann}", "from": "2024-02-01", "to": "2024-04-01"},
    ),
    "persons/stickiness/": ("persons/stickiness/", STICKINESS),
    "persons/stickiness.csv/": ("persons/stickiness.csv/", STICKINESS),
    "persons/trends/": ("persons/trends/", TRENDS),
    "persons/trends.csv/": ("persons/trends.csv/", TRENDS),
    "persons/values/": ("persons/values/", {"key": "email"}),
    "persons/values/ that are distinct ids": ("persons/values/", {"key": "distinct_id"}),
    "persons/:person_id/distinct_ids/": ("persons/{ann}/distinct_ids/", {}),
    "events/": ("events/", {"after": "2024-02-01", "before": "2024-04-01"}),
    "events/:event_id/": ("events/{event}/", {}),
    "cohorts/:cohort_id/persons/": ("cohorts/{static}/persons/", {}),
    "cohorts/:cohort_id/persons.csv/": ("cohorts/{dynamic}/persons.csv/", {}),
}
READING |= {
    name.replace(".csv/", ".ndjson/"): (path.replace(".csv/", ".ndjson/"), asked)
    for name, (path, asked) in READING.items()
    if name.endswith(".csv/")
}
# What shows no persons, or what was done to some, deliberately.
OTHERS = {
    "activity/",
    "actions/",
    "actions/:action_id/",
    *(f"{name}/" for name in NOT_KEPT),
    "cohorts/",
    "cohorts/:cohort_id/",
    "persons/activity/",
    "persons/deletion_status/",
    "persons/:person_id/activity/",
}


@pytest.fixture
def world(api: Api, project: Project, clickhouse: ClickHouse) -> World:
    return World(api, project, clickhouse)


@pytest.fixture
def places(world: World) -> dict[str, Any]:
    """Ann and Bob, who did everything, and two cohorts that have both."""
    for name in ("ann", "bob"):
        world.did(name, "sign up", "asked", "paid", sets={"email": f"{name}@example.com"})
    cohorts = f"/api/projects/{world.project.pk}/cohorts/"
    is_set = {"key": "email", "operator": "is_set", "type": "person", "value": True}
    filters = {"properties": {"type": "AND", "values": [is_set]}}
    static = world.api.post(cohorts, {"name": "s", "is_static": True, "distinct_ids": ["ann", "bob"]}).json()
    dynamic = world.api.post(cohorts, {"name": "d", "filters": filters}).json()
    world.drain()
    events = world.api.get(f"/api/projects/{world.project.pk}/events/", READING["events/"][1]).json()
    event = next(each["id"] for each in events["results"] if each["distinct_id"] == "ann")
    return {"static": static["id"], "dynamic": dynamic["id"], "ann": world.uuid("ann"), "event": event}


def answer(world: World, places: dict[str, Any], name: str) -> str:
    path, asked = READING[name]
    method, _, path = path.rpartition(" ")
    body = json.loads(json.dumps(asked).replace("{ann}", places["ann"]))
    address = f"/api/projects/{world.project.pk}/{path.format(**places)}"
    response = world.api.post(address, body) if method else world.api.get(address, body)
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return f"{response.status_code} {content.decode()}"


@pytest.mark.parametrize("name", READING)
def test_a_deleted_person_is_seen_by_no_endpoint_until_it_is_reset(
    world: World, places: dict[str, Any], name: str
) -> None:
    path, asked = READING[name]
    of_ann = "{ann}" in path or "{event}" in path or asked.get("person_id") == "{ann}"
    told = answer(world, places, name)
    assert told.startswith("200")
    assert "ann" in told or of_ann

    def is_hidden() -> bool:
        told = answer(world, places, name)
        assert told[:3] == ("404" if of_ann else "200")
        # It may say which name it was asked for, and that it belongs to nobody.
        told = re.sub(r'"not_found":\["ann"\]', "", told)
        return of_ann or ("ann" not in told and places["ann"] not in told)

    world.delete("ann")
    assert is_hidden()
    for day in (5, 6):
        world.did("ann", "sign up", "asked", "paid", day=day, sets={"email": "ann@example.com"})
        world.identify("ann", "device", day=day)
    assert is_hidden()
    world.reset("ann")
    # It is a new person: in no static cohort, and not under the old uuid.
    assert is_hidden() == (of_ann or "{ann}" in str(asked) or "static" in path)


def test_every_endpoint_that_reads_is_in_the_table() -> None:
    readers = {
        path.removeprefix("api/projects/:project_id/")
        for path in paths(get_resolver().url_patterns)
        if path.startswith("api/projects/:project_id/") and path != "api/projects/:project_id/"
    }
    writers = ("_property/", "/split/", "delete", "reset_person", "_static_cohort/")
    readers = {path for path in readers if not any(part in path for part in writers)}
    readers -= {f"persons/{name}/" for name in NOT_BUILT}
    assert readers - OTHERS == {re.sub(r"[? ].*", "", name) for name in READING}
