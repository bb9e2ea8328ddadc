"""manage.py reset_distinct_ids: the page's work from a file."""

import io
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from persons.installation import owner
from persons.models import ActivityLog, PersonDistinctId
from tests.api.world import World


@pytest.fixture(autouse=True)
def own_postgres(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one of the tests, not that of a data folder; and no ClickHouse at all."""
    monkeypatch.setattr(settings, "EMBEDDED_POSTGRES", False)
    monkeypatch.setattr("persons.management.postgres.close_pool", lambda: None)
    monkeypatch.setattr("persons.management.postgres.connections.close_all", lambda: None)


@pytest.fixture
def file(world: World, tmp_path: Path) -> Path:
    for name in ("live", "held", "back", "also"):
        world.did(name, "e")
    for name in ("held", "back", "also"):
        world.delete(name)
    world.identify("back", "also", day=2)
    file = tmp_path / "ids.txt"
    file.write_text("live\r\nheld\n\nback\nheld\nnobody\n", encoding="utf-8")
    return file


def run(file: Path | str, project: int, *options: str) -> tuple[list[str], str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("reset_distinct_ids", str(file), "--project", str(project), *options, stdout=out, stderr=err)
    return out.getvalue().splitlines(), err.getvalue()


def test_a_dry_run_says_what_would_happen_and_what_it_does_not_know(world: World, file: Path) -> None:
    lines, summary = run(file, world.project.pk, "--dry-run")
    hidden = PersonDistinctId.objects.get(distinct_id="back").hidden_person
    assert hidden is not None
    assert lines == [
        "live\tlive",
        "would be reset: its next event makes a person\theld",
        f"would be reset: shows person {hidden.uuid} with 2 distinct ids\tback",
        "never seen\tnobody",
    ]
    assert "2 would be reset" in summary
    assert "ClickHouse, which was not asked" in summary
    assert PersonDistinctId.objects.filter(on_hold=True).count() == 3


def test_a_run_resets_each_once_and_notes_who_did_it(world: World, file: Path) -> None:
    lines, summary = run(file, world.project.pk)
    assert lines == ["not on hold\tlive", "reset\theld", "reset\tback", "never seen\tnobody"]
    assert "2 reset" in summary
    world.drain()
    assert world.ids("back") == ["also", "back"]
    assert {entry.user for entry in ActivityLog.objects.filter(activity="distinct_id_reset")} == {owner()}
    assert run(file, world.project.pk)[0][1:3] == ["not on hold\theld", "not on hold\tback"]
    world.agree()


@pytest.mark.parametrize("wrong", ["project", "file", "bytes", "email"])
def test_what_cannot_be_done_is_said_in_one_line(world: World, file: Path, wrong: str) -> None:
    if wrong == "bytes":
        file.write_bytes(b"\xff\n")
    options = ["--email", "who@example.com"] if wrong == "email" else []
    with pytest.raises(CommandError) as refusal:
        run(
            "no such file" if wrong == "file" else file,
            999_999 if wrong == "project" else world.project.pk,
            *options,
        )
    assert refusal.value.returncode == 2
    assert "\n" not in str(refusal.value)
