"""Actions and their steps, as they are sent and kept."""

from typing import Annotated, Any, ClassVar, Literal

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from persons.api.parameters.door import Flag, Json, Parameters
from persons.api.parameters.kept import Description, Name, not_too_deep
from persons.api.parameters.properties import PropertiesParameter

_Text = Annotated[
    Annotated[str, Field(max_length=4_000)] | None,
    BeforeValidator(lambda value: None if value == "" else value),
]
Matching = Annotated[
    Literal["exact", "contains", "regex"] | None, BeforeValidator(lambda value: value or None)
]


class ActionStep(BaseModel):
    """What one event must be like. What is absent does not matter; `tag_name`, `text`, `href` and `selector`
    ask for the element that autocapture saw."""

    model_config = ConfigDict(extra="allow", frozen=True)
    harmless: ClassVar[frozenset[str]] = frozenset({"id", "name", "isNew", "tag_name_matching"})

    event: _Text = None
    properties: PropertiesParameter = None
    tag_name: _Text = None
    text: _Text = None
    text_matching: Matching = None
    href: _Text = None
    href_matching: Matching = None
    url: _Text = None
    url_matching: Matching = None
    selector: _Text = None


STEPS: TypeAdapter[list[ActionStep]] = TypeAdapter(Annotated[list[ActionStep], Field(max_length=100)])


def _kept(sent: list[Any]) -> list[dict[str, Any]]:
    """The steps as they are stored: with every key, their filters as they were sent."""
    steps = STEPS.validate_python(sent)
    return [
        {**step.model_dump(include=_TEXTS), "properties": _filters(raw.get("properties"))}
        for step, raw in zip(steps, sent, strict=True)
    ]


def _filters(sent: Any) -> Any:
    return (orjson.loads(sent) if sent and isinstance(sent, str) else sent) or []


_TEXTS = {*ActionStep.model_fields} - {"properties"}
_Steps = Annotated[list[Any], AfterValidator(_kept), AfterValidator(not_too_deep), Json]


class ActionChanges(Parameters):
    """What a PATCH changes of an action. `deleted` does what DELETE does."""

    name: Name | None = None
    description: Description = ""
    steps: _Steps = []
    deleted: Flag = False


class NewAction(ActionChanges):
    """A whole action."""

    name: Name
