"""From pydantic to OpenAPI 3.0.3: the forms that generators of clients understand."""

from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from persons.openapi.components import Components, NameTaken
from persons.openapi.fields import DescribedAs, Mixed, Named, told

Size = Annotated[Literal["small", "large"], Named("Size")]


class Box(BaseModel):
    """A box, ``closed``."""

    type: Literal["box"]
    inside: "list[Thing]"


class Ball(BaseModel):
    """A ball."""

    type: Literal["ball"]


Thing = Annotated[Box | Ball, Named("Thing")]
Box.model_rebuild()


def field_of(annotation: Any, default: Any = ...) -> Any:
    """How the only field of a model is described."""
    model = type("Holder", (BaseModel,), {"__annotations__": {"field": annotation}, "field": Field(default)})
    return Components().inline(model)["properties"]["field"]


@pytest.mark.parametrize(
    ("annotation", "default", "described"),
    [
        (str, ..., {"type": "string"}),
        (str | None, ..., {"type": "string", "nullable": True}),
        (str | None, None, {"type": "string"}),
        (str | int, ..., {}),
        (Any, None, {}),
        (int, 3, {"type": "integer", "format": "int64", "default": 3}),
        (Annotated[int, Field(ge=1, le=9)], ..., {"type": "integer", "minimum": 1, "maximum": 9}),
        (list[UUID], ..., {"type": "array", "items": {"type": "string", "format": "uuid"}}),
        (dict[str, Any], ..., {"type": "object", "additionalProperties": {}}),
        (Literal["a"], ..., {"type": "string", "enum": ["a"]}),
        (Size, ..., {"$ref": "#/components/schemas/Size"}),
        (Size | None, None, {"$ref": "#/components/schemas/Size"}),
        (
            Size | None,
            ...,
            {"allOf": [{"$ref": "#/components/schemas/Size"}], "nullable": True, "type": "string"},
        ),
        (Size, "small", {"allOf": [{"$ref": "#/components/schemas/Size"}], "default": "small"}),
        (
            Annotated[Thing, told("What is in it.")],
            ...,
            {"oneOf": [{"$ref": "#/components/schemas/Thing"}], "description": "What is in it."},
        ),
        (Annotated[int, told("How many.", 2)], ..., {"description": "How many.", "example": 2}),
        (Annotated[list[str], BeforeValidator(str.split), Mixed], ..., {}),
        (Annotated[Any, DescribedAs(bool)], None, {"type": "boolean"}),
    ],
)
def test_types_are_described_in_the_simplest_way(annotation: Any, default: Any, described: Any) -> None:
    found = field_of(annotation, default)
    assert {name: found.get(name) for name in described} == described
    assert bool(found) == bool(described)


def test_a_union_that_refers_to_itself_is_told_apart_by_type() -> None:
    components = Components()
    components.ref(Box)
    assert components.schemas["Thing"] == {
        "oneOf": [{"$ref": "#/components/schemas/Box"}, {"$ref": "#/components/schemas/Ball"}],
        "discriminator": {
            "propertyName": "type",
            "mapping": {"box": "#/components/schemas/Box", "ball": "#/components/schemas/Ball"},
        },
    }
    assert components.schemas["Box"]["description"] == "A box, `closed`."
    assert components.schemas["Box"]["properties"]["inside"]["items"] == {
        "$ref": "#/components/schemas/Thing"
    }


def test_two_types_cannot_have_one_name() -> None:
    class Other(BaseModel):
        model_config = ConfigDict(title="Ball")

        size: int

    components = Components()
    components.ref(Ball)
    with pytest.raises(NameTaken):
        components.ref(Other)
