"""The server that the examples ask: a new installation with the demo data up to a fixed day."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.server.process import Server, serving

# Named in docs/quickstart.md.
DEMO_UNTIL = "2025-11-03"
# A busy machine takes a minute for the demo data; a quiet one a quarter of that.
_PATIENCE_SECONDS = 240


@contextmanager
def demo(data_dir: Path) -> Iterator[Server]:
    with serving(data_dir, "--demo", "--demo-until", DEMO_UNTIL) as server:
        server.wait_until(lambda: "Stop with Ctrl-C." in server.output, _PATIENCE_SECONDS)
        yield server
