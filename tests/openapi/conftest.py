from collections.abc import Iterator

import pytest
from django.conf import settings


@pytest.fixture(scope="package", autouse=True)
def no_static_files() -> Iterator[None]:
    """Each new client reads all of the admin site's files otherwise, which takes longer than a request."""
    settings.WHITENOISE_USE_FINDERS, before = False, settings.WHITENOISE_USE_FINDERS
    yield
    settings.WHITENOISE_USE_FINDERS = before
