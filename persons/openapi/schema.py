"""From views to OpenAPI operations, in place of what drf-spectacular would guess."""

import inspect
import re
from typing import Any

from drf_spectacular.drainage import warn
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry
from pydantic import BaseModel

from persons.openapi.components import Components, Schema, with_defaults_told
from persons.openapi.errors import ErrorResponse, error_references, error_responses
from persons.openapi.fields import FILES_ONLY
from persons.openapi.headers import HEADERS, headers_of
from persons.openapi.operation import Operation
from persons.openapi.paths import PATH_PARAMETERS, form_of, operation_id_of, tag_of
from persons.openapi.query import SHARED_NAMES, SHARED_PARAMETERS, query_parameter
from persons.openapi.security import KEY_IN_BODY, KEY_SCHEMES

_IN_BODY = ("POST", "PUT", "PATCH")
_MEDIA_TYPES = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
_AS = {"csv": ", as CSV", "ndjson": ", as lines of JSON"}
_UNIT = {"csv": "row", "ndjson": "line"}


class _Registry(ComponentRegistry):
    """With the components that come from pydantic models."""

    def __init__(self) -> None:
        super().__init__()
        self.models = Components()

    def build(self, extra_components: Any) -> dict[str, Any]:
        error = self.models.ref(ErrorResponse)
        return {
            "schemas": {
                name: with_defaults_told(schema) for name, schema in sorted(self.models.schemas.items())
            },
            "parameters": SHARED_PARAMETERS,
            "responses": error_responses(error),
            "headers": HEADERS,
            "securitySchemes": KEY_SCHEMES,
        }


class Generator(SchemaGenerator):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.registry = _Registry()


