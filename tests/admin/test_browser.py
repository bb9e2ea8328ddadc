"""The site in a real browser: every page, wide and narrow, and a distinct id's way through the reset page."""

import re
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, sync_playwright

from tests.server.process import Api, Project, Server, serving

HOSTILE = "<script>alert(1)</script>"
WIDTHS = [1280, 390]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("admin") / "data") as started:
        yield started.ready()


@pytest.fixture(scope="module")
def api(server: Server) -> Api:
    """The first project: the one that the owner sees first."""
    banner = server.secrets()
    found = [re.search(pattern, banner) for pattern in (r"\(id (\d+)\)", r"(phc_\w+)", r"(phx_\w+)")]
    number, token, key = (match[1] for match in found if match)
    return Api(server.url, Project(int(number), token, key))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not chromium:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield started
        started.close()


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, browser: Browser, server: Server) -> Iterator[Page]:
    """A tab in which the owner is logged in. What a page complains of, or asks of others, fails the test."""
    with opened(browser, server, request.param) as tab:
        yield tab


@contextmanager
def opened(browser: Browser, server: Server, width: int) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": width, "height": 900})
    tab = context.new_page()
    wrong: list[str] = []

    def refuse(dialog: Dialog) -> None:
        wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    tab.on(
        "console", lambda said: wrong.append(f"{said.text} {said.location}") if is_complaint(said) else None
    )
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("dialog", refuse)
    tab.on("requestfailed", lambda failed: None if is_left(failed) else wrong.append(failed.url))
    tab.on(
        "request", lambda sent: None if sent.url.startswith((server.url, "data:")) else wrong.append(sent.url)
    )
    password = re.search(r"admin@localhost, (\S+)", server.secrets())
    assert password
    tab.goto(f"{server.url}/admin/")
    tab.fill("[name=username]", "admin@localhost")
    tab.fill("[name=password]", password[1])
    tab.click("[type=submit]")
    yield tab
    assert wrong == []
    context.close()


def is_left(request: Request) -> bool:
    """Whether the page was left before it had everything."""
    return "ERR_ABORTED" in (request.failure or "")


def is_complaint(said: ConsoleMessage) -> bool:
    """Whether something is wrong. What may not be opened is another test's; a part of a page that is opened
    by itself names no icon."""
    expected = "403 (Forbidden)" in said.text or said.location.get("url", "").endswith("/favicon.ico")
    return said.type in {"error", "warning"} and not expected


def settled(tab: Page) -> None:
    """Everything has come, and nothing is wider than the window."""
    tab.wait_for_load_state("networkidle")
    fits(tab)


def fits(tab: Page) -> None:
    """Nothing is wider than the window, and no text in a list is cut off."""
    assert tab.viewport_size
    assert tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"], tab.url
    cut = "[...document.querySelectorAll('#result_list td')].filter(x => x.scrollHeight > x.clientHeight + 2)"
    assert tab.evaluate(f"{cut}.map(x => x.className.split(' ').pop() + x.innerText)") == [], tab.url


def sent(api: Api, name: str, distinct_id: str, **sets: Any) -> None:
    properties = {"$set": sets}
    event = {"event": name, "distinct_id": distinct_id, "timestamp": "2025-03-01T12:00:00Z"}
    assert api.send([{**event, "properties": properties}])["status"] in (1, "Ok")


