"""The history of properties beside a real server: it is rebuilt while none runs."""

from pathlib import Path

import pytest

from tests.server.conftest import Serve
from tests.server.process import Api, manage

EVENT = {
    "event": "$set",
    "distinct_id": "u",
    "timestamp": "2025-03-01T12:00:00Z",
    "properties": {"$set": {"plan": "pro"}},
}


@pytest.mark.embedded
def test_the_history_is_rebuilt_while_no_server_runs(folder: Path, serve: Serve) -> None:
    server = serve(folder).ready()
    project = server.create_project()
    Api(server.url, project).send([EVENT])
    server.settled()
    refused = manage("rebuild_property_history", data_dir=folder)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "belongs to a running server" in refused.stderr.splitlines()[-1]
    assert server.terminate() == 0
    done = manage("rebuild_property_history", data_dir=folder)
    assert (done.returncode, done.stdout) == (0, "The history of properties is complete.\n"), done.stderr
    assert "100%" in done.stderr
    again = serve(folder).settled()
    asked = {"distinct_id": "u", "timestamp": "2025-03-01T12:00:00Z"}
    assert Api(again.url, project).get("properties_at_time/", **asked)["properties"] == {"plan": "pro"}
