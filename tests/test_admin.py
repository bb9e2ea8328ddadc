"""The admin site opens, and shows a new key exactly once."""

import re

import pytest
from django.contrib import admin
from django.test import Client

from persons.installation import owner
from persons.models import Person, PersonalAPIKey, Project
from tests.api_client import Api
from tests.capture.test_capture_endpoint import Capture, event


@pytest.fixture
def browser(db: None) -> Client:
    client = Client()
    client.force_login(owner())
    return client


@pytest.mark.parametrize(
    "model", [model._meta.model_name for model in admin.site._registry if model._meta.app_label == "persons"]
)
@pytest.mark.parametrize("page", ["", "?q=a%22b", "add/"])
def test_every_page_opens(browser: Client, model: str, page: str) -> None:
    expected = 403 if model == "person" and page == "add/" else 200
    assert browser.get(f"/admin/persons/{model}/{page}").status_code == expected


def test_a_person_is_found_by_each_of_its_ids(browser: Client, capture: Capture, project: Project) -> None:
    capture(event(distinct_id="the-id", properties={"$set": {"email": "a@example.com"}}))
    person = Person.objects.get(project=project)
    for text in ("the-id", "a@example.com", str(person.uuid)):
        page = browser.get("/admin/persons/person/", {"q": text}).content.decode()
        assert f"/admin/persons/person/{person.pk}/change/" in page
    assert "the-id" in browser.get(f"/admin/persons/person/{person.pk}/change/").content.decode()


def test_a_new_key_is_shown_once_and_works(browser: Client, api: Api) -> None:
    form = {
        "user": owner().pk,
        "label": "from the admin site",
        "scopes": "project:read",
        "scoped_projects": "",
    }
    page = browser.post("/admin/persons/personalapikey/add/", form, follow=True).content.decode()
    (value,) = re.findall(r"phx_\w{43}", page)
    key = PersonalAPIKey.objects.get(label="from the admin site")
    assert value not in browser.get(f"/admin/persons/personalapikey/{key.pk}/change/").content.decode()
    assert Api(api.client, value).get("/api/projects/").status_code == 200


def test_a_scope_that_does_not_exist_is_refused(browser: Client) -> None:
    form = {"user": owner().pk, "label": "wrong", "scopes": "person:destroy", "scoped_projects": ""}
    page = browser.post("/admin/persons/personalapikey/add/", form)
    assert "Select a valid choice" in page.content.decode()


def test_without_a_session_there_is_only_the_login(db: None) -> None:
    assert Client().get("/admin/persons/person/").status_code == 302
