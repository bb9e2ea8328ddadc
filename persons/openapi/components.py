"""From pydantic models to the components of OpenAPI 3.0.3, as generators of clients understand them.

Nullable instead of a union with null, and not even that where null stands for an absent value; `{}` for
mixtures of types; a name for every enumeration; unions told apart by their `type`.
"""

from collections.abc import Iterable
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from persons.openapi.fields import COMPONENT, FILES_ONLY, MORE_EXAMPLES, NEEDS, REQUIRED

Schema = dict[str, Any]
_REF = "#/components/schemas/"
# What belongs to a field and not to the component that its type is.
_OF_FIELD = ("description", "default", "example", "examples", "nullable")
_BEYOND_32_BITS = 2**31
# As pydantic leaves them where a validator stands before the type.
_LIMITS = {"ge": "minimum", "le": "maximum"}


class NameTaken(Exception):
    """Two types want the same name."""


class Components:
    """The components met so far, by name."""

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._sources: dict[str, Schema] = {}
        self._definitions: dict[str, Schema] = {}

    def ref(self, model: type[BaseModel]) -> Schema:
        """A reference to a model's component."""
        return self._schema(self._defined(model))

    def inline(self, model: type[BaseModel]) -> Schema:
        """The schema of a model itself; what it refers to becomes components."""
        return self._object(self._definition(self._defined(model)["$ref"]))

    def _defined(self, model: type[BaseModel]) -> Schema:
        references, document = models_json_schema([(model, "validation")])
        for name, definition in document["$defs"].items():
            if self._definitions.setdefault(name, definition) != definition:
                raise NameTaken(name)
        return references[model, "validation"]

    def _definition(self, ref: str) -> Schema:
        return self._definitions[ref.removeprefix("#/$defs/")]

    def _schema(self, node: Schema) -> Schema:
        node = _without_null(node)
        if name := node.get(COMPONENT):
            return self._named(name, node)
        if ref := node.pop("$ref", None):
            return self._beside(self._reference(ref), node)
        if any(_is_scalar(option) for option in node.get("anyOf", ())):
            del node["anyOf"]
        return self._plain(node)

    def _plain(self, node: Schema) -> Schema:
        node.pop("title", None)
        for name, keyword in _LIMITS.items():
            if name in node:
                node[keyword] = node.pop(name)
        if "const" in node:
            node["enum"] = [node.pop("const")]
        if node.get("default", 0) is None:
            del node["default"]
        node = _with_example(node)
        if node.get("type") == "integer" and abs(node.get("maximum", _BEYOND_32_BITS)) >= _BEYOND_32_BITS:
            node["format"] = "int64"
        if "description" in node:
            node["description"] = _text(node["description"])
        for key in ("items", "additionalProperties"):
            if key in node:
                node[key] = {} if node[key] is True else self._schema(node[key])
        if options := node.pop("anyOf", None) or node.pop("oneOf", None):
            node |= self._union(options)
        return self._object(node) if "properties" in node else node

    def _object(self, node: Schema) -> Schema:
        sent = node.get("properties", {})
        # What has a default only to be refused in words of our own cannot be null either.
        missed = [name for name, each in sent.items() if each.get(REQUIRED)]
        never_null = {name: _never_null(each) for name, each in sent.items()}
        required = [*node.get("required", []), *missed]
        properties = {
            name: self._schema(each if name in node.get("required", []) else never_null[name])
            for name, each in sorted(sent.items(), key=lambda pair: pair[0] not in required)
        }
        found = {
            "type": "object",
            "description": _text(node.get("description", "")),
            "properties": properties,
        }
        return {**found, "required": list(required)} if required else found

    def _union(self, options: Iterable[Schema]) -> Schema:
        options = list(options)
        found: Schema = {"oneOf": [self._schema(each) for each in options]}
        mapping: dict[str, str] = {}
        for option in options:
            definition = self._definition(option["$ref"]) if "$ref" in option else {}
            kind = definition.get("properties", {}).get("type", {})
            kinds = kind.get("enum") or [kind.get("const")]
            if "type" not in definition.get("required", ()) or mapping.keys() & {*kinds}:
                return found
            mapping |= {each: self._reference(option["$ref"])["$ref"] for each in kinds}
        return {**found, "discriminator": {"propertyName": "type", "mapping": mapping}}

    def _reference(self, ref: str) -> Schema:
        definition = self._definition(ref)
        name = definition["title"].replace("Parameters", "Request")
        return self._component(name, definition)

    def _named(self, name: str, node: Schema) -> Schema:
        """A type with a name of its own, and what its field says besides."""
        own = (*_OF_FIELD, NEEDS, FILES_ONLY)
        of_field = {key: value for key, value in node.items() if key in own}
        rest = {key: value for key, value in node.items() if key not in (*own, COMPONENT, "title")}
        return self._beside(self._component(name, rest), of_field)

    def _component(self, name: str, source: Schema) -> Schema:
        if self._sources.setdefault(name, source) != source:
            raise NameTaken(name)
        if name not in self.schemas:
            self.schemas[name] = {}  # it may refer to itself
            self.schemas[name] = self._schema(source)
        return {"$ref": _REF + name}

    def _beside(self, reference: Schema, siblings: Schema) -> Schema:
        """OpenAPI 3.0 reads nothing beside a `$ref`."""
        siblings = {key: value for key, value in siblings.items() if key in _OF_FIELD or key.startswith("x-")}
        siblings = _with_example(siblings)
        if siblings.get("default", 0) is None:
            del siblings["default"]
        # Out of an allOf openapi-typescript takes the `type` by which a union's members are told apart.
        component = self.schemas[reference["$ref"].removeprefix(_REF)]
        told_apart = "discriminator" in component
        if "nullable" in siblings and "type" in component:
            # OpenAPI 3.0 gives `nullable` a meaning only beside a `type`.
            siblings["type"] = component["type"]
        return {"oneOf" if told_apart else "allOf": [reference], **siblings} if siblings else reference


