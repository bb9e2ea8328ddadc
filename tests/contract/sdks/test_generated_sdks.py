"""Clients that generators make of /api/schema/: they compile, say everything with types, and lose nothing."""

import json
import re
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.contract.sdks.expected import PEOPLE, PROPERTIES, SIGNED_UP, happened
from tests.contract.sdks.generate import GENERATORS, Made, done
from tests.contract.shop import Shop

HERE = Path(__file__).parent
DOCUMENTATION = HERE.parents[2] / "docs" / "sdk.md"
# Of any description, be it of one text: openapi-generator looks up nothing, and renames a parameter `from`.
HARMLESS = (
    r".*Failed to get the schema name: null",
    r".*From \(reserved word\) cannot be used as model name. Renamed to ModelFrom",
)
NOT_OF_ACTORS = {"distinct_ids_count", "distinct_ids_truncated", "updated_at"}
each = pytest.mark.parametrize("name", [make.__name__ for make in GENERATORS])
Making = dict[str, Callable[[], Made]]


@each
def test_a_client_gets_the_same_answers_as_everybody(making: Making, shop: Shop, name: str) -> None:
    made = making[name]()
    happened(shop)
    sent = {person["name"]: _without_zones(person) for person in shop.persons()}
    assert {name: person["properties"] for name, person in sent.items()} == PROPERTIES
    told = _without_zones(json.loads(made.ask(shop.url, shop.key, str(shop.project_id))))

    for question, values in PEOPLE.items():
        assert _people(told[question]) == {
            name: {
                **_as_actor(sent[name]),
                "id": sent[name]["uuid"],
                "matched_recordings": [],
                "value_at_data_point": value,
            }
            for name, value in values.items()
        }, question
    assert list(_people(told["trends"])) == list(PEOPLE["trends"])
    assert told["funnel"]["total_count"] == len(PEOPLE["funnel"])
    assert {(each["name"], each["count"]) for each in told["values"]["results"]} == {
        ("1", 2), ("42", 1), ("2.5", 1),
    }  # fmt: skip
    past = told["at_time"]
    assert past.pop("point_in_time_metadata")["distinct_ids_queried"] == ["ada"]
    assert past == {**sent["ada"], "properties": SIGNED_UP["ada"]}
    _check_pages(told["pages"], sent)
    assert (told["deleted"]["persons_deleted"], told["reset"]) == (1, 202)
    assert [told[name]["status"] for name in ("refused", "forbidden")] == [400, 403]
    refused, forbidden = told["refused"]["error"], told["forbidden"]["error"]
    assert (refused["type"], refused["attr"]) == ("validation_error", "funnel_step")
    assert refused["detail"].startswith("funnel_step must be between 1 and 2")
    assert (forbidden["code"], forbidden["attr"]) == ("permission_denied", None)
    assert forbidden["detail"] == "API key missing required scope 'person:read'"


@each
def test_a_generator_has_nothing_to_say_against_the_description(making: Making, name: str) -> None:
    warnings = re.findall(
        r"^.*\b(?:WARN(?:ING)?|ERROR)\b.*$", making[name]().printed, re.IGNORECASE | re.MULTILINE
    )
    assert [warning for warning in warnings if not re.fullmatch("|".join(HARMLESS), warning)] == []


@pytest.mark.parametrize("name", ["openapi_generator", "openapi_python_client"])
def test_python_types_are_enough_to_ask_everything(making: Making, name: str) -> None:
    """Those of TypeScript are checked when it is compiled."""
    strict = ["--strict", "--config-file=", "--follow-imports=silent", "--cache-dir=mypy"]
    done([sys.executable, "-m", "mypy", *strict, "user.py", "funnel.py"], making[name]().folder)


@each
def test_the_documentation_shows_the_program_that_was_run(name: str) -> None:
    (program,) = (HERE / name).glob("funnel.*")
    blocks = re.findall(r"^```(?:python|ts)\n(.*?)^```$", DOCUMENTATION.read_text(), re.DOTALL | re.MULTILINE)
    assert program.read_text() in blocks


def _as_actor(person: dict[str, Any]) -> dict[str, Any]:
    """Without what answers to questions do not say of a person."""
    return {field: value for field, value in person.items() if field not in NOT_OF_ACTORS}


def _people(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (result,) = answer["results"]
    return {person["name"]: person for person in result["people"]}


def _check_pages(pages: list[dict[str, Any]], sent: dict[str, dict[str, Any]]) -> None:
    """The newest come first, two on a page."""
    names = list(reversed(SIGNED_UP))
    assert [page["results"] for page in pages] == [
        [sent[name] for name in names[start : start + 2]] for start in range(0, len(names), 2)
    ]
    assert {page["count"] for page in pages} == {len(names)}
    assert [bool(page["next"]) for page in pages] == [True, True, False]
    assert [bool(page["previous"]) for page in pages] == [False, True, True]


def _without_zones(value: Any) -> Any:
    """The same JSON, its moments as Python writes them in UTC."""
    if isinstance(value, dict):
        return {name: _without_zones(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_zones(each) for each in value]
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        return datetime.fromisoformat(value).isoformat()
    return value
