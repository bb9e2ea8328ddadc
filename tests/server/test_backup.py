"""The backup of docs/operating.md: its very commands, from one folder into another."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Serve
from tests.server.process import ROOT, Api
from tests.server.test_undoing import post

_PAGE = (ROOT / "docs" / "operating.md").read_text()


def command(starts_with: str, **places: Path) -> None:
    """Run the page's command, with our places instead of its own."""
    (line,) = re.findall(rf"^{re.escape(starts_with)}.*$", _PAGE, re.MULTILINE)
    for written, ours in (("persons-2025-11-03.tar.gz", "archive"), ("/var/lib/persons-api", "folder")):
        line = line.replace(written, str(places[ours]))
    subprocess.run(shlex.split(line), check=True)


def event(name: str, who: str, hour: int, **properties: Any) -> dict[str, Any]:
    timestamp = f"2025-11-03T{hour:02}:00:00Z"
    return {"event": name, "distinct_id": who, "timestamp": timestamp, "properties": properties}


@pytest.mark.embedded
def test_a_folder_that_was_copied_and_restored_elsewhere_is_as_it_was(
    folder: Path, serve: Serve, tmp_path: Path
) -> None:
    server = serve(folder).ready()
    api = Api(server.url, server.create_project())
    api.send([event("sign up", f"user-{number}", 8, **{"$set": {"number": number}}) for number in range(20)])
    api.send([event("$identify", "user-0", 9, **{"$anon_distinct_id": "user-1"})])
    assert post(api, "bulk_delete/", {"distinct_ids": ["user-2"]}, "once") == 202
    api.send([event("paid", "user-2", 10), event("paid", "user-0", 10)])
    server.settled()
    asked = {"date_from": "2025-11-01", "events": [{"id": "sign up"}, {"id": "paid"}], "funnel_step": 2}
    before = [api.get("", limit="100"), api.get("funnel/", **asked)["results"]]
    moment = {"distinct_id": "user-0", "timestamp": "2025-11-03T08:30:00Z"}
    past = api.get("properties_at_time/", **moment)["properties"]
    server.terminate()
    command("tar --create", folder=folder, archive=tmp_path / "archive")

    (restored := tmp_path / "restored").mkdir()
    command("tar --extract", folder=restored, archive=tmp_path / "archive")
    successor = serve(restored).ready()
    again = Api(successor.url, api.project)

    assert len(before[0]["results"]) == 18
    assert [again.get("", limit="100"), again.get("funnel/", **asked)["results"]] == before
    assert again.get("properties_at_time/", **moment)["properties"] == past
    again.send([event("paid", "user-2", 11), event("paid", "user-3", 11)])
    successor.settled()
    assert again.get("", distinct_id="user-2")["results"] == []
    assert again.persons_who_did("paid") == 2
