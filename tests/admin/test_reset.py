"""The page that resets distinct ids: what it says of each id, and what it does."""

import json
from typing import Any

import pytest
from django.conf import settings

from persons.models import ActivityLog, Deletion, Person, PersonDistinctId
from persons.outbox.flush import drain
from tests.admin.site import ADMIN, RESET, Site, chosen
from tests.api.world import World


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """ClickHouse does not answer."""
    monkeypatch.setattr(settings, "CLICKHOUSE_URL", "http://127.0.0.1:1/persons")


@pytest.fixture
def ids(world: World) -> None:
    """An id in each state: live, on hold with and without events, released; and one that is personless."""
    for name in ("live", "held", "waiting", "free"):
        world.did(name, "sign up")
    world.did("shy", "looked", personless=True)
    for name in ("held", "waiting", "free"):
        world.delete(name)
    world.reset("free")
    world.did("waiting", "came back", "paid", day=2, sets={"plan": "new"})
    world.identify("waiting", "also", day=3)


def test_each_id_is_shown_in_its_state(site: Site, ids: None) -> None:
    asked = "live\nheld\nwaiting\nfree\nshy\nnobody"
    rows = site.rows(site.step("look", ids=asked))
    shown = [[row[1], row[2], row[4], row[5]] for row in rows]
    assert shown == [
        ["live", "live", "0 / 0", "-"],
        ["held", "on hold", "100 / 100", "none"],
        ["waiting", "on hold", "101 / 101", "3 until 3 Mar 2024 20:00"],
        ["free", "released", "101 / 100", "-"],
        ["shy", "live", "0 / none", "-"],
        ["nobody", "never seen", "-", "-"],
    ]
    hidden = Person.everybody.get(is_hidden=True)
    assert rows[2][3] == f"{hidden.uuid} hidden until a reset, has 2 distinct ids"
    assert [row[3] for row in rows[3:]] == ["nobody"] * 3


def test_a_preview_says_what_will_happen_and_does_nothing(site: Site, world: World, ids: None) -> None:
    before = list(PersonDistinctId.objects.order_by("pk").values())
    rows = site.rows(site.step("preview", chosen=chosen("held", "waiting", "live", "nobody")))
    hidden = Person.everybody.get(is_hidden=True)
    assert [row[2] for row in rows] == [
        "The hold ends. The next event makes a new person.",
        f"The person {hidden.uuid} becomes visible everywhere, with 3 events of this id. "
        "It has 2 distinct ids: all of them are released.",
        "Nothing: it is not on hold.",
        "Nothing: it was never seen in this project.",
    ]
    assert list(PersonDistinctId.objects.order_by("pk").values()) == before


def test_a_reset_is_done_told_and_noted(site: Site, world: World, ids: None) -> None:
    answer = site.step("reset", chosen=chosen("held", "waiting", "live", "nobody"))
    rows = site.rows(answer)
    assert [row[1:3] for row in rows] == [
        ["Reset", "released"],
        ["Reset", "live"],
        ["Nothing to do: it was not on hold", "live"],
        ["Never seen in this project", "never seen"],
    ]
    assert "2 of 4 distinct ids reset" in answer.content.decode()
    assert rows[1][4] == "102 / 101 waiting for ClickHouse"
    drain(world.store)
    again = site.rows(site.step("again", id=chosen("waiting")))
    assert again[0][4] == "102 / 102"
    assert world.ids("waiting") == ["also", "waiting"]
    assert world.reached("came back") == {"waiting"}
    entries = ActivityLog.objects.filter(activity="distinct_id_reset").order_by("pk")
    by_site = [entry for entry in entries if entry.key is None]
    assert {entry.detail["distinct_id"] for entry in by_site} == {"held", "waiting"}
    assert all(entry.user is not None for entry in by_site)
    world.agree()


def test_without_clickhouse_everything_works_and_says_what_waits(
    site: Site, world: World, ids: None, away: None
) -> None:
    for step in ("again", "preview", "reset"):
        answer = site.step(step, id=chosen("waiting"), chosen=chosen("waiting"))
        assert answer.status_code == 200
        assert "Waiting for ClickHouse" in answer.content.decode()
    assert Person.objects.filter(mappings__distinct_id="waiting").exists()


@pytest.mark.parametrize("path", ["", "person/", "person/?q=live", "persondistinctid/", "deletion/"])
def test_other_pages_open_without_clickhouse(site: Site, ids: None, away: None, path: str) -> None:
    assert site.get(ADMIN + path if path else "/admin/").status_code == 200


