"""What the official SDKs meet in these tests: a server started as its users start it, and their own world."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.contract.flaky import Proxy, flaky
from tests.contract.shop import Shop

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
def served() -> Iterator[tuple[str, str]]:
    """The address and the personal API key of a running server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="persons-served-") as folder:
        os.chmod(folder, 0o755)
        output = Path(folder) / "output"
        with output.open("wb") as stream:
            command = [sys.executable, "manage.py", "serve", "--no-demo", f"--port={port}"]
            process = subprocess.Popen(
                [*command, f"--data-dir={folder}/data"], cwd=HERE.parents[1], stdout=stream, stderr=stream
            )
        try:
            until = time.monotonic() + 60
            while not (key := re.search(r"phx_\w+", output.read_text())):
                assert process.poll() is None, output.read_text()
                assert time.monotonic() < until, output.read_text()
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}", key[0]
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture
def shop(served: tuple[str, str]) -> Shop:
    return Shop.opened(*served)


@pytest.fixture
def proxy(shop: Shop) -> Iterator[Proxy]:
    with flaky(shop.url) as made:
        yield made


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The SDKs from npm, installed once."""
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    installed, wanted = HERE / "node_modules" / ".package-lock.json", HERE / "package.json"
    if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel=error"]
        subprocess.run(["npm", "install", *options], cwd=HERE, check=True, timeout=300)
    return HERE / "node_modules"


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
