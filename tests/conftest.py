"""The stores of a test run: a real PostgreSQL and a real ClickHouse engine, in a folder of their own."""

import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from clickhouse.client import ClickHouse, connect
from clickhouse.layout import stored_rows
from clickhouse.schema.migrate import migrate
from clickhouse.sql.fragment import sql
from persons.installation import owner
from persons.management.postgres import close_pool
from persons.models import Membership, PersonalAPIKey, Project
from persons.outbox.flush import drain
from persons.stores import writable_clickhouse
from persons_api import embedded
from tests import stores
from tests.api_client import Api


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reasons = {}
    if not stores.EMBEDDED:
        reasons["embedded"] = "about the embedded engine alone, and this run has another"
    if stores.SHARDED:
        reasons["tokens"] = "repeats a batch, which two shards in one process cannot tell from a second one"
    for item in items:
        for marker, reason in reasons.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def no_static_files() -> None:
    """Each new client reads all of the admin site's files otherwise, which takes longer than a request.
    Servers in processes of their own have them."""
    settings.WHITENOISE_USE_FINDERS = False


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="persons-tests-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(data_dir: Path) -> Iterator[None]:
    embedded.prepare(data_dir)
    with embedded.postgres(data_dir):
        settings.DATABASES["default"]["HOST"] = embedded.postgres_host(data_dir)
        yield
        close_pool()


@pytest.fixture(scope="session")
def clickhouse_url(data_dir: Path) -> Iterator[str]:
    with stores.clickhouse(data_dir) as url:
        yield url


@pytest.fixture(scope="session")
def clickhouse(clickhouse_url: str) -> Iterator[ClickHouse]:
    settings.CLICKHOUSE_URL, settings.CLICKHOUSE_CLUSTER = clickhouse_url, stores.CLUSTER
    store = writable_clickhouse()
    migrate(store)
    yield store
    store.close()
    # Those with limits of their own as well: the engine stops with its last connection.
    connect.cache_clear()
    gc.collect()


@pytest.fixture
def emptied(clickhouse: ClickHouse) -> ClickHouse:
    """The store without what other tests have left there: for work whose cost is that of the whole store."""
    for table in ("events", "person_property_history"):
        clickhouse.command(sql("TRUNCATE TABLE {rows}", rows=stored_rows(table, clickhouse.cluster)))
    return clickhouse


@pytest.fixture
def project(db: None) -> Project:
    made = Project.objects.create(name="Test")
    Membership.objects.create(project=made, user=owner())
    return made


@pytest.fixture
def key(db: None) -> str:
    return PersonalAPIKey.issue(owner(), label="test", scopes=["*"])[1]


@pytest.fixture
def api(clickhouse: ClickHouse, key: str) -> Api:
    """HTTP to every endpoint, with a key that may do everything."""
    return Api(Client(), key)


@pytest.fixture
def capture(clickhouse: ClickHouse, api: Api, project: Project) -> Callable[..., Any]:
    """Send events to the project and wait until questions see them."""

    def send(*events: dict[str, Any], **envelope: Any) -> Any:
        answer = api.capture(project, list(events), **envelope)
        drain(clickhouse)
        return answer

    return send
