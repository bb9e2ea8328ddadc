"""What the official SDKs meet in these tests: a server started as its users start it, and their own world."""

import re
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.contract import installed
from tests.contract.flaky import Proxy, flaky
from tests.contract.shop import Shop
from tests.server.process import serving

HERE = Path(__file__).parent
# posthog-js keeps to itself what robots do: Chromium is not to look like one.
_USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
)
_CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-blink-features=AutomationControlled",
    f"--user-agent={_USER_AGENT}",
]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address and the personal API key of a running server."""
    with serving(tmp_path_factory.mktemp("served") / "data") as server:
        key = re.search(r"phx_\w+", server.secrets())
        assert key
        yield server.url, key[0]


@pytest.fixture
def shop(served: tuple[str, str]) -> Shop:
    return Shop.opened(*served)


@pytest.fixture
def proxy(shop: Shop) -> Iterator[Proxy]:
    with flaky(shop.url) as made:
        yield made


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The SDKs from npm."""
    return installed.node_modules(HERE)


@pytest.fixture(scope="module")
def browser(node_modules: Path) -> Iterator[Browser]:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not chromium:
        pytest.skip("chromium is not installed")
    # For one module only: while Playwright runs, Django takes this thread for an asynchronous one.
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=_CHROMIUM)
        yield started
        started.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def site(node_modules: Path) -> Iterator[str]:
    """A web site of its own origin, with posthog-js on it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=HERE)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
