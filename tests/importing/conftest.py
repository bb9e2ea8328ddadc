from pathlib import Path

import pytest

from clickhouse.client import ClickHouse
from persons.models import Project
from tests.api.world import World
from tests.api_client import Api
from tests.importing.exported import Importer


@pytest.fixture
def importer(clickhouse: ClickHouse, project: Project, tmp_path: Path) -> Importer:
    return Importer(clickhouse, project, tmp_path)


@pytest.fixture
def world(api: Api, project: Project, clickhouse: ClickHouse) -> World:
    return World(api, project, clickhouse)