def eventually(true: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + 30
    while not true():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def addresses(api: Api, person: dict[str, Any]) -> Iterator[str]:
    """Every page that the site has, about the first thing of its kind, and what lists show when asked."""
    things = {"object_id": 1, "id": 1, "key": person["id"], "uuid": person["uuid"]}
    yield reverse("admin:index")
    for model, pages in admin.site._registry.items():
        for pattern in pages.get_urls():
            if pattern.name:
                asked = {**things, "project_id": api.project.project_id}
                arguments = {name: asked[name] for name in pattern.pattern.converters}
                yield reverse(f"admin:{pattern.name}", kwargs=arguments)
        shown = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        yield f"{shown}?q=nobody"
    yield reverse("admin:persons_person_change", args=[person["id"]])
    yield f"{reverse('admin:persons_persondistinctid_reset')}?id=nobody&id={HOSTILE}"


def test_every_page_is_whole(browser: Browser, server: Server, api: Api) -> None:
    gone = "gone" * 100
    for name in (HOSTILE, gone):
        sent(api, HOSTILE, name, email=name, long="x" * 3000)
    # More than a line of a narrow list has room for.
    aliases = {"event": "$create_alias", "distinct_id": HOSTILE, "properties": {"alias": "other " * 60}}
    assert api.send([aliases])["status"] in (1, "Ok")
    eventually(lambda: api.get("", distinct_id=gone)["results"])
    (person,) = api.get("", distinct_id=HOSTILE)["results"]
    delete(api, api.get("", distinct_id=gone)["results"][0]["uuid"])
    with opened(browser, server, WIDTHS[0]) as tab:
        tab.emulate_media(reduced_motion="reduce")
        for address in dict.fromkeys(addresses(api, person)):
            answer = tab.goto(server.url + address, wait_until="domcontentloaded")
            assert answer
            # What is only looked at is not made or removed here.
            refused = {403} if address.endswith(("/add/", "/delete/")) else set()
            assert answer.status in {200, *refused}, address
            for width in WIDTHS:
                tab.set_viewport_size({"width": width, "height": 900})
                fits(tab)


def test_the_page_of_a_person_has_its_events(page: Page, server: Server, api: Api) -> None:
    sent(api, HOSTILE, HOSTILE, email=HOSTILE, long="x" * 3000)
    eventually(lambda: api.get("", distinct_id=HOSTILE)["results"])
    page.goto(f"{server.url}/admin/persons/person/?q={HOSTILE}")
    page.locator("#result_list a[href*='/change/']").first.click()
    page.locator(".pa-events summary").first.click()
    names = page.locator(".pa-events summary").all_inner_texts()
    assert any(name.startswith(HOSTILE) for name in names)
    settled(page)


def test_captured_deleted_captured_again_and_reset(page: Page, server: Server, api: Api) -> None:
    assert page.viewport_size
    ghost = f"ghost {page.viewport_size['width']}"

    def seen() -> Any:
        return api.get("", distinct_id=ghost)["results"]

    sent(api, "sign up", ghost, email="old@example.com")
    eventually(seen)
    (before,) = seen()
    delete(api, before["uuid"])
    sent(api, "paid", ghost, email="new@example.com")
    server.settled()
    assert seen() == []

    page.goto(f"{server.url}/admin/persons/persondistinctid/reset/")
    page.fill("#ids", f"{ghost}\nnobody")
    page.click("text=Look them up")
    row = page.locator("tr", has_text=ghost)
    assert "on hold" in row.inner_text()
    assert re.search(r"\b1\s+until", row.inner_text())
    assert "never seen" in page.locator("tr", has_text="nobody").first.inner_text()
    settled(page)
    page.click("text=Preview the reset")
    assert "becomes visible everywhere" in page.locator("tr", has_text=ghost).inner_text()
    assert seen() == []
    settled(page)
    page.click("text=Reset 1 distinct id")
    assert "1 of 1 distinct id reset" in page.locator(".pa-page h2").inner_text()
    settled(page)
    server.settled()
    page.click("text=Look again")
    assert "waiting for ClickHouse" not in page.locator("tr", has_text=ghost).inner_text()

    (after,) = seen()
    assert after["uuid"] != before["uuid"]
    assert after["properties"] == {"email": "new@example.com"}
    page.locator("tr", has_text=ghost).locator("a").click()
    page.wait_for_selector("text=new@example.com")
    page.wait_for_selector(".pa-events summary")
    assert [name.inner_text() for name in page.locator(".pa-event-name").all()] == ["paid"]
    settled(page)
    for path in ("deletion", "activitylog"):
        page.goto(
            f"{server.url}/admin/persons/{path}/?q={ghost if path == 'activitylog' else before['uuid']}"
        )
        settled(page)
        page.locator("#result_list a[href*='/change/']").first.click()
        settled(page)


def test_a_key_is_made_and_shown(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/admin/persons/personalapikey/add/")
    page.fill("[name=label]", "made in a browser")
    page.click("text=Save")
    value = page.input_value("#key-value")
    assert re.fullmatch(r"phx_\w{43}", value)
    settled(page)
    page.click("text=I have copied it")
    page.wait_for_selector("text=made in a browser")
    assert value not in page.content()


def delete(api: Api, uuid: str) -> None:
    key = api.project.personal_api_key
    address = f"{api.url}/api/projects/{api.project.project_id}/persons/{uuid}/"
    request = urllib.request.Request(address, method="DELETE", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 202


def test_the_slider_shows_properties_as_they_were(page: Page, server: Server, api: Api) -> None:
    assert page.viewport_size
    name = f"history {page.viewport_size['width']}"
    for day, sets in enumerate(({"plan": "free", HOSTILE: HOSTILE}, {"plan": "pro"}, {"seats": {"n": 5}}), 1):
        at = f"2025-03-0{day}T12:00:00Z"
        api.send([{"event": "$set", "distinct_id": name, "timestamp": at, "properties": {"$set": sets}}])
    eventually(lambda: api.get("", search=name)["results"])
    server.settled()
    (person,) = api.get("", distinct_id=name)["results"]
    page.goto(f"{server.url}/admin/persons/person/{person['id']}/change/")
    timeline = page.locator("#timeline")

    def at_is(moment: str, properties: dict[str, str], changed: set[str]) -> None:
        timeline.locator(f"[data-part=moment]:text('{moment}')").wait_for()
        shown = timeline.locator("[data-part=properties][aria-busy=false]")
        shown.wait_for()
        names, values = shown.locator("dt").all_inner_texts(), shown.locator("dd").all_inner_texts()
        assert dict(zip(names, values, strict=True)) == properties
        assert set(shown.locator("dt.pa-changed").all_inner_texts()) == changed

    first = {"plan": "free", HOSTILE: HOSTILE}
    at_is("2025-03-03 12:00:00", {**first, "plan": "pro", "seats": '{"n":5}'}, {"seats"})
    timeline.locator("input[type=range]").fill("0")
    at_is("2025-03-01 12:00:00", first, {"plan", HOSTILE})
    page.click("[aria-label='The change after']")
    at_is("2025-03-02 12:00:00", {**first, "plan": "pro"}, {"plan"})
    assert timeline.locator("[data-part=changes]").inner_text().split() == ["set", "plan", "free", "pro"]
    settled(page)
