"""How every endpoint reads its parameters (spec/decisions.md section 1).

A request becomes one dict (query string and JSON body, with fixed precedence), the dict becomes a pydantic
model. What the model does not know is ignored and reported; what PostHog understands and we do not is
refused by name.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
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
        "hidden_legend_keys",
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


Format = Literal["json", "csv", "ndjson"]


class Parameters(BaseModel):
    """What an endpoint takes. Field names are the parameters' names."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    format: Annotated[Format, built("json")] = "json"
    unsupported: ClassVar[tuple[Unsupported, ...]] = ()
    # What else this endpoint accepts without effect.
    harmless: ClassVar[frozenset[str]] = frozenset()


Model = TypeVar("Model", bound=Parameters)


def raw_parameters(request: Request) -> dict[str, Any]:
    """Query string and JSON body as one: the body wins, except for paging. Of repeated names the last counts,
    except that on GET `events` may be repeated plain names."""
    sent = sent_parameters(request)
    query: dict[str, Any] = dict(sent)
    refuse_nul(query)
    # A null stands for a parameter that was not given.
    sent_body = request.data if isinstance(request.data, Mapping) else {}
    body = {name: value for name, value in sent_body.items() if value is not None}
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
    raw = {"format": wished, **raw_parameters(request)}
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


def _flag(value: Any) -> Any:
    """Booleans, and the texts that PostHog takes for them."""
    if isinstance(value, str):
        text = value.strip().lower()
        if text in {"y", "yes", "t", "true", "on", "1"}:
            return True
        if text in {"n", "no", "f", "false", "off", "0", ""}:
            return False
    if isinstance(value, bool | int) and value in (0, 1):
        return bool(value)
    raise PydanticCustomError("bool", "Must be true or false.")


# `?email=` is what a form sends for a text that was not given.
EmptyIsAbsent = BeforeValidator(lambda value: None if value == "" else value)
Text = Annotated[str | None, EmptyIsAbsent]
Json = BeforeValidator(_from_json_text)
Whole = Annotated[int, BeforeValidator(_whole_number), AfterValidator(_64_bits)]
Flag = Annotated[bool, BeforeValidator(_flag)]
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


def refuse(detail: str, **context: Any) -> PydanticCustomError:
    """For validators: the value is wrong."""
    return PydanticCustomError("invalid", detail, context)


def refuse_unsupported(detail: str, **context: Any) -> PydanticCustomError:
    """For validators: PostHog would understand the value, this release does not."""
    return PydanticCustomError("not_supported", detail, context)
