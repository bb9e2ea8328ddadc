"""Those who read everything of a project: Airbyte's source, dlt's REST source, and an MCP server. What they
find is compared, record by record, with what was sent."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.contract import installed, mcp
from tests.contract.airbyte import Airbyte
from tests.contract.reading import PEOPLE, START, TEAMS, Kept, filled
from tests.contract.shop import Shop, asked

NOT_KEPT = ("annotations", "feature_flags", "insights")
# What docs/clients.md says that a key for Airbyte needs.
SCOPES = ["project:read", "person:read", "cohort:read", "query:read"]
Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def readers() -> Path:
    return installed.readers()


@pytest.fixture(scope="module")
def kept(served: tuple[str, str]) -> Kept:
    return filled(Shop.opened(*served))


@pytest.fixture(scope="module")
def neighbour(served: tuple[str, str]) -> Kept:
    """Another project, with little in it."""
    other = Kept(Shop.opened(*served))
    other.happened({"event": "opened", "distinct_id": "cat", "timestamp": START.isoformat()})
    other.persons["cat"] = {"distinct_ids": ["cat"], "properties": {}}
    return other


@pytest.fixture
def airbyte(readers: Path, kept: Kept, neighbour: Kept, tmp_path: Path) -> Airbyte:
    projects = [each.shop.project_id for each in (kept, neighbour)]
    wanted = {"label": "airbyte", "scopes": SCOPES, "scoped_projects": projects}
    key = asked(f"{kept.shop.url}/api/personal_api_keys/", kept.shop.key, wanted)["value"]
    config = {
        "api_key": key,
        "base_url": kept.shop.url,
        "start_date": f"{START:%Y-%m-%dT%H:%M:%SZ}",
        "events_time_step": 91,
    }
    return Airbyte(readers / "source-posthog", tmp_path, config)


def texts(records: Records) -> list[str]:
    """Records that can be compared whatever their order."""
    return sorted(json.dumps(each, sort_keys=True) for each in records)


def assert_events(found: Records, *projects: Kept) -> None:
    """Each event of the projects once, as it was sent, with whose it is."""
    as_sent = [
        {
            **{name: each[name] for name in ("event", "distinct_id", "properties")},
            "uuid": each["id"],
            "timestamp": datetime.fromisoformat(each["timestamp"]).isoformat(),
        }
        for each in found
    ]
    assert texts(as_sent) == texts(
        [{"properties": {}, **each} for kept in projects for each in kept.events.values()]
    )
    known = {
        each["distinct_id"]: each["person"]["properties"].get("email") for each in found if each["person"]
    }
    everybody = {name: each for kept in projects for name, each in kept.persons.items()}
    assert known == {name: each["properties"].get("email") for name, each in everybody.items()}


def assert_persons(found: Records, *projects: Kept) -> None:
    """Each person of the projects once, with all its distinct ids and properties."""
    as_sent = [
        {"distinct_ids": sorted(each["distinct_ids"]), "properties": each["properties"]} for each in found
    ]
    assert texts(as_sent) == texts([each for kept in projects for each in kept.persons.values()])


def test_airbyte_reads_everything_once_and_goes_on_from_there(
    airbyte: Airbyte, kept: Kept, neighbour: Kept
) -> None:
    with ThreadPoolExecutor() as both:
        status, streams = both.submit(airbyte.check), both.submit(airbyte.discover)
    assert status.result() == {"status": "SUCCEEDED"}
    by_name = {stream["name"]: stream for stream in streams.result()}
    assert set(by_name) == {"projects", "persons", "events", "cohorts", *NOT_KEPT}

    records, state = airbyte.read([*by_name.values()])
    assert set(records) == {"projects", "persons", "events", "cohorts"}
    assert {each["id"] for each in records["projects"]} == {kept.shop.project_id, neighbour.shop.project_id}
    assert_persons(records["persons"], kept, neighbour)
    assert_events(records["events"], kept, neighbour)
    assert sorted((each["id"], each["name"]) for each in records["cohorts"]) == [*kept.cohorts.items()]

    last = max(kept.events.values(), key=lambda each: each["timestamp"])
    later = (datetime.fromisoformat(last["timestamp"]) + timedelta(microseconds=1)).isoformat()
    new = [{"event": "paid", "distinct_id": "user-0", "timestamp": at} for at in (last["timestamp"], later)]
    kept.happened(*new)
    more, _ = airbyte.read([by_name["events"]], state)
    # The last of each project once more: others may have happened in the same instant, as one has here.
    (first,) = neighbour.events
    assert sorted(each["id"] for each in more["events"]) == sorted(
        [first, last["uuid"], *[*kept.events][-2:]]
    )


def test_dlt_finds_everything_by_following_next_and_by_offset(readers: Path, kept: Kept) -> None:
    paginators: dict[str, dict[str, Any]] = {
        "next": {"type": "json_link", "next_url_path": "next"},
        "offset": {"type": "offset", "limit": 100, "total_path": None},
    }
    # dlt has a meaning of its own for single braces.
    steps = '[{{"id": "visited"}}, {{"id": "paid"}}]'
    of_a_team = '[{{"key": "team", "type": "person", "value": 7}}]'
    asked_for = {
        "all persons": ("projects", "persons", "next", {"limit": 100}),
        "all persons again": ("environments", "persons/", "offset", {}),
        "a team": ("projects", "persons/", "next", {"limit": 3, "properties": of_a_team}),
        "a team again": ("environments", "persons", "offset", {"properties": of_a_team}),
        "buyers": (
            "environments",
            "persons/funnel",
            "next",
            {"limit": 100, "events": steps, "funnel_step": 2, "date_from": "all"},
        ),
        "all events": ("environments", "events", "next", {"limit": 3000}),
        "introductions": ("projects", "events/", "offset", {"event": "$identify"}),
        "cohorts": ("environments", "cohorts", "next", {"limit": 25}),
        "annotations": ("environments", "annotations/", "next", {}),
    }
    config = {
        "client": {
            "base_url": f"{kept.shop.url}/api/",
            "auth": {"type": "bearer", "token": kept.shop.key},
        },
        "resources": [
            {
                "name": name,
                "endpoint": {
                    "path": f"{kind}/{kept.shop.project_id}/{path}",
                    "params": params,
                    "data_selector": "results[0].people" if "funnel" in path else "results",
                    "paginator": paginators[paginator],
                },
            }
            for name, (kind, path, paginator, params) in asked_for.items()
        ],
    }
    program = [str(readers / "python"), str(Path(__file__).with_name("dlt_user.py")), json.dumps(config)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = dict(map(json.loads, done.stdout.splitlines()))

    assert_persons(found["all persons"], kept)
    assert found["all persons again"] == found["all persons"]
    team = [each for each in found["all persons"] if each["properties"]["team"] == 7]
    assert len(team) == PEOPLE // TEAMS
    assert (found["a team"], found["a team again"]) == (team, team)
    assert_persons(found["buyers"], kept)
    assert_events(found["all events"], kept)
    assert found["introductions"] == [each for each in found["all events"] if each["event"] == "$identify"]
    assert {each["id"]: each["name"] for each in found["cohorts"]} == kept.cohorts
    assert found["annotations"] == []


def test_an_assistant_finds_people_with_the_mcp_server(node_modules: Path, kept: Kept) -> None:
    script = node_modules / "posthog-mcp-server" / "dist" / "index.js"
    settings = {
        "POSTHOG_HOST": kept.shop.url,
        "POSTHOG_API_KEY": kept.shop.key,
        "POSTHOG_PROJECT": str(kept.shop.project_id),
    }
    with mcp.running(script, **settings) as tools:
        person = tools.call("get_person", distinct_id="anon-70")
        assert "**Person: user-70@example.com**" in person
        assert set(re.findall(r"(?:user|anon)-\d+", person.partition("Distinct IDs:")[2].split("\n")[0])) == {
            "anon-70",
            "user-70",
        }
        assert '- **likes**: ["ü",1.5,null,{}]' in person
        assert tools.call("get_person", distinct_id="gone") == "No person found with distinct_id: gone"

        assert re.findall(r"\*\*(\S+)\*\* \(ID", tools.call("list_persons", search="USER-77@")) == [
            "user-77@example.com"
        ]
        first, second = (tools.call("list_persons", limit=150, offset=start) for start in (0, 150))
        listed = re.findall(r"\*\*(\S+)\*\* \(ID", first + second)
        assert sorted(listed) == sorted(each["properties"]["email"] for each in kept.persons.values())

        filters = {"event": "$identify", "properties": '{"$anon_distinct_id": "anon-30"}'}
        events = tools.call("list_events", **filters, after="2024-03-01T00:00:00Z")
        assert events.startswith("**1 events**")
        assert "distinct_id: user-30\n" in events
        assert tools.call("list_cohorts").count("**Cohort ") == 100
        assert "Shop" in tools.call("get_project_info")
        for nothing in ("dashboards", "feature_flags", "experiments"):
            assert tools.call(f"list_{nothing}") == f"No {nothing.replace('_', ' ')} found."