def _without_null(node: Schema) -> Schema:
    """A union with null as nullable."""
    for key in ("anyOf", "oneOf"):
        options = node.get(key, ())
        others = [each for each in options if each.get("type") != "null"]
        if len(others) < len(options):
            rest = {name: value for name, value in node.items() if name != key}
            inner = others[0] if len(others) == 1 else {key: others}
            return _without_null({**inner, **rest, "nullable": True})
    return {**node}


def _never_null(node: Schema) -> Schema:
    """What may be left out need not be null."""
    node = _without_null(node)
    node.pop("nullable", None)
    node.pop(REQUIRED, None)
    return node


def _with_example(node: Schema) -> Schema:
    """OpenAPI 3.0 has one example for each schema."""
    examples = node.pop("examples", None)
    if not examples:
        return node
    more = {MORE_EXAMPLES: examples[1:]} if examples[1:] else {}
    return {**node, "example": examples[0], **more}


def _is_scalar(node: Schema) -> bool:
    return node.get("type") in ("string", "integer", "number", "boolean")


def _text(docstring: str) -> str:
    return " ".join(docstring.replace("``", "`").split())


def with_defaults_told(component: Schema) -> Schema:
    """The same with defaults in words. Generated clients send the defaults that a schema names, and demand or
    overwrite with them what nobody spoke of."""
    if "properties" not in component:
        return component
    return {**component, "properties": {name: _told(each) for name, each in component["properties"].items()}}


def _told(schema: Schema) -> Schema:
    without = {key: value for key, value in schema.items() if key != "default"}
    default = schema.get("default")
    if default in (None, "", [], {}):
        return without
    default = default if isinstance(default, str) else orjson.dumps(default).decode()
    return {**without, "description": f"{schema.get('description', '')} Default: `{default}`.".strip()}
