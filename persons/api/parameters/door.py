"""How every endpoint reads its parameters (spec/decisions.md section 1).

A request becomes one dict (query string and JSON body, with fixed precedence), the dict becomes a pydantic
model. What the model does not know is ignored and reported; what PostHog understands and we do not is
refused by name. `ParameterObject` holds the rules for empty values and for enumerations.
"""

import functools
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError
from rest_framework.request import Request

from persons.api.parsers import path_of_nul, refuse_nul
from persons.api.query_string import sent_parameters
from persons.errors import invalid, not_supported
from persons.openapi.fields import told

# For these the query string wins, so that following `next` works for POST as well.
_PAGING = ("limit", "offset", "funnel_correlation_person_limit", "funnel_correlation_person_offset")
# Sent by PostHog's own interface or read elsewhere; none can change which persons come back.
HARMLESS = frozenset(
    {
        "insight", "new_entity", "layout", "compare", "client_query_id", "cache_invalidation_key",
        "personal_api_key", "refresh", "shown_as", "smoothing_intervals", "formula", "bin_count", "selector",
        "aggregation_axis_format", "aggregation_axis_prefix", "aggregation_axis_postfix", "breakdown_limit",
        "breakdown_hide_other_aggregation", "funnel_step_reference", "hidden_legend_keys",
    }
)  # fmt: skip
_NOTHING: tuple[Any, ...] = (None, "", [], {}, False, "false", "[]", "{}")


class Unsupported(NamedTuple):
    """A parameter that PostHog accepts and this release refuses, except for values that mean nothing."""

    name: str
    harmless_values: tuple[Any, ...] = ()

    def refuses(self, value: Any) -> bool:
        return not any(
            value == each and type(value) is type(each) for each in (*_NOTHING, *self.harmless_values)
        )


def built(*supported: str) -> AfterValidator:
    """The values of an enumeration that this release can answer; PostHog knows them all."""

    def check(value: str) -> str:
        if value not in supported:
            raise refuse_unsupported(
                "{value} is not supported by this release. Supported: {supported}.",
                value=repr(value),
                supported=", ".join(supported),
            )
        return value

    return AfterValidator(check)


class KeepsEmpty:
    """Marks a field for which the empty text is a value."""


class _FieldRule(NamedTuple):
    """How one field reads a raw value. `choices` maps lower case to the spelling of an enumeration."""

    choices: Mapping[str, str]
    keeps_empty: bool
    keeps_null: bool
    is_required: bool
    is_flag: bool


@functools.cache
def _field_rules(model: type[BaseModel]) -> dict[str, _FieldRule]:
    """The rules of a model's fields, by the name that clients use."""
    return {
        field.alias or name: _FieldRule(
            choices={choice.lower(): choice for choice in _choices(field.annotation)},
            keeps_empty=KeepsEmpty in field.metadata,
            keeps_null=field.is_required() and field.annotation is Any,
            is_required=field.is_required(),
            is_flag=field.annotation is bool,
        )
        for name, field in model.model_fields.items()
    }


