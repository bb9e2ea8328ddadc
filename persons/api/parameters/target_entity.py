"""Which of several entities is asked about (spec/posthog-behaviour.md 1.3): `entity_id` and its kin."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field
from pydantic.json_schema import SkipJsonSchema
from rest_framework.exceptions import ValidationError as Refusal

from clickhouse.query.filters import Entity
from persons.api.parameters.door import Json, Whole, refuse_unsupported
from persons.api.parameters.entities import (
    COUNTING_MATH,
    FIRST_TIME,
    ActionParameter,
    EntityParameters,
    EventParameter,
    Math,
    entity_of,
    in_order,
)
from persons.api.parameters.filters import stored_id
from persons.api.parameters.leaves import Context
from persons.errors import invalid, moved
from persons.openapi.fields import Named, told

_SUPPORTED = frozenset({*COUNTING_MATH, FIRST_TIME}) - {"hogql"}
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


_Id = Annotated[Annotated[str, Field(max_length=400)] | None, BeforeValidator(_id_text)]
_Type = Annotated[
    Annotated[Literal["events", "actions"], Named("EntityType")] | None,
    BeforeValidator(_built),
]
# An example of `events`, of which one is to be found.
_SUM = [{"id": "paid", "math": "sum", "math_property": "amount"}]


class TargetEntityParameters(EntityParameters):
    """`entityId` and `type` are PostHog's other names for `entity_id` and `entity_type`, and win."""

    entity_id: Annotated[
        _Id,
        told(
            "Which event, by its name, or which action, by its id. Without it, with the type `events`, every "
            "event. Also `entityId`.",
            "paid",
        ),
    ] = None
    # Generators of clients would take them for the same name.
    entityId: Annotated[_Id, SkipJsonSchema()] = None
    entity_type: Annotated[
        _Type,
        told(
            "Of which kind it is. If absent, `events` or `actions` must contain the id. Also `type`.",
            "actions",
            needs={"entity_id": "3"},
        ),
    ] = None
    type: Annotated[_Type, SkipJsonSchema()] = None
    entity_math: Annotated[
        Math | None,
        told("Which number is computed for each person. `total`, how many events, if absent.", "dau"),
    ] = None
    events: Annotated[
        list[EventParameter] | None,
        Json,
        told(
            "The series of a chart. The first one with this id and this math is meant, with its `properties` "
            "and its `math_property`; if none is, the event or action by itself.",
            _SUM,
            needs={"entity_math": "sum"},
        ),
    ] = None
    actions: Annotated[
        list[ActionParameter] | None,
        Json,
        told("The same with actions.", [{"id": 3}], needs={"entity_type": "actions", "entity_id": "3"}),
    ] = None
    entity_order: Annotated[
        Annotated[Whole, Field(ge=0)] | None,
        told(
            "The series at this place is meant, whatever its id and its math. Counted from 0, by `order`, "
            "actions before events.",
            0,
            needs={"events": _SUM},
        ),
    ] = None


def _kind_of_sent(
    name: str, math: str, sent: Sequence[EventParameter | ActionParameter]
) -> Literal["events", "actions"] | None:
    """The type of the first entity with the id, one with the same math before the others."""
    with_id = [
        each for each in sent if each.id == (name if isinstance(each, EventParameter) else stored_id(name))
    ]
    with_math = [each for each in with_id if (each.math or "total") == math]
    return next((each.type for each in (*with_math, *with_id)), None)


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
    kind, wanted = _kind_and_id(asked, [each for each, _ in sent])
    math = asked.entity_math or "total"
    for each, path in sent:
        if (each.type, each.id, each.math or "total") == (kind, wanted, math):
            return each, path
    bare = EventParameter if kind == "events" else ActionParameter
    return bare.model_validate({"id": wanted, "math": math}), None


def _kind_and_id(
    asked: TargetEntityParameters, sent: Sequence[EventParameter | ActionParameter]
) -> tuple[str, str | int | None]:
    """No id means all events. Without a type, an entity in the request that has the id decides."""
    kind, name = asked.type or asked.entity_type, asked.entityId or asked.entity_id
    if kind is None and name is None and asked.entity_order is not None and sent:
        raise invalid("entity_order", f"Must be between 0 and {len(sent) - 1}.")
    if kind is None and name is not None:
        kind = _kind_of_sent(name, asked.entity_math or "total", sent)
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
