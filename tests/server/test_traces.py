"""With OpenTelemetry configured, a real server sends its traces there."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.server.process import Api, serving

SECRET = "ann@example.com"


class Collector:
    """What an OpenTelemetry collector receives."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        received = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def spans(self) -> list[Any]:
        return [
            span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    threading.Thread(target=made.server.serve_forever, daemon=True).start()
    yield made
    made.server.shutdown()


def attributes(span: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in span.attributes}


def test_a_request_is_a_trace_with_both_stores_in_it_and_no_values(
    folder: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "who is who")
    with serving(folder) as server:
        api = Api(server.ready().url, server.create_project())
        api.send([{"event": "e", "distinct_id": SECRET, "timestamp": "2025-03-01T12:00:00Z"}])
        server.settled()
        assert api.persons_who_did("e") == 1
        server.wait_until(lambda: any("/persons/funnel" in span.name for span in collector.spans()))
    spans = collector.spans()
    request = next(span for span in spans if "/persons/funnel" in span.name)
    inside = [span for span in spans if span.trace_id == request.trace_id]
    systems = {attributes(span).get("db.system.name") or attributes(span).get("db.system") for span in inside}
    assert systems >= {"clickhouse", "postgresql"}
    assert {span.parent_span_id for span in inside if span.name == "clickhouse"} <= {
        span.span_id for span in inside
    }
    assert urlsplit(server.url).netloc in str(request)
    everything = b"".join(collector.bodies)
    assert SECRET.encode() not in everything
    assert api.project.personal_api_key.encode() not in everything
    assert b"who is who" in everything
