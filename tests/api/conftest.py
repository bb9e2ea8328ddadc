import pytest

from clickhouse.client import ClickHouse
from persons.models import Project
from tests.api.helpers import Capture, change, event
from tests.api.world import World
from tests.api_client import Api


@pytest.fixture
def world(api: Api, project: Project, clickhouse: ClickHouse) -> World:
    return World(api, project, clickhouse)


@pytest.fixture
def trends(project: Project) -> str:
    """Where trends are asked for."""
    return f"/api/projects/{project.pk}/persons/trends/"


@pytest.fixture
def sticky(project: Project) -> str:
    """Where stickiness is."""
    return f"/api/projects/{project.pk}/persons/stickiness/"


@pytest.fixture
def ann_and_bob(capture: Capture) -> None:
    ann = {"email": "ann@example.com", "visits": 3, "plan": None}
    capture(
        event("a", "ann", "2024-03-01T10:00:00Z", properties={"$set": ann}),
        event("a", "bob", "2024-03-02T10:00:00.25Z", properties={"$set": {"tags": ["x", 1], "note": '"=1"'}}),
    )


@pytest.fixture
def plans(capture: Capture) -> None:
    capture(
        change("2024-03-01T10:00:00Z", set={"plan": "free", "email": "u@example.com"}),
        change("2024-03-02T10:00:00.500000Z", set={"plan": "pro"}, set_once={"first": 1, "plan": "never"}),
        change("2024-03-03T10:00:00Z", name="bought", set_once={"first": 2, "second": None}, unset=["email"]),
    )
