"""The documentation names what there is: a new setting or parameter without a word about it fails here."""

import re
from collections.abc import Iterable
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
    rebuild_property_history,
    reset_distinct_ids,
    serve,
)
from persons.models import ALL_SCOPES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
API = (ROOT / "docs" / "api.md").read_text()
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


def test_the_readme_names_every_setting_and_only_those() -> None:
    read = set(
        re.findall(
            r'(?:environ\.get|_flag|_seconds|_size|_count|_name)\("(\w+)"',
            (ROOT / "persons_api/settings.py").read_text(),
        )
    )
    assert read == set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))


@pytest.mark.parametrize("path", [path for path in paths(get_resolver().url_patterns) if "admin" not in path])
def test_every_endpoint_is_described(path: str) -> None:
    told = path.removeprefix("api/projects/:project_id/").removeprefix("api/environments/:project_id/")
    told = told.replace(".ndjson/", ".csv/")  # whatever comes as the one comes as the other
    assert (
        f"/{told}" in API.replace(":id", ":person_id")
        or f"{told}`" in API.replace(":id", ":person_id")
        or (f"/{told.removesuffix('/')}`" in API)
    )


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
    "command", [serve, create_project, create_key, rebuild_property_history, reset_distinct_ids]
)
def test_the_readme_names_every_command(command: object) -> None:
    name = str(getattr(command, "__name__", "")).rpartition(".")[2]
    assert f"python manage.py {name} " in README