def _choices(annotation: Any) -> Iterator[str]:
    """The texts that an annotation enumerates, if it is an enumeration."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        yield from (each for each in arguments if isinstance(each, str))
    elif origin is Annotated:
        yield from _choices(arguments[0])
    elif origin in (Union, UnionType):
        for each in arguments:
            yield from _choices(each)


class ParameterObject(BaseModel):
    """An object that clients send: the parameters of an endpoint, or an object inside of them.

    An empty text is an absent value, unless the field is marked with `KeepsEmpty`. A null is an absent value
    where a field has a default. Enumerations ignore case.
    """

    @model_validator(mode="before")
    @classmethod
    def _normalise(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        rules = _field_rules(cls)
        return {
            name: _spelled(rules.get(name), value)
            for name, value in data.items()
            if not _is_absent(rules.get(name), value)
        }


def _is_absent(rule: _FieldRule | None, value: Any) -> bool:
    if rule is None:
        return False
    if value is None:
        return not rule.is_required
    return isinstance(value, str) and not value and not rule.keeps_empty


def _spelled(rule: _FieldRule | None, value: Any) -> Any:
    if rule is None or not rule.choices or not isinstance(value, str):
        return value
    return rule.choices.get(value.lower(), value.lower())


def type_of(sent: Any) -> str | None:
    """The `type` of an object as the enumeration spells it in lower case. For discriminators."""
    kind = sent.get("type") if isinstance(sent, Mapping) else getattr(sent, "type", None)
    return kind.lower() if isinstance(kind, str) else None


Format = Literal["json", "csv", "ndjson"]


def _flag(value: Any) -> Any:
    """Booleans, and the texts that PostHog takes for them."""
    if isinstance(value, str):
        text = value.strip().lower()
        if text in {"y", "yes", "t", "true", "on", "1"}:
            return True
        if text in {"n", "no", "f", "false", "off", "0"}:
            return False
    if isinstance(value, bool | int) and value in (0, 1):
        return bool(value)
    raise PydanticCustomError("bool", "Must be true or false.")


Flag = Annotated[bool, BeforeValidator(_flag)]


class Parameters(ParameterObject):
    """What an endpoint takes. Field names are the parameters' names."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    format: Annotated[Format, built("json")] = "json"
    wait_until_visible: Flag = False
    unsupported: ClassVar[tuple[Unsupported, ...]] = ()
    # What else this endpoint accepts without effect.
    harmless: ClassVar[frozenset[str]] = frozenset()

    @property
    def asks_clickhouse(self) -> bool:
        """Whether answering may need ClickHouse, which gets everything a moment later than PostgreSQL."""
        return True


Model = TypeVar("Model", bound=Parameters)


def raw_parameters(request: Request, model: type[Parameters] = Parameters) -> dict[str, Any]:
    """Query string and JSON body as one: the body wins, except for paging. Of repeated names the last counts,
    except that on GET `events` may be repeated plain names. A flag of the model that stands in the query
    string without a value is true."""
    sent = sent_parameters(request)
    rules = _field_rules(model)
    flags = {name for name, rule in rules.items() if rule.is_flag}
    nullable = {name for name, rule in rules.items() if rule.keeps_null}
    query: dict[str, Any] = {name: True if name in flags and not value else value for name, value in sent}
    refuse_nul(query)
    # A null in the body stands for a parameter that was not given, unless it is a value.
    sent_body = request.data if isinstance(request.data, Mapping) else {}
    body = {name: value for name, value in sent_body.items() if value is not None or name in nullable}
    events = [value for name, value in sent if name == "events"]
    if request.method != "POST" and _are_names(events):
        query["events"] = [{"id": name} for name in events if name]
    paging = {name: query[name] for name in _PAGING if name in query}
    return {**query, **body, **paging}


def _are_names(events: list[str]) -> bool:
    """Whether these are names of events. If not, they are JSON, of which the last counts as ever."""
    if len(events) == 1:
        return not events[0].lstrip().startswith(("[", "{"))
    return bool(events) and not any(_is_list_or_object(text) for text in events)


def _is_list_or_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), list | dict)
    except orjson.JSONDecodeError:
        return False


def read(model: type[Model], request: Request, *, wished: str = "json") -> tuple[Model, list[str]]:
    """The request's parameters as ``model``, and the names that were ignored. Raises a 400.

    ``wished`` is the format that path and headers ask for; the parameter wins.
    """
    raw = raw_parameters(request, model)
    raw["format"] = raw.get("format") or wished
    for parameter in model.unsupported:
        if parameter.name in raw and parameter.refuses(raw[parameter.name]):
            raise not_supported(
                parameter.name, f"`{parameter.name}` is not supported by this release; leave it out."
            )
    try:
        values = model.model_validate(raw)
    except ValidationError as error:
        raise as_400(error) from error
    known = {field.alias or name for name, field in model.model_fields.items()}
    known |= HARMLESS | model.harmless | {parameter.name for parameter in model.unsupported}
    return values, sorted({*(set(raw) - known), *_unread(values)})


