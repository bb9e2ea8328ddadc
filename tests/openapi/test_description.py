"""The description is complete, says nothing twice, and is the one in docs/."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from persons.api.answers import sent
from persons.api.answers import stored as answers
from persons.api.serializers import PersonalAPIKeySerializer, ProjectSerializer
from persons.openapi.components import Schema
from persons.openapi.views import description as document
from persons_api.links import REQUEST_BODY
from tests.openapi.wire import Operation, examples, mistakes, operations

WRITTEN = Path(__file__).parents[2] / "docs" / "openapi.yaml"
# PostHog's names, which clients of its schema know.
POSTHOG = {
    "persons_list", "persons_retrieve", "persons_funnel_retrieve", "persons_funnel_create",
    "persons_funnel_correlation_retrieve", "persons_funnel_correlation_create", "persons_cohorts_retrieve",
    "persons_lifecycle_retrieve", "persons_lifecycle_create", "persons_values_retrieve",
    "persons_batch_by_distinct_ids_create", "persons_batch_by_uuids_create",
    "persons_properties_at_time_retrieve", "persons_properties_timeline_retrieve",
    "persons_trends_retrieve", "persons_stickiness_retrieve",
    "persons_update", "persons_partial_update", "persons_destroy", "persons_bulk_delete_create",
    "persons_split_create", "persons_update_property_create", "persons_delete_property_create",
    "persons_delete_events_create", "persons_delete_recordings_create", "persons_deletion_status_list",
    "persons_reset_person_distinct_id_create", "persons_activity_retrieve", "persons_all_activity_retrieve",
    "cohorts_list", "cohorts_create", "cohorts_retrieve", "cohorts_update", "cohorts_partial_update",
    "cohorts_destroy", "cohorts_persons_retrieve", "cohorts_add_persons_to_static_cohort_partial_update",
    "cohorts_remove_person_from_static_cohort_partial_update", "actions_list", "actions_create",
    "actions_retrieve", "actions_update", "actions_partial_update", "actions_destroy",
}  # fmt: skip


def test_the_written_description_is_that_of_the_code(tmp_path: Path) -> None:
    """`make openapi` writes it anew. Fails as well where a view says nothing of itself."""
    made = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(made))
    assert made.read_text() == WRITTEN.read_text()


def test_operations_have_the_names_that_posthog_gives_them() -> None:
    names = [operation.name for operation in operations()]
    assert len(names) == len(set(names))
    assert set(names) >= POSTHOG


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.name)
def test_every_parameter_has_a_meaning_and_an_example(operation: Operation) -> None:
    assert operation.told["summary"]
    assert [name for name, field in operation.fields.items() if not field.get("description")] == []
    assert [name for name, field in operation.fields.items() if not examples(field)] == []


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.name)
def test_every_example_is_what_its_schema_says(operation: Operation) -> None:
    for name, field in operation.fields.items():
        schema = field if operation.body else field["schema"]
        assert [
            (name, list(mistakes(schema, each))) for each in examples(field) if [*mistakes(schema, each)]
        ] == []
    if "example" in operation.body:
        assert list(mistakes(operation.body["schema"], operation.body["example"])) == []


def test_nothing_is_said_that_generators_of_clients_choke_on() -> None:
    for path, node in nodes(document()):
        enumeration = node.get("enum")
        if isinstance(enumeration, list):
            assert not {None, ""} & set(enumeration), path
        assert node.get("type") != "null", path
        assert not isinstance(node.get("type"), list), path
        # With a default in a schema they send what nobody said, and change it with PATCH.
        assert "default" not in node or ".paths." in path or ".servers." in path, path
        assert "nullable" not in node or "type" in node, path
        if "$ref" in node:
            assert set(node) == {"$ref"}, path
    for operation in operations():
        if operation.method == "get":
            assert "requestBody" not in operation.told
            for field in operation.fields.values():
                assert field["schema"].get("type") not in ("array", "object"), (operation.name, field)


def test_every_operation_says_that_an_address_may_be_too_long() -> None:
    for operation in operations():
        assert "414" in operation.told["responses"], operation.name


def test_the_description_names_its_license_and_a_contact() -> None:
    info = document()["info"]
    assert info["license"] == {"name": "MIT", "url": "https://opensource.org/license/mit"}
    assert info["contact"]["name"]


def test_a_client_that_names_no_limit_gets_the_whole_file() -> None:
    for operation in operations():
        if operation.is_file and operation.method == "get":
            limits = [field for name, field in operation.fields.items() if name.endswith("limit")]
            assert bool(limits) == ("unless a limit is given" in operation.told["description"])
            assert not any("default" in field["schema"] for field in limits)


def test_a_client_that_names_no_interval_gets_the_whole_range() -> None:
    (trends,) = (operation for operation in operations() if operation.name == "persons_trends_retrieve")
    assert "default" not in trends.fields["interval"]["schema"]


def test_filters_are_told_apart_by_their_type() -> None:
    node = document()["components"]["schemas"]["PropertyNode"]
    kinds = node["discriminator"]["mapping"]
    assert {kind: ref.rpartition("/")[2] for kind, ref in kinds.items()} == {
        **dict.fromkeys(["AND", "OR"], "PropertyGroup"),
        **dict.fromkeys(["event", "person", "event_metadata", "cohort", "element"], "PropertyFilter"),
        "behavioral": "BehaviouralFilter",
    }


def test_every_operation_says_who_may_ask() -> None:
    open_to_all = {"health_retrieve", "livez_retrieve", "capture_batch_create", "capture_v1_create"}
    any_key = {"users_me_retrieve", "personal_api_keys_current_retrieve"}
    for operation in operations():
        assert bool(operation.told["security"]) == (operation.name not in open_to_all), operation.name
        has_scopes = bool(operation.told.get("x-required-scopes"))
        assert has_scopes == (operation.name not in open_to_all | any_key), operation.name
    scopes = {operation.name: operation.told.get("x-required-scopes") for operation in operations()}
    assert scopes["persons_funnel_create"] == ["person:read"]
    assert scopes["persons_cohorts_retrieve"] == ["person:read", "cohort:read"]
    assert scopes["cohorts_create"] == ["cohort:write"]


def test_whatever_changes_persons_can_be_sent_again() -> None:
    for operation in operations():
        headers = [each["name"] for each in operation.parameters if each["in"] == "header"]
        changes = operation.told.get("x-required-scopes") == ["person:write"]
        assert headers == ["Idempotency-Key"] * changes, operation.name


@pytest.mark.parametrize(
    ("serializer", "sent_model", "answer"),
    [
        (ProjectSerializer, sent.ProjectChanges, answers.Project),
        (PersonalAPIKeySerializer, sent.NewKey, answers.PersonalAPIKey),
    ],
)
def test_models_that_describe_serializers_have_their_fields(
    serializer: Any, sent_model: Any, answer: Any
) -> None:
    fields = serializer().fields
    assert set(answer.model_fields) == set(fields)
    assert set(sent_model.model_fields) == {name for name, field in fields.items() if not field.read_only}


def nodes(node: Any, path: str = "") -> list[tuple[str, Schema]]:
    """Every object of a document, but for examples."""
    if isinstance(node, list):
        return [each for place, member in enumerate(node) for each in nodes(member, f"{path}.{place}")]
    if not isinstance(node, dict):
        return []
    below = [
        each
        for name, member in node.items()
        if "example" not in name
        for each in nodes(member, f"{path}.{name}")
    ]
    return [(path, node), *below]


def test_links_lead_to_operations_and_name_their_parameters() -> None:
    by_name = {operation.name: operation for operation in operations()}
    links = [
        (f"{operation.name} -> {name}", link)
        for operation in operations()
        for response in operation.told["responses"].values()
        for name, link in response.get("links", {}).items()
    ]
    assert links
    for place, link in links:
        target = by_name[link["operationId"]]
        known = {each["name"] for each in target.parameters}
        assert set(link.get("parameters", {})) <= known, place
        assert bool(target.body) or REQUEST_BODY not in link, place
        assert set(link.get(REQUEST_BODY, {})) <= set(target.fields), place
