"""Who may see and do what: superusers everything, admins of a project what is in it, viewers only look."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from persons.installation import owner
from persons.models import (
    ActivityLog,
    Deletion,
    Membership,
    Person,
    PersonalAPIKey,
    PersonDistinctId,
    Project,
    User,
)
from tests.admin.site import ADMIN, RESET, Site, chosen
from tests.api.world import World

Opened = Callable[[str | None], Site]


@pytest.fixture(autouse=True)
def things(world: World) -> None:
    """Something of each kind in the project."""
    for name in ("ann", "bob"):
        world.did(name, "e", sets={"email": f"{name}@secret.example"})
    world.delete("bob")


def addresses() -> Iterator[str]:
    """The pages of things in the project, and those below them."""
    project = Project.objects.get(name="Test").pk
    yield from (f"{ADMIN}project/{project}/{page}" for page in ("change/", "history/", "choose/"))
    yield f"{RESET}?project={project}&id=ann"
    for model in (Person, PersonDistinctId, Deletion, ActivityLog):
        for key in model._base_manager.filter(project=project).values_list("pk", flat=True):
            for page in ("change/", "history/", "delete/"):
                yield f"{ADMIN}{model._meta.model_name}/{key}/{page}"
    for person in Person.objects.filter(project=project):
        yield f"{ADMIN}person/{person.pk}/events/"
        yield f"{ADMIN}person/of/{project}/{person.uuid}/"


LISTS = ["person", "persondistinctid", "deletion", "activitylog", "project"]
SECRETS = ["bob", "secret.example", ">Test<"]


@pytest.mark.parametrize("level", ["viewer", "admin"])
def test_members_see_what_is_in_their_project(site_of: Opened, level: str) -> None:
    site = site_of(level)
    assert "ann@secret.example" in site.page(f"{ADMIN}person/")
    assert "ann@secret.example" in site.page(f"{ADMIN}person/", q="ann@secret")
    assert ">bob<" in site.page(f"{ADMIN}persondistinctid/").replace(" ", "").replace("\n", "")
    assert "bob" in site.page(f"{ADMIN}deletion/")
    assert "Deleted" in site.page(f"{ADMIN}activitylog/")
    assert ["bob", "on hold"] in [row[-5:-3] for row in site.rows(site.get(RESET, id="bob"))]


def test_strangers_see_nothing_and_guess_in_vain(site_of: Opened) -> None:
    site = site_of(None)
    for model in LISTS:
        for query in ({}, {"q": "ann"}, {"project": str(site.project.pk)}, {"project__id__exact": "1"}):
            page = site.client.get(f"{ADMIN}{model}/", query, follow=True).content.decode()
            assert not [secret for secret in SECRETS if secret in page]
    guessed = list(addresses())
    assert len(guessed) > 15
    for address in guessed:
        answer = site.client.get(address)
        seen = answer.content.decode() if answer.status_code == 200 else ""
        assert answer.status_code in {302, 403, 404}, (address, seen[:500])
        if answer.status_code == 302:
            assert answer["Location"] == "/admin/", address


def test_strangers_cannot_reset(site_of: Opened, world: World) -> None:
    site = site_of(None)
    for step in ("look", "again", "preview", "reset"):
        answer = site.step(step, ids="bob", id=chosen("bob"), chosen=chosen("bob"))
        assert answer.status_code == 404
    # Without naming the project it is about their own, which has never seen the id.
    answer = site.client.post(RESET, {"step": "reset", "chosen": chosen("bob")})
    assert site.rows(answer)[0][1] == "Never seen in this project"
    keys = list(PersonDistinctId.objects.values_list("pk", flat=True))
    site.client.post(f"{ADMIN}persondistinctid/", {"action": "reset_chosen", "_selected_action": keys})
    assert PersonDistinctId.objects.get(distinct_id="bob").on_hold


def test_viewers_see_the_reset_page_but_cannot_reset(site_of: Opened, world: World) -> None:
    site = site_of("viewer")
    looked = site.step("look", ids="bob").content.decode()
    assert "Its admins may reset" in looked
    assert 'value="preview"' not in looked
    for step in ("preview", "reset"):
        refused = site.step(step, chosen=chosen("bob"))
        assert refused.status_code == 403
        assert "Viewers of a project may not reset" in refused.content.decode()
    key = PersonDistinctId.objects.get(distinct_id="bob").pk
    for model in ("persondistinctid", "deletion"):
        page = site.client.post(f"{ADMIN}{model}/", {"action": "reset_chosen", "_selected_action": [key]})
        assert "Reset 1 distinct id" not in page.content.decode()
    assert PersonDistinctId.objects.get(distinct_id="bob").on_hold


def test_viewers_cannot_change_a_project_by_the_api_either(site_of: Opened, world: World) -> None:
    site = site_of("viewer")
    user = User.objects.get(email="viewer@example.com")
    _, key = PersonalAPIKey.issue(user, "mine", ["*"])
    path = f"{world.persons}reset_person_distinct_id/"
    for headers in ({}, {"Authorization": f"Bearer {key}"}):
        answer = site.client.post(path, {"distinct_id": "bob"}, "application/json", headers=headers)
        assert answer.status_code == 403
        assert "viewer" in answer.json()["detail"]
        assert site.client.get(world.persons, headers=headers).status_code == 200
    assert PersonDistinctId.objects.get(distinct_id="bob").on_hold


def test_a_superuser_reads_the_history_of_every_project_in_the_site_but_not_with_a_key(world: World) -> None:
    boss = User.objects.create_superuser("boss@example.com")
    path = f"{world.persons}properties_at_time/"
    query = {"distinct_id": "ann", "timestamp": "2025-01-01"}
    assert Site.opened(boss, world.project).get(path, **query).status_code == 200
    _, key = PersonalAPIKey.issue(boss, "mine", ["*"])
    refused = Client().get(path, query, headers={"Authorization": f"Bearer {key}"})
    assert refused.status_code == 403


def test_admins_reset(site_of: Opened) -> None:
    site = site_of("admin")
    assert site.rows(site.step("reset", chosen=chosen("bob")))[0][1] == "Reset"
    assert ActivityLog.objects.get(activity="distinct_id_reset").user == User.objects.get(
        email="admin@example.com"
    )


@pytest.mark.parametrize(("level", "may"), [("viewer", False), ("admin", True)])
def test_admins_change_the_settings_and_members_of_their_project(
    site_of: Opened, level: str, may: bool
) -> None:
    site = site_of(level)
    User.objects.create_user("new@example.com")
    form = {
        "name": "Renamed",
        "timezone": "Europe/Berlin",
        "week_start_day": "1",
        "person_display_name_properties": "email",
        "distinct_id_reuse": "after_reset",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-user": "new@example.com",
        "memberships-0-level": "viewer",
        "memberships-0-project": site.project.pk,
    }
    site.client.post(f"{ADMIN}project/{site.project.pk}/change/", form)
    site.project.refresh_from_db()
    assert site.project.name == ("Renamed" if may else "Test")
    assert Membership.objects.filter(user__email="new@example.com", level="viewer").exists() == may


def test_projects_of_others_cannot_be_changed(site_of: Opened) -> None:
    site = site_of(None)
    site.client.post(f"{ADMIN}project/{site.project.pk}/change/", {"name": "Mine"})
    site.project.refresh_from_db()
    assert site.project.name == "Test"


def test_everybody_has_their_own_keys(site_of: Opened) -> None:
    site = site_of("viewer")
    theirs, _ = PersonalAPIKey.issue(owner(), "of the owner", ["*"])
    form = {"user": owner().pk, "label": "mine", "scopes": "person:read"}
    assert "phx_" in site.client.post(f"{ADMIN}personalapikey/add/", form).content.decode()
    mine = PersonalAPIKey.objects.get(label="mine")
    assert mine.user.email == "viewer@example.com"
    listed = site.page(f"{ADMIN}personalapikey/")
    assert "mine" in listed
    assert "of the owner" not in listed
    assert site.get(f"{ADMIN}personalapikey/{theirs.pk}/change/")["Location"] == "/admin/"
    for key in (theirs, mine):
        site.client.post(f"{ADMIN}personalapikey/{key.pk}/delete/", {"post": "yes"})
    site.client.post(
        f"{ADMIN}personalapikey/",
        {"action": "delete_selected", "_selected_action": [theirs.pk], "post": "yes"},
    )
    assert set(PersonalAPIKey.objects.filter(label__in=["mine", "of the owner"])) == {theirs}


@pytest.mark.parametrize("level", ["viewer", "admin"])
@pytest.mark.parametrize("page", ["user/", "user/add/", "user/1/change/", "project/add/"])
def test_only_superusers_manage_users_and_make_projects(site_of: Opened, level: str, page: str) -> None:
    assert site_of(level).get(ADMIN + page).status_code in {302, 403}


def test_nobody_else_gets_in(project: Project) -> None:
    outsider = User.objects.create_user("outsider@example.com")
    Membership.objects.create(user=outsider, project=project)
    for site in (Site(Client(), project), Site.opened(outsider, project)):
        for address in ("/admin/", f"{ADMIN}person/", RESET, *addresses()):
            answer = site.client.get(address)
            assert (answer.status_code, answer["Location"][:13]) == (302, "/admin/login/")


def test_without_a_project_there_is_nothing_but_a_word_about_it(clickhouse: object) -> None:
    user = User.objects.create_user("alone@example.com", is_staff=True)
    site = Site.opened(user, Project.objects.get(name="Test"))
    for address in ("/admin/", RESET):
        assert "You are in no project yet" in site.page(address)
    assert "ann" not in site.page(f"{ADMIN}person/")
