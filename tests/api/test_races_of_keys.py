"""Revoking a key, or deleting its user, while a request uses it.

The revocation always works, and a request that loses the race gets 401."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from clickhouse.client import ClickHouse
from persons.models import ActivityLog, Deletion, Membership, Person, PersonalAPIKey, Project, User
from tests.api.helpers import person
from tests.api.world import World
from tests.api_client import Api, error_of
from tests.blocking import Aside, blocking

pytestmark = pytest.mark.django_db(transaction=True)
ME = "/api/users/@me/"
KEYS = "/api/personal_api_keys/"


@pytest.fixture
def world(api: Api, project: Project, clickhouse: ClickHouse) -> World:
    return World(api, project, clickhouse)


@pytest.fixture
def writer(world: World) -> Api:
    """The API with the key of a user of its own, which is revoked in the tests."""
    user = User.objects.create_user("writer@example.com")
    Membership.objects.create(project=world.project, user=user)
    return Api(Client(), PersonalAPIKey.issue(user, "revoked", ["*"])[1])


def key() -> PersonalAPIKey:
    return PersonalAPIKey.objects.get(label="revoked")


def in_admin(path: str, fields: dict[str, Any]) -> bool:
    browser = Client()
    browser.force_login(User.objects.create_superuser("root@example.com"))
    return bool(browser.post(path, {"post": "yes", **fields}).status_code == 302)


def by_request(world: World) -> bool:
    revoker = Api(Client(), PersonalAPIKey.issue(key().user, "revoker", ["*"])[1])
    return bool(revoker.send("DELETE", f"{KEYS}{key().pk}/").status_code == 204)


def on_its_page(world: World) -> bool:
    return in_admin(reverse("admin:persons_personalapikey_delete", args=[key().pk]), {})


def in_the_list_of_keys(world: World) -> bool:
    fields = {"action": "delete_selected", "_selected_action": [key().pk]}
    return in_admin(reverse("admin:persons_personalapikey_changelist"), fields)


def with_its_user(world: World) -> bool:
    return in_admin(reverse("admin:persons_user_delete", args=[key().user_id]), {})


WAYS = [by_request, on_its_page, in_the_list_of_keys, with_its_user]


def delete(world: World, writer: Api) -> Any:
    return writer.send("DELETE", f"{world.persons}{Person.objects.get().pk}/")


def update(world: World, writer: Api) -> Any:
    body = {"key": "plan", "value": "pro"}
    return writer.post(f"{world.persons}{Person.objects.get().pk}/update_property/", body)


def delete_once(world: World, writer: Api) -> Any:
    path = f"{world.persons}{Person.objects.get().pk}/"
    return writer.send("DELETE", path, None, **{"Idempotency-Key": "attempt 1"})


@pytest.mark.parametrize("revoke", WAYS)
def test_a_revocation_succeeds_though_a_request_commits_in_the_middle_of_it(
    world: World, writer: Api, revoke: Callable[[World], bool]
) -> None:
    person(world.project, "ann")
    used = key().pk
    # The revocation stops where it deletes the key, after it has looked for rows that refer to it.
    with blocking("SELECT 1 FROM persons_personalapikey WHERE id = %s FOR KEY SHARE", used) as blocker:
        revoking = Aside(lambda: revoke(world))
        blocker.wait_for_waiting()
        assert delete(world, writer).status_code == 202
        blocker.release()
        assert revoking.result()
    assert error_of(writer.get(ME)) == (401, "authentication_failed", None)
    assert not Person.objects.exists()
    assert ActivityLog.objects.get().key is None
    assert Deletion.objects.get().key is None


@pytest.mark.parametrize("revoke", WAYS)
@pytest.mark.parametrize("act", [delete, delete_once, update])
def test_a_request_that_a_revocation_overtakes_is_401_and_does_nothing(
    world: World, writer: Api, act: Callable[[World, Api], Any], revoke: Callable[[World], bool]
) -> None:
    before = person(world.project, "ann")
    # The request stops at its COMMIT, where PostgreSQL checks that the project is there.
    with blocking("SELECT 1 FROM persons_project WHERE id = %s FOR UPDATE", world.project.pk) as blocker:
        acting = Aside(lambda: act(world, writer))
        blocker.wait_for_waiting()
        assert revoke(world)
        assert error_of(writer.get(ME)) == (401, "authentication_failed", None)
        assert not acting.is_done
        blocker.release()
        answer = acting.result()
    assert error_of(answer) == (401, "authentication_failed", None)
    assert answer["WWW-Authenticate"] == "Bearer"
    after = Person.objects.get()
    assert (after.pk, after.properties) == (before.pk, {})
    assert not ActivityLog.objects.exists()


def test_a_key_that_is_revoked_leaves_no_key_behind(world: World, writer: Api) -> None:
    body = {"label": "offspring", "scopes": ["*"]}
    # Used a moment ago, so that the request does not stop where it notes that.
    PersonalAPIKey.objects.update(last_used_at=Now())
    with blocking("DELETE FROM persons_personalapikey WHERE label = 'revoked'") as blocker:
        making = Aside(lambda: writer.post(KEYS, body))
        blocker.wait_for_waiting()
        blocker.commit()
        answer = making.result()
    assert error_of(answer) == (401, "authentication_failed", None)
    assert not PersonalAPIKey.objects.filter(label="offspring").exists()


def test_what_refers_to_keys_and_users_never_keeps_them_from_being_deleted(db: None) -> None:
    """As new tables must do, too."""
    statement = """
        SELECT conrelid::regclass::text, confdeltype FROM pg_constraint
        WHERE contype = 'f' AND confrelid IN ('persons_user'::regclass, 'persons_personalapikey'::regclass)
    """
    with connection.cursor() as cursor:
        cursor.execute(statement)
        actions = cursor.fetchall()
    assert len(actions) >= 10
    assert {table for table, action in actions if action not in {"c", "n"}} == set()
