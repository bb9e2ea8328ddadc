"""Actions and their steps, as they are sent and kept."""

from typing import Annotated, Any, ClassVar, Literal

import orjson
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter

from persons.api.parameters.door import Json, KeepsEmpty, ParameterObject, Parameters
from persons.api.parameters.kept import Deleted, Description, Name, not_too_deep
from persons.api.parameters.properties import FILTERS, PropertiesParameter
from persons.openapi.fields import DescribedAs, Named, told

_Text = Annotated[str, Field(max_length=4_000)] | None
Matching = Annotated[Literal["exact", "contains", "regex"], Named("TextMatching")] | None


class ActionStep(ParameterObject):
    """What one event must be like. What is absent does not matter; `tag_name`, `text`, `href` and `selector`
    ask for the element that autocapture saw."""

    model_config = ConfigDict(extra="allow", frozen=True)
    harmless: ClassVar[frozenset[str]] = frozenset({"id", "name", "isNew", "tag_name_matching"})

    event: Annotated[_Text, told("The name of the event.", "$autocapture")] = None
    properties: Annotated[PropertiesParameter, told("Filters on the event.", FILTERS[0])] = None
    tag_name: Annotated[_Text, told("The tag of an element.", "button")] = None
    text: Annotated[_Text, told("The text of an element.", "Buy")] = None
    text_matching: Annotated[Matching, told("How it is compared; `exact` if absent.", "contains")] = None
    href: Annotated[_Text, told("Where a link leads.", "/pricing")] = None
    href_matching: Annotated[Matching, told("How it is compared; `exact` if absent.", "exact")] = None
    url: Annotated[
        _Text,
        told("The event's `$current_url`. With `contains`, `%` stands for any characters.", "/user/%/edit"),
    ] = None
    url_matching: Annotated[Matching, told("How it is compared; `contains` if absent.", "contains")] = None
    selector: Annotated[_Text, told("A CSS selector.", "form button.primary")] = None


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
_Steps = Annotated[
    list[Any],
    AfterValidator(_kept),
    AfterValidator(not_too_deep),
    Json,
    DescribedAs(list[ActionStep]),
    told(
        "An event that matches any of them is meant; without steps none is.",
        [{"event": "paid"}, {"event": "$autocapture", "tag_name": "button", "text": "Buy"}],
    ),
]


class ActionChanges(Parameters):
    """What a PATCH changes of an action. `deleted` does what DELETE does."""

    name: Annotated[Name | None, KeepsEmpty, told("How it is called.", "Bought something")] = None
    description: Description = ""
    steps: _Steps = []
    deleted: Deleted = False


class NewAction(ActionChanges):
    """A whole action."""

    name: Annotated[Name, told("How it is called.", "Bought something")]
