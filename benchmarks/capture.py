"""How many events a second the whole service takes, end to end, and how soon a question sees one.

    python -m benchmarks.capture

Starts the real server on a fresh folder. Batches of 100 events over 10,000 persons, one event in ten with a
property update, over HTTP from four threads of this process; the clock stops when ClickHouse has them all.
Sender and server share the machine's cores. Memory is that of the serving processes without PostgreSQL.
"""

import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parent.parent
PORT = 8399
URL = f"http://127.0.0.1:{PORT}"
PERSONS, BATCH, SENDERS = 10_000, 100, 4
THROUGHPUT_EVENTS, LATENCY_EVENTS = 200_000, 200


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder, serving(folder) as server:
        token = new_project(folder)["project_token"]
        send_all(_bodies(token, PERSONS))
        bodies = _bodies(token, THROUGHPUT_EVENTS)
        seconds, peak = send_all(bodies, server)
        _print(f"sustained, until ClickHouse has it   {THROUGHPUT_EVENTS / seconds:>10,.0f} events/s")
        _print(f"memory of the server at its highest  {peak / 2**20:>10,.0f} MiB")
        latencies = sorted(_seconds_until_visible(token) for _ in range(LATENCY_EVENTS))
        _print(f"from 200 to visible, median          {statistics.median(latencies) * 1000:>10,.0f} ms")
        _print(
            f"from 200 to visible, p99             {latencies[int(LATENCY_EVENTS * 0.99)] * 1000:>10,.0f} ms"
        )


@contextmanager
def serving(folder: str, ready: Callable[[], bool] = lambda: _pending() == 0) -> Iterator[psutil.Process]:
    """A real server on a folder, once it is ready."""
    command = [sys.executable, "manage.py", "serve", "--no-demo", "--port", str(PORT), "--data-dir", folder]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until(ready, 60)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


def new_project(folder: str) -> dict[str, str]:
    """Its id, token and key, as create_project prints them."""
    command = [sys.executable, "manage.py", "create_project", "bench", "--json", "--data-dir", folder]
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    printed: dict[str, str] = json.loads(made.stdout)
    return printed


def _bodies(token: str, events: int) -> list[bytes]:
    rng = random.Random(42)
    return [
        json.dumps({"api_key": token, "batch": [_event(rng) for _ in range(BATCH)]}).encode()
        for _ in range(events // BATCH)
    ]


def _event(rng: random.Random) -> dict[str, Any]:
    """About 300 bytes of properties, as a small web product sends them."""
    properties: dict[str, Any] = {
        "$lib": "posthog-python",
        "$lib_version": "7.9.0",
        "url": f"https://shop.example/products/{rng.randrange(500)}",
        "plan": rng.choice(["free", "starter", "business"]),
        "amount": rng.randrange(10_000) / 100,
        "note": "x" * 120,
    }
    if rng.random() < 0.1:
        properties["$set"] = {"visits": rng.randrange(1_000), "plan": properties["plan"]}
    return {
        "event": rng.choice(["$pageview", "search", "add to cart", "purchase"]),
        "distinct_id": f"user-{rng.randrange(PERSONS)}",
        "timestamp": datetime.now(UTC).isoformat(),
        "uuid": str(uuid.uuid4()),
        "properties": properties,
    }


def send_all(bodies: Iterable[bytes], server: psutil.Process | None = None) -> tuple[float, int]:
    """Seconds until ClickHouse has everything, and the server's highest memory meanwhile, in bytes."""
    waiting, peak = iter(bodies), 0
    lock = threading.Lock()

    def send() -> None:
        while True:
            with lock:
                body = next(waiting, None)
            if body is None:
                return
            _post(body)

    started = time.monotonic()
    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    while any(sender.is_alive() for sender in senders) or _pending():
        peak = max(peak, memory(server)) if server else 0
        time.sleep(0.1)
    return time.monotonic() - started, peak


def memory(server: psutil.Process) -> int:
    """What the serving processes hold, in bytes."""
    family = [server, *server.children(recursive=True)]
    return sum(each.memory_info().rss for each in family if "postgres" not in each.name())


def _seconds_until_visible(token: str) -> float:
    event = {"event": "e", "distinct_id": "one", "uuid": str(uuid.uuid4())}
    _post(json.dumps({"api_key": token, "batch": [event]}).encode())
    answered = time.monotonic()
    _wait_until(lambda: _pending() == 0, 10)
    return time.monotonic() - answered


def _post(body: bytes) -> None:
    request = urllib.request.Request(f"{URL}/batch/", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        response.read()


def _pending() -> int | None:
    try:
        with urllib.request.urlopen(f"{URL}/_health", timeout=60) as response:
            return int(json.load(response)["outbox"]["pending"])
    except OSError:
        return None


def _wait_until(condition: Callable[[], bool], seconds: float) -> None:
    give_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError
        time.sleep(0.002)


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
