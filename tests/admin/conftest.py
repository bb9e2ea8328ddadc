from collections.abc import Callable

import pytest

from clickhouse.client import ClickHouse
from persons.installation import owner
from persons.models import Membership, Project, User
from tests.admin.site import Site
from tests.api.world import World
from tests.api_client import Api


@pytest.fixture
def world(api: Api, project: Project, clickhouse: ClickHouse) -> World:
    return World(api, project, clickhouse)


@pytest.fixture
def site(project: Project, clickhouse: ClickHouse) -> Site:
    """The site as a superuser sees it."""
    return Site.opened(owner(), project)


@pytest.fixture
def site_of(project: Project, clickhouse: ClickHouse) -> Callable[[str | None], Site]:
    """The site as somebody with a level in the project sees it; None for somebody of another project."""

    def opened(level: str | None) -> Site:
        user = User.objects.create_user(f"{level}@example.com", is_staff=True)
        own = project if level else Project.objects.create(name="Another")
        Membership.objects.create(user=user, project=own, level=level or Membership.Level.ADMIN)
        return Site.opened(user, project)

    return opened
