"""A shop with a story, and the clients that generators make of what its server says of itself."""

import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.contract.sdks.generate import GENERATORS, Made


@pytest.fixture(scope="session")
def making(
    served: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Callable[[], Made]]]:
    """The clients by the names of their generators, all being made at the same time."""
    folder = tmp_path_factory.mktemp("sdks")
    description = folder / "openapi.yaml"
    with urllib.request.urlopen(f"{served[0]}/api/schema/", timeout=60) as answer:
        description.write_bytes(answer.read())
    with ThreadPoolExecutor(len(GENERATORS)) as pool:
        yield {
            make.__name__: pool.submit(make, description, folder / make.__name__).result
            for make in GENERATORS
        }
