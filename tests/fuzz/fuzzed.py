"""The description, as schemathesis reads it.

`FUZZ_EXAMPLES` says how many requests are made up for each operation. The usual run makes up a few; a
long one also sends those that each bound, each value of an enumeration and each wrong type calls for.
"""

import os
from collections.abc import Iterable
from contextlib import closing
from copy import deepcopy
from typing import Any

import schemathesis
from schemathesis import Case
from schemathesis.config import SchemathesisConfig

from persons.openapi.views import description
from persons_api.links import REQUEST_BODY
from persons_api.wsgi import application
from tests.openapi import store

FEW = 4
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", FEW))
_STORED = {
    "project_id": "@current",
    "person_id": store.SOMEBODY,
    "cohort_id": store.COHORT,
    "action_id": store.ACTION,
    "key_id": store.KEY,
}
_OFF = (
    # Rules that stand between parameters (exactly one of three lists, a cohort that exists, JSON in a query
    # string) have no place in OpenAPI 3.0. Instead a refusal must name the parameter (checks.py), and
    # tests/openapi sends every example, which must work.
    "positive_data_acceptance",
    # Requests may be sloppier than the description, which is for generated clients. checks.py has this check
    # with what sloppy.py allows.
    "negative_data_rejection",
)


def _closed(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The application behind a server that reads whole answers and closes them; schemathesis does not."""
    with closing(application(environ, start_response)) as answer:  # type: ignore[type-var]
        return [b"".join(answer)]


def _often(name: str) -> dict[str, Any]:
    return {"dictionary": name, "probability": 0.9 if name == "project_id" else 0.7}


def _with_bodies_of_links(document: dict[str, Any]) -> dict[str, Any]:
    """The same document, which schemathesis may change, with the bodies of links where it reads them."""
    operations = (operation for methods in document["paths"].values() for operation in methods.values())
    responses = (response for operation in operations for response in operation["responses"].values())
    for response in responses:
        for link in response.get("links", {}).values():
            if REQUEST_BODY in link:
                link["requestBody"] = link.pop(REQUEST_BODY)
    return document


def leads_elsewhere(case: Case[Any]) -> bool:
    """Whether the path is that of another operation: `persons/{person_id}/` with an id like `values`."""
    path = case.path
    for name, value in case.path_parameters.items():
        if name != "project_id":
            path = path.replace(f"{{{name}}}", str(value))
    return path != case.path and path in description()["paths"]


def _fuzzed(parameters: dict[str, Any], mode: str) -> schemathesis.BaseSchema:
    config = SchemathesisConfig.from_dict(
        {
            "seed": 20240301,
            "dictionaries": {name: {"values": [value]} for name, value in _STORED.items()},
            "parameters": parameters,
            "generation": {
                "mode": mode,
                "max-examples": EXAMPLES,
                "database": "none",
                "no-shrink": True,
                # Texts with a NUL are refused wherever they stand, which has tests of its own.
                "allow-x00": False,
            },
            "phases": {"coverage": {"enabled": EXAMPLES > FEW}},
            "checks": {name: {"enabled": False} for name in _OFF},
            # A beacon may come as a GET, which is no way to send events that a description should offer.
            "operations": [
                {
                    "include-path": "/batch/",
                    "checks": {
                        "allow_header_conformance": {"enabled": False},
                        "unsupported_method": {"enabled": False},
                    },
                },
            ],
        }
    )
    made = schemathesis.openapi.from_dict(_with_bodies_of_links(deepcopy(description())), config=config)
    made.app = _closed
    return made


SCHEMA = _fuzzed({f"path.{name}": _often(name) for name in _STORED}, "all")
# What is done to projects and keys would be the end of a sequence.
SEQUENCES = _fuzzed({}, "positive").exclude(tag=["projects", "personal_api_keys", "users", "health"])