def _unread(value: Any, path: str = "") -> Iterator[str]:
    """The dotted names of what nested objects carried and nothing reads."""
    if isinstance(value, BaseModel):
        yield from (path + name for name in set(value.model_extra or ()) - getattr(value, "harmless", set()))
        for name in type(value).model_fields:
            yield from _unread(getattr(value, name), f"{path}{name}.")
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _unread(each, f"{path}{index}.")


def as_400(error: ValidationError, path: str = "") -> Exception:
    """The first of the mistakes that a model found, as a refusal naming the parameter below `path`."""
    first = error.errors(include_url=False)[0]
    # Tags of unions are no names of parameters.
    steps = [str(step) for step in first["loc"] if not str(step).startswith("=")]
    attr = ".".join([path, *steps] if path else steps) or None
    if first["type"] == "not_supported":
        return not_supported(attr or "", first["msg"])
    if first["type"] == "missing":
        return invalid(attr, f"{steps[-1]} is required", "required")
    detail = "Must be a JSON object." if first["type"] == "model_type" else first["msg"]
    return invalid(attr, detail)


def _from_json_text(value: Any) -> Any:
    """Lists and objects may come as JSON text, as they must in a query string."""
    if not isinstance(value, str):
        return value
    if not value:
        return None
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise PydanticCustomError("json", "Not valid JSON: {reason}", {"reason": str(error)}) from error
    if "\\u0000" in value and path_of_nul(document) is not None:
        raise PydanticCustomError("nul", "NUL characters are not allowed.")
    return document


def json_or_text(value: Any) -> Any:
    """JSON text as what it says, any other text as it is. For validators."""
    if not isinstance(value, str):
        return value
    try:
        return _from_json_text(value)
    except PydanticCustomError as error:
        if error.type != "json":
            raise
        return value


def _whole_number(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and not value.strip().lstrip("+-").isdecimal()):
        raise PydanticCustomError("int", "Must be a whole number.")
    return value


def _64_bits(number: int) -> int:
    """The number, which stores keep in 64 bits."""
    if not -(2**63) <= number < 2**63:
        raise PydanticCustomError("int", f"Must be from {-(2**63)} to {2**63 - 1}.")
    return number


Text = str | None
Json = BeforeValidator(_from_json_text)
Whole = Annotated[int, BeforeValidator(_whole_number), AfterValidator(_64_bits)]
Limit = Annotated[Whole, told("How many persons or things a page has at most.", 10, ge=1, le=10_000)]
Offset = Annotated[Whole, told("How many come before the page. `next` has the right one.", 0, ge=0, le=2**62)]
IncludeTotal = Annotated[
    Flag, told("Adds how many there are over all pages, which costs another question.", True)
]


class Paging(Parameters):
    """The page: at most ``limit`` persons, after the first ``offset``."""

    limit: Limit = 100
    offset: Offset = 0


class PagingOrFile(Paging):
    """For persons, who may also be had as a file: then all of them, unless a limit is given."""

    format: Format = "json"

    @property
    def most(self) -> int:
        """How many persons may be in the answer."""
        return 2**62 if self.format != "json" and "limit" not in self.model_fields_set else self.limit


def _refuse_value(value: Any, info: ValidationInfo) -> Any:
    if Unsupported(str(info.field_name)).refuses(value):
        detail = "`{name}` is not supported by this release; leave it out."
        raise refuse_unsupported(detail, name=info.field_name)
    return value


# A field that PostHog understands, and that is refused by name unless its value means nothing.
Refused = Annotated[SkipJsonSchema[Any], AfterValidator(_refuse_value)]


def refuse(detail: str, **context: Any) -> PydanticCustomError:
    """For validators: the value is wrong."""
    return PydanticCustomError("invalid", detail, context)


def refuse_unsupported(detail: str, **context: Any) -> PydanticCustomError:
    """For validators: PostHog would understand the value, this release does not."""
    return PydanticCustomError("not_supported", detail, context)
