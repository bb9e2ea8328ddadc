"""Which of several entities is asked about (spec/posthog-behaviour.md 1.3): `entity_id` and its kin."""

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field
from rest_framework.exceptions import ValidationError as Refusal

from clickhouse.query.filters import Entity
from persons.api.parameters.door import EmptyIsAbsent, Whole, refuse_unsupported
from persons.api.parameters.entities import (
    COUNTING_MATH,
    FIRST_TIME,
    MATH,
    ActionParameter,
    EntityParameters,
    EventParameter,
    entity_of,
    in_order,
)
from persons.api.parameters.filters import stored_id
from persons.api.parameters.leaves import Context
from persons.errors import invalid, moved

_SUPPORTED = frozenset({*COUNTING_MATH, FIRST_TIME}) - {"unique_group", "hogql"}
_NO_ID = "An entity id and the entity type must be provided to determine an entity"
_NO_TYPE = "An entity must be provided for target entity to be determined"


def _id_text(value: Any) -> Any:
    """Ids of actions may come as numbers."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _built(value: Any) -> Any:
    if value in ("data_warehouse", "groups"):
        raise refuse_unsupported(
            "{value} is not supported by this release. Supported: events, actions.", value=repr(value)
        )
    return value


_Id = Annotated[Annotated[str, Field(max_length=400)] | None, BeforeValidator(_id_text), EmptyIsAbsent]
_Type = Annotated[Literal["events", "actions"] | None, BeforeValidator(_built), EmptyIsAbsent]


class TargetEntityParameters(EntityParameters):
    """`entityId` and `type` are PostHog's other names for `entity_id` and `entity_type`, and win."""

    entity_id: _Id = None
    entityId: _Id = None
    entity_type: _Type = None
    type: _Type = None
    entity_math: Annotated[Literal[MATH] | None, EmptyIsAbsent] = None  # type: ignore[valid-type]
    entity_order: Annotated[Annotated[Whole, Field(ge=0)] | None, EmptyIsAbsent] = None


class Target(NamedTuple):
    """The entity, as it was sent and as it is meant. `path`: where it stands in the request; None when it is
    nothing but an id and a math."""

    sent: EventParameter | ActionParameter
    entity: Entity
    path: str | None

    def attr(self, name: str) -> str:
        """The parameter that says something of it."""
        return f"entity_{name}" if self.path is None else f"{self.path}.{name}"


def target_entity(context: Context, asked: TargetEntityParameters) -> Target:
    """The entity that is asked about. Raises a 400."""
    sent, path = _sent(asked)
    if path is not None:
        return Target(sent, entity_of(context, sent, path, math=_SUPPORTED), path)
    try:
        return Target(sent, entity_of(context, sent, "entity", math=_SUPPORTED), None)
    except Refusal as error:
        (attr,) = error.detail
        raise moved(error, str(attr).replace(".", "_")) from error


def _sent(asked: TargetEntityParameters) -> tuple[EventParameter | ActionParameter, str | None]:
    """The one at `entity_order`; else the first one with the id and the math; else these by themselves."""
    sent, order = in_order(asked), asked.entity_order
    if order is not None and order < len(sent):
        return sent[order]
    kind, wanted = _kind_and_id(asked, len(sent))
    math = asked.entity_math or "total"
    for each, path in sent:
        if (each.type, each.id, each.math or "total") == (kind, wanted, math):
            return each, path
    bare = EventParameter if kind == "events" else ActionParameter
    return bare.model_validate({"id": wanted, "math": math}), None


def _kind_and_id(asked: TargetEntityParameters, number_of_entities: int) -> tuple[str, str | int | None]:
    """No id means all events."""
    kind, name = asked.type or asked.entity_type, asked.entityId or asked.entity_id
    if kind is None and name is None and asked.entity_order is not None and number_of_entities:
        raise invalid("entity_order", f"Must be between 0 and {number_of_entities - 1}.")
    if name is None and kind != "events":
        raise invalid("entity_id", _NO_ID, "required")
    if kind is None:
        raise invalid("entity_type", _NO_TYPE, "required")
    if kind == "events":
        return kind, name
    action_id = stored_id(name)
    if action_id is None:
        raise invalid("entity_id", "Must be the id of an action.")
    return kind, action_id
