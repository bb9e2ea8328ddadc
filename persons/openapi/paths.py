"""What paths say: names of operations, groups, and the parameters in them."""

import re
from typing import Any

_PREFIX = re.compile(r"^/(api/(projects/{project_id}/(?=.))?)?")
_VERBS = {
    "GET": "retrieve",
    "POST": "create",
    "PUT": "update",
    "PATCH": "partial_update",
    "DELETE": "destroy",
}
_ID = {"type": "integer", "format": "int64"}

PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "project_id": {
        "description": "The project: its id, or `@current` for a key that sees exactly one.",
        "schema": {"type": "string"},
        "example": "@current",
    },
    "person_id": {
        "description": "The person: its uuid, or its id.",
        "schema": {"type": "string"},
        "example": "0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d",
    },
    "cohort_id": {"description": "The cohort.", "schema": _ID, "example": 12},
    "action_id": {"description": "The action.", "schema": _ID, "example": 3},
    "event_id": {
        "description": "The event, by its uuid.",
        "schema": {"type": "string", "format": "uuid"},
        "example": "0190d3f1-2b4c-7a6b-8c7d-2f4e6a8b0c1d",
    },
    "key_id": {"description": "The key, by its id.", "schema": _ID, "example": 7},
}


def _words(path: str) -> list[str]:
    plain = re.sub(r"{\w+}", "", _PREFIX.sub("", path))
    return re.findall(r"\w+", plain)


def operation_id_of(path: str, method: str, action: str) -> str:
    """The name that PostHog's schema gives the operation: `persons_funnel_retrieve`."""
    return "_".join(
        [*(word.strip("_") for word in _words(path)), "list" if action == "list" else _VERBS[method]]
    )


def form_of(path: str) -> str:
    """The form of the answer that a path asks for: `csv` and `ndjson` are files."""
    return next((form for form in ("csv", "ndjson") if path.endswith(f".{form}/")), "json")


def tag_of(path: str) -> str:
    return _words(path)[0]


# Documented once: environments are projects, all these take what /batch/ takes, and questions are answered
# with lines of JSON where they are answered with CSV.
_DOUBLES = re.compile(
    r"^/(api/environments/|(capture|track|engage|e|i/v0/e|i/v0/ai/batch)/$|.*(?<!persons)\.ndjson/$)"
)


def without_doubles(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """A hook of drf-spectacular's: each endpoint under one path."""
    return [each for each in endpoints if not _DOUBLES.match(each[0])]