class Described(AutoSchema):
    """The schema of views whose methods are described."""

    registry: _Registry

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> Schema | None:
        self.registry, self.path, self.method = registry, path, method  # type: ignore[assignment]
        action = getattr(self.view, getattr(self.view, "action", method.lower()))
        operation: Operation | None = getattr(action, "operation", None)
        if self.is_excluded():
            return None
        if operation is None:
            warn(f"{method} {path} is not described; see persons/openapi/operation.py.")
            return None
        summary, _, rest = inspect.cleandoc(action.__doc__ or "").replace("``", "`").partition("\n\n")
        if not summary:
            warn(f"{method} {path} has no docstring.")
        scopes = self._scopes()
        found = {
            "operationId": operation.operation_id or operation_id_of(path, method, action.__name__),
            "summary": " ".join(summary.split()).removesuffix(".") + _AS.get(self._form, ""),
            "description": "\n\n".join(filter(None, [rest, *self._remarks(operation, scopes)])),
            "tags": [operation.tag or tag_of(path)],
            "parameters": [
                *self._in_path(),
                *([] if method == "GET" else getattr(self.view, "headers_of_changes", ())),
                *([] if method in _IN_BODY else self._in_query(operation)),
                *self._shared(scopes),
            ],
            "requestBody": self._body(operation) if method in _IN_BODY else None,
            "responses": dict(sorted({**self._errors(operation), **self._success(operation)}.items())),
            "x-required-scopes": list(scopes or ()),
            "x-example": {} if method in _IN_BODY else dict(operation.example),
            "x-speakeasy-pagination": self._pages(operation),
        }
        security: list[Schema] = [] if scopes is None else [{name: []} for name in KEY_SCHEMES]
        return {**{name: value for name, value in found.items() if value}, "security": security}

    @property
    def _form(self) -> str:
        """Of the file that the path asks for; JSON otherwise."""
        return form_of(self.path)

    @property
    def _is_file(self) -> bool:
        return self._form != "json"

    def _scopes(self) -> tuple[str, ...] | None:
        """What a key needs to hold; None where no key is needed."""
        permissions = [each for each in self.view.get_permissions() if hasattr(each, "scopes")]
        return permissions[0].scopes(self.view, self.method) if permissions else None

    def _remarks(self, operation: Operation, scopes: tuple[str, ...] | None) -> list[str]:
        """What the models know of their parameters."""
        model = operation.parameters
        remarks = []
        if scopes:
            remarks.append(f"Scope: {_names(scopes)}.")
        if self._is_file:
            all_of_them = ": all of them, unless a limit is given" if _limits(model) else ""
            remarks.append(f"A file with one {_UNIT[self._form]} per person{all_of_them}.")
        if unsupported := sorted(each.name for each in getattr(model, "unsupported", ())):
            remarks.append(f"Not supported, and refused by name: {_names(unsupported)}.")
        if harmless := sorted(getattr(model, "harmless", ())):
            remarks.append(f"Accepted and without effect: {_names(harmless)}.")
        return remarks

    def _in_path(self) -> list[Schema]:
        found = []
        for name in re.findall(r"{(\w+)}", self.path):
            if name not in PATH_PARAMETERS:
                warn(f"{self.path}: what is {name}? Say it in persons/openapi/paths.py.")
                continue
            found.append({"name": name, "in": "path", "required": True, **PATH_PARAMETERS[name]})
        return found

    def _fields(self, operation: Operation) -> Schema:
        """The parameters as an object, the needed ones first. Which format is asked for, the path says."""
        if operation.parameters is None:
            return {"properties": {}}
        found = self.registry.models.inline(operation.parameters)
        needed = {*found.get("required", ()), *operation.example}
        properties = sorted(found["properties"].items(), key=lambda pair: pair[0] not in needed)
        shown = {
            name: {key: value for key, value in each.items() if key != FILES_ONLY}
            for name, each in properties
            if name not in {"format", *SHARED_NAMES} and (self._is_file or FILES_ONLY not in each)
        }
        return {**found, "properties": shown}

    def _shared(self, scopes: tuple[str, ...] | None) -> list[Schema]:
        """References to the parameters that all reading methods of the view accept."""
        if any(scope.endswith(":write") for scope in scopes or ()):
            return []
        names = getattr(self.view, "shared_parameters", ())
        return [{"$ref": f"#/components/parameters/{name}"} for name in names]

    def _in_query(self, operation: Operation) -> list[Schema]:
        fields = self._fields(operation)
        if self._is_file:
            for name in _limits(operation.parameters):
                # Without a limit all are meant; generated clients would send the default.
                del fields["properties"][name]["default"]
        return [
            query_parameter(name, schema, self._resolved(schema), name in fields.get("required", ()))
            for name, schema in fields["properties"].items()
        ]

    def _resolved(self, schema: Schema) -> Schema:
        """What a reference means."""
        ref = schema.get("$ref") or schema.get("allOf", [{}])[0].get("$ref")
        return self.registry.models.schemas[ref.rpartition("/")[2]] if ref else schema

    def _body(self, operation: Operation) -> Schema:
        if operation.parameters is None:
            return {}
        fields = self._fields(operation)
        properties = fields["properties"]
        if self._scopes() is not None:
            properties = {**properties, "personal_api_key": KEY_IN_BODY}
        if self.method == "PATCH":
            # What is not sent stays as it is.
            properties = {name: {**each, "default": None} for name, each in properties.items()}
        name = operation.parameters.__name__.replace("Parameters", "Request")
        self.registry.models.schemas[name] = {**fields, "properties": properties}
        json: Schema = {"schema": {"$ref": f"#/components/schemas/{name}"}}
        if operation.example:
            json["example"] = dict(operation.example)
        return {"content": {"application/json": json}, "required": True}

    def _errors(self, operation: Operation) -> Schema:
        has_body = self.method in _IN_BODY and operation.parameters is not None
        return error_references(needs_key=self._scopes() is not None, has_body=has_body)

    def _success(self, operation: Operation) -> Schema:
        headers = headers_of(
            takes_parameters=operation.parameters is not None and self._scopes() is not None,
            can_be_replayed=bool(self.method != "GET" and getattr(self.view, "headers_of_changes", ())),
        )
        if operation.answer is None:
            return {str(operation.status): {"description": "Done.", "headers": headers}}
        if self._is_file:
            content: Schema = {_MEDIA_TYPES[self._form]: {"schema": {"type": "string"}}}
        else:
            content = {"application/json": {"schema": self.registry.models.ref(operation.answer)}}
        statuses = (operation.status, *operation.also)
        return {
            str(status): {"description": "The answer.", "headers": headers, "content": content}
            for status in statuses
        }

    def _pages(self, operation: Operation) -> Schema:
        """How generated clients find the next page."""
        paged = operation.answer is not None and "next" in operation.answer.model_fields and not self._is_file
        if not paged or self.method != "GET":
            return {}
        if "next_cursor" in operation.answer.model_fields:  # type: ignore[union-attr]
            cursor = {"name": "cursor", "in": "parameters", "type": "cursor"}
            return {"type": "cursor", "inputs": [cursor], "outputs": {"nextCursor": "$.next_cursor"}}
        return {"type": "url", "outputs": {"nextUrl": "$.next"}}


def _limits(model: type[BaseModel] | None) -> set[str]:
    """The parameters that say how many persons there may be."""
    return {"limit", "funnel_correlation_person_limit"} & getattr(model, "model_fields", {}).keys()


def _names(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)
