from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from persons.models import Project
from tests.openapi import store


@pytest.fixture
def headers(project: Project, capture: Callable[..., Any], key: str) -> Iterator[dict[str, str]]:
    """What requests to a project need in which everything is there that the description names."""
    store.fill(project, capture)
    # As Django's own test client does: a request must not close the connection of a test's transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield {"Authorization": f"Bearer {key}"}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
