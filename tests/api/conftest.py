from collections.abc import Iterator

import pytest
from django.conf import settings

from clickhouse.client import ClickHouse
from persons.models import Project
from tests.api.world import World
from tests.api_client import Api


@pytest.fixture(scope="package", autouse=True)
def no_static_files() -> Iterator[None]:
    """Each new client reads all of the admin site's files otherwise, which takes longer than a request."""
    settings.WHITENOISE_USE_FINDERS, before = False, settings.WHITENOISE_USE_FINDERS
    yield
    settings.WHITENOISE_USE_FINDERS = before


@pytest.fixture
def world(api: Api, project: Project, clickhouse: ClickHouse) -> World:
    return World(api, project, clickhouse)
