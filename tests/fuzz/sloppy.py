"""How far a request may be from what the description says of it, and still be answered.

The description is strict, because clients are generated from it. People and older clients are not: to them a
null is what was not given, `"5"` a number, `"yes"` a truth, and a filter without a type one on events.
"""

import functools
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from persons.openapi.components import Schema
from persons.openapi.views import description

_TEXT: Schema = {"type": "string"}
_NUMBER_TEXT: Schema = {"type": "string", "pattern": r"^\s*[+-]?\d+\s*$"}
_TRUTH: Schema = {
    "anyOf": [
        {"type": "boolean"},
        {"enum": [0, 1]},
        {"type": "string", "pattern": r"(?i)^\s*(y|yes|t|true|on|1|n|no|f|false|off|0)?\s*$"},
    ]
}
_ABSENT: Schema = {"enum": [None]}
# Where filters stand: their JSON as text, none at all, and PostHog's oldest form, names of properties.
_FILTERS: list[Schema] = [
    _TEXT,
    _ABSENT,
    {"type": "object", "not": {"anyOf": [{"required": ["type"]}, {"required": ["values"]}]}},
]
_FOR_READERS = ("nullable", "discriminator", "example", "description")


def may_be_sent(schema: Schema, value: Any) -> bool:
    """Whether JSON is near enough to what a schema says."""
    return _is_valid(_loose(schema), value)


def members_that_may_be_sent(schema: Schema, value: Any) -> bool:
    """The same of a whole body, whose lists and objects may come as text as well."""
    loose = _loose(meant(schema))
    for name, each in meant(schema)["properties"].items():
        if not meant(each).keys() & {"type"} or meant(each)["type"] in ("array", "object"):
            loose["properties"][name] = {"anyOf": [loose["properties"][name], _TEXT]}
    return _is_valid(loose, value)


def _is_valid(schema: Schema, value: Any) -> bool:
    document = {**schema, "components": {"schemas": _components()}}
    return bool(Draft202012Validator(document, format_checker=FormatChecker()).is_valid(value))


@functools.cache
def _components() -> Schema:
    found = {name: _loose(each) for name, each in description()["components"]["schemas"].items()}
    found["PropertyFilters"] = {"anyOf": [found["PropertyFilters"], *_FILTERS]}
    return found


def meant(schema: Schema) -> Schema:
    """What a reference refers to."""
    ref = schema.get("$ref") or schema.get("allOf", [{}])[0].get("$ref")
    found: Schema = description()["components"]["schemas"][ref.rpartition("/")[2]] if ref else schema
    return found


def _loose(node: Any) -> Any:
    if isinstance(node, list):
        return [_loose(each) for each in node]
    if not isinstance(node, dict):
        return node
    nullable = node.get("nullable") is True
    loose = {
        "anyOf" if name == "oneOf" else name: each if name == "properties" else _loose(each)
        for name, each in node.items()
        if name not in _FOR_READERS
    }
    if isinstance(node.get("properties"), dict) and node.get("type") == "object":
        required = [name for name in node.get("required", ()) if name != "type"]
        loose["required"] = required
        loose["properties"] = {
            name: _loose(each) if name in required else {"anyOf": [_loose(each), _ABSENT]}
            for name, each in node["properties"].items()
        }
    elif node.get("type") == "boolean":
        loose = _TRUTH
    elif node.get("type") == "integer":
        loose = {"anyOf": [loose, _NUMBER_TEXT]}
    return {"anyOf": [loose, _ABSENT]} if nullable else loose
