"""The pages of the admin site open, find what they should, and show hostile texts as texts."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext

from persons.admin import lists
from persons.installation import owner
from persons.models import Deletion, Person, PersonalAPIKey
from tests.admin.site import ADMIN, RESET, Site, text
from tests.api.world import World
from tests.api_client import Api

MODELS = [model._meta.model_name for model in admin.site._registry if model._meta.app_label == "persons"]
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "page", ["", "?q=a%22b", "?q=%00", "?q=00000000-0000-0000-0000-000000000000", "?o=1.-2"]
)
def test_every_list_opens(site: Site, model: str, page: str) -> None:
    assert site.get(f"{ADMIN}{model}/{page}").status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_only_settings_are_made_here(site: Site, model: str) -> None:
    expected = 200 if model in {"user", "project", "personalapikey"} else 403
    assert site.get(f"{ADMIN}{model}/add/").status_code == expected


def test_a_person_is_found_by_whatever_is_known_of_it(site: Site, world: World) -> None:
    world.did("the-id", "e", sets={"email": "Ann@example.com", "name": "Ann Other"})
    world.did("somebody else", "e")
    person = Person.objects.get(mappings__distinct_id="the-id")
    for known in ("the-id", "the-", "Ann@example.com", "ann@EXAMPLE", "ther", str(person.uuid), " the-id "):
        page = site.page(f"{ADMIN}person/", q=known)
        assert f"/admin/persons/person/{person.pk}/change/" in page
        assert "somebody else" not in page
    assert "/change/" not in site.page(f"{ADMIN}person/", q="nobody")


def test_the_page_of_a_person_has_everything_of_it(site: Site, world: World) -> None:
    world.did("ann", "sign up", "paid", sets={"email": "ann@example.com", "plan": {"seats": [1, 2]}})
    person = Person.objects.get(mappings__distinct_id="ann")
    page = site.page(f"{ADMIN}person/{person.pk}/change/")
    for shown in ("ann@example.com", "&quot;seats&quot;", str(person.uuid), f"{RESET}?project="):
        assert shown in page
    events = site.page(f"{ADMIN}person/{person.pk}/events/")
    assert events.index("paid") < events.index("sign up")


def test_events_before_a_deletion_are_not_shown_of_whoever_comes_after(site: Site, world: World) -> None:
    world.did("ann", "long ago")
    world.delete("ann")
    world.did("ann", "lately", day=2)
    world.reset("ann")
    person = Person.objects.get(mappings__distinct_id="ann")
    events = site.page(f"{ADMIN}person/{person.pk}/events/")
    assert "lately" in events
    assert "long ago" not in events


def test_from_the_uuid_of_a_person_to_its_page_or_to_what_became_of_it(site: Site, world: World) -> None:
    world.did("ann", "e")
    person = Person.objects.get(mappings__distinct_id="ann")
    address = f"{ADMIN}person/of/{person.project_id}/{person.uuid}/"
    assert site.get(address)["Location"] == f"{ADMIN}person/{person.pk}/change/"
    world.delete("ann")
    assert site.get(address)["Location"] == f"{ADMIN}activitylog/?q={person.uuid}"
    assert "Deleted" in site.page(f"{ADMIN}activitylog/", q=str(person.uuid))


def test_hostile_texts_are_shown_as_texts(site: Site, world: World) -> None:
    world.did(HOSTILE, HOSTILE, sets={"email": HOSTILE, HOSTILE: {HOSTILE: [HOSTILE]}})
    world.project.name = HOSTILE
    world.project.save()
    person = Person.objects.get(mappings__distinct_id=HOSTILE)
    pages = [
        f"{ADMIN}person/",
        f"{ADMIN}person/{person.pk}/change/",
        f"{ADMIN}person/{person.pk}/events/",
        f"{ADMIN}persondistinctid/",
        f"{ADMIN}project/",
        f"{ADMIN}project/{world.project.pk}/change/",
        "/admin/",
    ]
    world.api.send("PATCH", f"{world.persons}{person.uuid}/", {"properties": {HOSTILE: HOSTILE}})
    shown = [site.page(page) for page in pages]
    world.api.post(f"{world.persons}bulk_delete/", {"distinct_ids": [HOSTILE]})
    deletion = Deletion.objects.get(project=world.project)
    later = ["/admin/", f"{ADMIN}deletion/", f"{ADMIN}deletion/{deletion.pk}/change/", f"{ADMIN}activitylog/"]
    shown += [site.page(page) for page in later]
    shown.append(site.page(RESET, id=HOSTILE))
    for page in shown:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    # What is sought was there.
    assert sum("&lt;script&gt;alert" in page for page in shown) >= len(shown) - 1


def test_a_long_list_is_counted_no_further_than_it_is_shown(
    site: Site, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "MOST_COUNTED", 2)
    for name in "abc":
        world.did(name, "e")
    for model in ("person", "persondistinctid"):
        with CaptureQueriesContext(connection) as captured:
            page = text(site.page(f"{ADMIN}{model}/"))
        assert "The first 2" in page
        counts = [query["sql"] for query in captured if "COUNT(" in query["sql"]]
        assert all("LIMIT" in statement for statement in counts)
    assert "1 person" in text(site.page(f"{ADMIN}person/", q="b"))


def test_an_empty_list_says_why(site: Site, world: World) -> None:
    assert "The first event of somebody makes a person" in site.page(f"{ADMIN}person/")
    world.did("ann", "e")
    assert "No persons were found for" in site.page(f"{ADMIN}person/", q="nobody")


def test_a_new_project_is_asked_for_nothing_that_it_gets_by_itself(site: Site) -> None:
    page = site.page(f"{ADMIN}project/add/")
    assert "phc_" not in page
    assert "DatabaseDefault" not in page


@pytest.mark.parametrize("model", ["person", "persondistinctid", "deletion", "activitylog"])
def test_a_longer_list_needs_no_more_queries(site: Site, world: World, model: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            site.page(f"{ADMIN}{model}/")
        return len(captured)

    def add(names: Any) -> None:
        for name in names:
            world.did(f"kept {name}", "e")
            world.did(f"gone {name}", "e")
            world.delete(f"gone {name}")

    add("ab")
    before = queries()
    add("cdefg")
    assert queries() == before


def test_a_new_key_is_shown_once_and_works(site: Site, api: Api) -> None:
    form = {"user": owner().pk, "label": "from the admin site", "scopes": "project:read"}
    answer = site.client.post(f"{ADMIN}personalapikey/add/", form)
    (value,) = set(re.findall(r"phx_\w{43}", answer.content.decode()))
    assert "no-store" in answer["Cache-Control"]
    assert "messages" not in answer.cookies
    key = PersonalAPIKey.objects.get(label="from the admin site")
    for page in ("", f"{key.pk}/change/", f"{key.pk}/history/"):
        assert value not in site.page(f"{ADMIN}personalapikey/{page}")
    assert Api(api.client, value).get("/api/projects/").status_code == 200
    site.client.post(f"{ADMIN}personalapikey/{key.pk}/delete/", {"post": "yes"})
    assert Api(api.client, value).get("/api/projects/").status_code == 401


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("scopes", "person:destroy", "Select a valid choice"),
        ("scoped_projects", "999", "Select a valid choice"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(site: Site, field: str, value: str, why: str) -> None:
    form = {"user": owner().pk, "label": "wrong", "scopes": "person:read", field: value}
    assert why in site.client.post(f"{ADMIN}personalapikey/add/", form).content.decode()


@pytest.mark.parametrize("path", ["person/999999/change/", "person/x/change/", "person/999999/events/"])
def test_what_is_not_there_is_answered_with_a_page(site: Site, path: str) -> None:
    answer = site.get(ADMIN + path)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
