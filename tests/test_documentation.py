"""The documentation names what there is: a new setting or parameter without a word about it fails here."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

import pytest
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from persons.api.parameters.correlation import CorrelationParameters
from persons.api.parameters.door import HARMLESS, Parameters
from persons.api.parameters.events import EventsParameters
from persons.api.parameters.funnel import FunnelParameters
from persons.api.parameters.history import (
    AtTimeParameters,
    AtTimesParameters,
    ChangesParameters,
    DiffParameters,
)
from persons.api.parameters.lifecycle import LifecycleParameters
from persons.api.parameters.persons import ListParameters
from persons.api.parameters.properties import (
    OPERATORS,
    UNSUPPORTED_BEHAVIOURS,
    Behaviour,
    BehaviourParameter,
    PropertyParameter,
    PropertyType,
)
from persons.api.parameters.timeline import TimelineParameters
from persons.api.parameters.trends import StickinessParameters
from persons.api.parameters.values import ValuesParameters
from persons.management.commands import (
    create_key,
    create_project,
    import_posthog,
    rebuild_property_history,
    reset_distinct_ids,
    serve,
)
from persons.models import ALL_SCOPES
from persons.openapi.query import SHARED_NAMES
from persons.openapi.views import description as document
from tests.docs.pages import pages
from tests.openapi.wire import operations

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = {page.name: page.read_text() for page in (ROOT / "docs" / "endpoints").glob("*.md")}
API = "\n".join([(ROOT / "docs" / "api.md").read_text(), *PAGES.values()])
OPERATING = (ROOT / "docs" / "operating.md").read_text()
FILTERS = (ROOT / "docs" / "filters.md").read_text()


def paths(patterns: list[URLPattern | URLResolver], prefix: str = "") -> list[str]:
    found = []
    for pattern in patterns:
        path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r":\1", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            found += paths(pattern.url_patterns, path)
        else:
            found.append(path)
    return found


def test_operating_names_every_setting_and_only_those() -> None:
    settings = (ROOT / "persons_api" / "settings.py").read_text()
    read = set(re.findall(r'(?:environ\.get|_count|_flag|_name|_slots|_seconds|_size)\("(\w+)"', settings))
    assert read == set(re.findall(r"^\| `([A-Z_]+)` \|", OPERATING, re.MULTILINE))


@pytest.mark.parametrize("path", [path for path in paths(get_resolver().url_patterns) if "admin" not in path])
def test_every_path_is_described(path: str) -> None:
    told = path.removeprefix("api/projects/:project_id/").removeprefix("api/environments/:project_id/")
    told = told.replace(".ndjson/", ".csv/")  # whatever comes as the one comes as the other
    assert f"/{told}" in API or f"{told}`" in API or f"/{told.removesuffix('/')}`" in API


def endpoints(text: str) -> list[tuple[str, str, frozenset[str]]]:
    """Method, path and scopes of the endpoints that a page is about, from its first table."""
    rows = re.findall(r"^\| ((?:`[A-Z]+` )+)\| `(/\S+)` \| (.*) \|$", text, re.MULTILINE)
    return [
        (method, path, frozenset(re.findall(r"`(\w+:\w+)`", needs)))
        for methods, path, needs in rows
        for method in re.findall(r"\w+", methods)
    ]


def test_every_endpoint_has_a_page_that_says_which_scopes_it_needs() -> None:
    asked = [
        (method.upper(), re.sub(r"\{(\w+)\}", r":\1", path), frozenset(told.get("x-required-scopes", ())))
        for path, methods in document()["paths"].items()
        for method, told in methods.items()
    ]
    assert sorted(asked, key=str) == sorted(
        (endpoint for page in PAGES.values() for endpoint in endpoints(page)), key=str
    )


def linked(page: Path) -> Iterator[Path]:
    """A page, and those it links to."""
    yield page
    yield from {page.parent / link for link in re.findall(r"\]\(([\w./-]+\.md)", page.read_text())}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_a_parameter_is_described_on_the_page_of_its_endpoint_or_where_that_leads(page: str) -> None:
    told = "".join(each.read_text() for each in linked(ROOT / "docs" / "endpoints" / page))
    asked = {(method, path) for method, path, _ in endpoints(PAGES[page])}
    names = {
        name
        for operation in operations()
        if (operation.method.upper(), re.sub(r"\{(\w+)\}", r":\1", operation.path)) in asked
        for name in operation.fields
    }
    names -= {"personal_api_key", *SHARED_NAMES}
    assert {name for name in names if f"`{name}`" not in told} == set()


def test_parameters_that_operations_share_are_described_once() -> None:
    told = (ROOT / "docs" / "api.md").read_text()
    assert {name for name in SHARED_NAMES if f"`{name}`" not in told} == set()


def test_every_page_is_in_the_menu() -> None:
    docs = ROOT / "docs"
    assert {page for page in pages() if page.exists()} == set(docs.rglob("*.md"))


@pytest.mark.parametrize(
    "parameters",
    [
        FunnelParameters,
        CorrelationParameters,
        LifecycleParameters,
        ListParameters,
        StickinessParameters,
        ValuesParameters,
        AtTimeParameters,
        AtTimesParameters,
        ChangesParameters,
        DiffParameters,
        TimelineParameters,
        EventsParameters,
    ],
)
def test_every_parameter_is_described(parameters: type[Parameters]) -> None:
    fields = {field.alias or name for name, field in parameters.model_fields.items()}
    names = {*fields, *parameters.harmless, *(HARMLESS - {"personal_api_key"})}
    names |= {parameter.name for parameter in parameters.unsupported}
    assert {name for name in names if f"`{name}`" not in API} == set()


@pytest.mark.parametrize(
    "names",
    [
        OPERATORS,
        get_args(PropertyType),
        get_args(Behaviour),
        UNSUPPORTED_BEHAVIOURS,
        {name for name in PropertyParameter.model_fields if name != "type"},
        BehaviourParameter.model_fields,
    ],
)
def test_every_part_of_a_filter_is_described(names: Iterable[str]) -> None:
    assert {name for name in names if f"`{name}`" not in FILTERS} == set()


def test_every_scope_is_described() -> None:
    objects = {scope.partition(":")[0] for scope in ALL_SCOPES}
    assert {name for name in objects if f"`{name}" not in API} == set()


@pytest.mark.parametrize(
    "command",
    [serve, create_project, create_key, import_posthog, rebuild_property_history, reset_distinct_ids],
)
def test_the_readme_names_every_command(command: object) -> None:
    name = str(getattr(command, "__name__", "")).rpartition(".")[2]
    assert f"python manage.py {name} " in README