def test_a_list_is_read_line_by_line(site: Site, world: World) -> None:
    world.did(" spaces ", "e")
    rows = site.rows(site.step("look", ids=" spaces \r\n\r\n  nobody\t\r\nnobody\r\nspaces"))
    names = [row[1:3] for row in rows]
    assert names == [["spaces", "live"], ["nobody", "never seen"], ["spaces", "never seen"]]


STRANGE = [
    "<script>alert(1)</script>",
    "a\nb",
    "a\r\nb",
    ' "quoted" ',
    "\u2028",
    "😀",
    "'; DROP TABLE x; --",
    "%s",
    "{x}",
]


def test_any_text_can_be_an_id(site: Site, world: World) -> None:
    for name in STRANGE:
        world.did(name, "e")
    world.api.post(f"{world.persons}bulk_delete/", {"distinct_ids": STRANGE})
    drain(world.store)
    looked = site.step("again", id=chosen(*STRANGE))
    assert [row[2] for row in site.rows(looked)] == ["on hold"] * len(STRANGE)
    assert "<script>alert(1)" not in looked.content.decode()
    rows = site.rows(site.step("reset", chosen=chosen(*STRANGE)))
    assert [row[1] for row in rows] == ["Reset"] * len(STRANGE)


@pytest.mark.parametrize(
    ("step", "fields", "why"),
    [
        ("look", {"ids": " \n "}, "Name at least one distinct id"),
        ("look", {}, "Name at least one distinct id"),
        ("look", {"ids": "\n".join(map(str, range(1001)))}, "1,001 distinct ids are more than the 1,000"),
        ("look", {"ids": "x" * 401}, "at most 400 characters"),
        ("look", {"ids": "a\0b"}, "No distinct id contains a NUL"),
        ("preview", {"chosen": "not json"}, "These are not distinct ids"),
        ("reset", {"chosen": "[7]"}, "These are not distinct ids"),
        ("reset", {"chosen": "7"}, "These are not distinct ids"),
        ("reset", {"chosen": '"\\ud800"'}, "These are not distinct ids"),
        ("reset", {}, "Name at least one distinct id"),
        ("preview", {"id": '"ann"'}, "Choose at least one distinct id"),
    ],
)
def test_what_cannot_be_done_is_said(site: Site, step: str, fields: dict[str, Any], why: str) -> None:
    answer = site.step(step, **fields)
    assert answer.status_code == 200
    assert why in answer.content.decode()


def test_a_thousand_ids_go_through_every_step(site: Site, world: World) -> None:
    ids = [f"d{number}" for number in range(1000)]
    world.capture(*({"event": "e", "distinct_id": each, "timestamp": "2024-03-01T10:00:00Z"} for each in ids))
    world.api.post(f"{world.persons}bulk_delete/", {"distinct_ids": ids})
    assert "1,000 distinct ids, 1,000 on hold" in site.step("look", ids="\n".join(ids)).content.decode()
    together = json.dumps(ids)
    previewed = site.step("preview", id=together, chosen=chosen(*ids))
    assert "Reset 1,000 distinct ids" in previewed.content.decode()
    assert "1,000 of 1,000 distinct ids reset" in site.step("reset", chosen=together).content.decode()


def test_ids_named_in_the_address_are_looked_up(site: Site, ids: None) -> None:
    rows = site.rows(site.get(RESET, project=site.project.pk, id=["held", "nobody"]))
    assert [row[1] for row in rows] == ["held", "nobody"]
    assert "at most 400 characters" in site.page(RESET, id="x" * 401)


@pytest.mark.parametrize("model", ["persondistinctid", "deletion"])
def test_lists_lead_to_the_preview(site: Site, ids: None, model: str) -> None:
    rows: Any = PersonDistinctId.objects.filter(distinct_id="held")
    if model == "deletion":
        rows = Deletion.objects.filter(distinct_ids=["held"])
    form = {"action": "reset_chosen", "_selected_action": [row.pk for row in rows]}
    answer = site.client.post(f"{ADMIN}{model}/", form)
    assert [row[0] for row in site.rows(answer)] == ["held"]
    assert "Reset 1 distinct id<" in answer.content.decode()


def test_a_reset_overtaken_by_another_has_nothing_left_to_do(site: Site, world: World, ids: None) -> None:
    site.step("preview", chosen=chosen("held"))
    world.reset("held")
    assert site.rows(site.step("reset", chosen=chosen("held")))[0][1] == "Nothing to do: it was not on hold"
