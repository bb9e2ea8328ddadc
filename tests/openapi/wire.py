"""The OpenAPI description as tests read it: its operations, and whether JSON is what a schema says."""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator, FormatChecker

from persons.openapi.components import Schema
from persons.openapi.paths import form_of
from persons.openapi.views import description as document


class Operation(NamedTuple):
    method: str
    path: str
    told: Schema

    @property
    def name(self) -> str:
        return str(self.told["operationId"])

    @property
    def is_file(self) -> bool:
        return form_of(self.path) != "json"

    @property
    def fields(self) -> dict[str, Schema]:
        """Its parameters, those of the path aside, in the query string or in the body."""
        if body := self.body:
            fields: dict[str, Schema] = _component(body["schema"])["properties"]
            return fields
        return {each["name"]: each for each in self.parameters if each["in"] == "query"}

    @property
    def parameters(self) -> list[Schema]:
        """Its parameters outside the body, the shared ones included."""
        shared = document()["components"]["parameters"]
        told = self.told.get("parameters", ())
        return [shared[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in told]

    @property
    def required(self) -> list[str]:
        if body := self.body:
            return list(_component(body["schema"]).get("required", ()))
        return [name for name, each in self.fields.items() if each.get("required")]

    @property
    def body(self) -> Schema:
        content: Schema = self.told.get("requestBody", {}).get("content", {}).get("application/json", {})
        return content


def operations() -> list[Operation]:
    return [
        Operation(method, path, told)
        for path, methods in document()["paths"].items()
        for method, told in methods.items()
    ]


def examples(field: Schema) -> list[Any]:
    """The values of a parameter that are said to work."""
    if "examples" in field:
        return [each["value"] for each in field["examples"].values()]
    return [field["example"], *field.get("x-more-examples", ())] if "example" in field else []


def mistakes(schema: Schema, value: Any) -> Iterator[str]:
    """How JSON differs from what a schema says; nothing that is not described is allowed in it."""
    checked = {**_strict(schema), "components": {"schemas": _strict_components()}}
    validator = Draft202012Validator(checked, format_checker=FormatChecker())
    for error in validator.iter_errors(value):
        yield f"{error.json_path}: {error.message}"


@functools.cache
def _strict_components() -> Schema:
    components: Schema = _strict(document()["components"]["schemas"])
    return components


def _component(schema: Schema) -> Schema:
    found: Schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _strict(node: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema, without room for undescribed names."""
    if isinstance(node, list):
        return [_strict(each) for each in node]
    if not isinstance(node, dict):
        return node
    nullable = node.get("nullable") is True
    strict = {name: _strict(each) for name, each in node.items() if name not in ("nullable", "discriminator")}
    if isinstance(strict.get("properties"), dict) and strict.get("type") == "object":
        strict.setdefault("additionalProperties", False)
    return {"anyOf": [strict, {"type": "null"}]} if nullable else strict
