import pytest

from clickhouse.client import ClickHouse
from persons.models import Project
from tests.api.world import World
from tests.api_client import Api


@pytest.fixture
def world(api: Api, project: Project, clickhouse: ClickHouse) -> World:
    return World(api, project, clickhouse)
