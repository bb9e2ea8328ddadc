"""What a pydantic field says of itself in the OpenAPI description."""

from dataclasses import dataclass
from typing import Any

from pydantic import Field, GetJsonSchemaHandler, TypeAdapter
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

COMPONENT = "x-component"
NEEDS = "x-example-with"
REQUIRED = "x-required"
MORE_EXAMPLES = "x-more-examples"
FILES_ONLY = "x-in-files-only"


def told(
    description: str,
    *examples: Any,
    needs: dict[str, Any] | None = None,
    required: bool = False,
    files_only: bool = False,
    **limits: Any,
) -> Any:
    """A field's meaning, and values that work. A test sends each of them, together with `needs`: parameters
    without which they make no sense. `required`: it is, although the model has a default, so that a refusal
    can be worded by whoever misses it. `files_only`: it works everywhere, but JSON with it is not what the
    model of the answer says. `limits`: `ge`, `max_length` and what else pydantic's Field takes."""
    extra: Any = {
        **({NEEDS: needs} if needs else {}),
        **({REQUIRED: True} if required else {}),
        **({FILES_ONLY: True} if files_only else {}),
    }
    return Field(description=description, examples=list(examples), json_schema_extra=extra or None, **limits)


@dataclass(frozen=True)
class Named:
    """Gives an enumeration or a union a component with a name."""

    name: str

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core_schema), COMPONENT: self.name}


@dataclass(frozen=True)
class DescribedAs:
    """Describes a field as another type, where validators turn what is sent into something else."""

    type: Any

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(TypeAdapter(self.type).core_schema)


# A text, a number, a list: generators of clients understand nothing but "anything" for a mixture.
Mixed = DescribedAs(Any)
