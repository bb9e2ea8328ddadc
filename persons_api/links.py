"""Which answers lead to which operations: the links of the OpenAPI description.

With a list of persons goes where to find the first of them, and with a new cohort what can be done to it.
Whoever reads the description sees how operations belong together, and programs can follow: fuzzers, say.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

REQUEST_BODY = "x-request-body"
_FIRST_PERSON, _PERSON = "$response.body#/results/0", "$response.body#"
_FIRST_ACTOR = "$response.body#/results/0/people/0"
_MADE = "$response.body#/id"


class _Link(NamedTuple):
    to: str
    parameters: Mapping[str, str]
    body: Mapping[str, Any] | None = None


def _of_person(uuid: str, *more: _Link) -> list[_Link]:
    """What can be asked of a person, and done to it."""
    named = (
        "persons_retrieve",
        "persons_partial_update",
        "persons_update_property_create",
        "persons_delete_property_create",
        "persons_properties_history_retrieve",
        "persons_properties_timeline_retrieve",
        "persons_activity_retrieve",
        "persons_delete_events_create",
        "persons_destroy",
    )
    asked = (
        _Link("persons_cohorts_retrieve", {"person_id": uuid}),
        _Link("persons_batch_by_uuids_create", {}, {"uuids": [uuid]}),
    )
    return [*(_Link(each, {"person_id": uuid}) for each in named), *asked, *more]


def _of_made(name: str, parameter: str, *more: str) -> list[_Link]:
    verbs = ("retrieve", "partial_update", "update", "destroy")
    return [
        _Link(f"{name}_{verb}", {parameter: _MADE}) for verb in (*verbs, *more) if (name, verb) not in _ABSENT
    ]


_ABSENT = {
    ("projects", "update"),
    *(("personal_api_keys", verb) for verb in ("retrieve", "partial_update", "update")),
}
_SPLIT = _Link(
    "persons_split_create",
    {"person_id": f"{_PERSON}/uuid"},
    {"main_distinct_id": f"{_PERSON}/distinct_ids/0"},
)
_PAST = _Link("persons_properties_at_time_retrieve", {"distinct_id": f"{_PERSON}/distinct_ids/0"})
_ACTORS = _of_person(f"{_FIRST_ACTOR}/uuid")
_LINKS: dict[str, list[_Link]] = {
    "persons_list": _of_person(f"{_FIRST_PERSON}/uuid"),
    "persons_retrieve": _of_person(f"{_PERSON}/uuid", _SPLIT, _PAST),
    **{
        f"persons_{name}_{verb}": _ACTORS
        for name in ("funnel", "funnel_correlation", "lifecycle", "trends", "stickiness")
        for verb in ("retrieve", "create")
    },
    "cohorts_persons_retrieve": _of_person(f"{_FIRST_PERSON}/uuid"),
    "persons_destroy_by_distinct_id": [
        _Link("persons_reset_person_distinct_id_create", {}, {"distinct_id": "$request.query.distinct_id"}),
    ],
    "persons_destroy": [
        _Link("persons_retrieve", {"person_id": "$request.path.person_id"}),
        _Link("persons_deletion_status_list", {}),
    ],
    "persons_bulk_delete_create": [_Link("persons_deletion_status_list", {})],
    "cohorts_create": _of_made(
        "cohorts", "cohort_id", "persons_retrieve", "add_persons_to_static_cohort_partial_update"
    ),
    "actions_create": _of_made("actions", "action_id"),
    "projects_create": [
        *_of_made("projects", "project_id"),
        _Link("persons_list", {"project_id": _MADE}),
        _Link("cohorts_create", {"project_id": _MADE}),
    ],
    "personal_api_keys_create": _of_made("personal_api_keys", "key_id"),
    "capture_batch_create": [
        _Link("persons_list", {"distinct_id": "$request.body#/batch/0/distinct_id"}),
    ],
}


def link(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """A hook of drf-spectacular's."""
    for path, operation in _operations(result):
        found = _LINKS.get(operation["operationId"], ())
        for status, response in operation["responses"].items():
            if found and status.startswith("2"):
                response["links"] = {each.to: _described(each, path) for each in found}
    return result


def _described(each: _Link, path: str) -> dict[str, Any]:
    """The project stays the same, where the link names no other. `x-request-body` stands for `requestBody`,
    of which openapi-generator takes nothing but a text."""
    same = {"project_id": "$request.path.project_id"} if "{project_id}" in path else {}
    parameters = {**same, **each.parameters}
    return {
        "operationId": each.to,
        **({"parameters": parameters} if parameters else {}),
        **({REQUEST_BODY: dict(each.body)} if each.body else {}),
    }


def _operations(result: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in result["paths"].items():
        for operation in methods.values():
            yield path, operation
