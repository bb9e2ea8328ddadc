"""``breakdown`` and ``breakdowns``, as PostHog's clients send them (spec/posthog-behaviour.md 0.5)."""

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from persons.api.parameters.door import Flag, Json, ParameterObject, Parameters, Whole, json_or_text, refuse
from persons.errors import not_supported
from persons.openapi.fields import DescribedAs, Mixed, Named, told

# PostHog knows them all.
BreakdownType = Literal[
    "event", "person", "cohort", "group", "session", "hogql", "event_metadata", "data_warehouse",
    "data_warehouse_person_property", "revenue_analytics",
]  # fmt: skip
# How PostHog's charts name the persons without a value, and the values that did not fit into the chart.
NO_VALUE, OTHER_VALUES = "$$_posthog_breakdown_null_$$", "$$_posthog_breakdown_other_$$"
# Instead of a cohort.
EVERYBODY = ("all", "0")
MAX_KEYS, MAX_KEY_LENGTH = 200, 10_000


def _keys(value: Any) -> list[str]:
    """The texts of one or several names or ids."""
    keys = value if isinstance(value, list) else [value]
    if not all(isinstance(key, str | int) and not isinstance(key, bool) for key in keys):
        raise refuse("Must be the name of a property, the id of a cohort, or a list of these.")
    keys = list(map(str, keys))
    if len(keys) > MAX_KEYS or any(len(key) > MAX_KEY_LENGTH for key in keys):
        raise refuse(
            "May have at most {most} members of {length} characters.", most=MAX_KEYS, length=MAX_KEY_LENGTH
        )
    return keys


def _keys_in_text(value: Any) -> list[str] | None:
    """A text that is JSON but neither a list nor a text is the name of a property."""
    document = json_or_text(value)
    keys = document if isinstance(document, list | str) or not isinstance(value, str) else value
    return None if keys in (None, "", []) else _keys(keys)


# By which persons can be told apart now; the others are refused by name.
_Supported = Literal["event", "person", "cohort"]
_Type = Annotated[
    Annotated[BreakdownType, DescribedAs(_Supported), Named("BreakdownType")] | None,
    BeforeValidator(lambda value: "event" if value == "events" else value),
]


BinCount = Annotated[Whole, Field(ge=1)] | None


class BreakdownMember(ParameterObject):
    """One of `breakdowns`."""

    model_config = ConfigDict(extra="allow", frozen=True, title="Breakdown")

    property: Annotated[
        list[str],
        BeforeValidator(_keys),
        Mixed,
        told("The name of a property, the id of a cohort, or a list of ids.", "$browser"),
    ]
    type: Annotated[_Type, told("Of what it is a property.", "event")] = None
    normalize_url: Annotated[
        Flag | None,
        told("Whether a trailing `/`, `?` or `#` makes no difference. Not in funnels.", False),
    ] = None
    histogram_bin_count: Annotated[
        BinCount, told("Into how many ranges numbers are sorted. Not in funnels.")
    ] = None
    group_type_index: SkipJsonSchema[Any] = None


class BreakdownParameters(Parameters):
    """By what an answer is broken down."""

    breakdown: Annotated[
        list[str] | None,
        BeforeValidator(_keys_in_text),
        Mixed,
        told("By which property, or by which cohorts: their ids, or `all`.", "$browser"),
    ] = None
    breakdown_type: Annotated[
        _Type,
        told(
            "Of what `breakdown` is a property. `event` if absent.",
            "person",
            needs={"breakdown": "email"},
        ),
    ] = None
    breakdowns: Annotated[
        list[BreakdownMember] | None,
        Json,
        told(
            "The same as a list of one. Wins over `breakdown`.", [{"property": "$browser", "type": "event"}]
        ),
    ] = None


class AskedBreakdown(NamedTuple):
    """One breakdown: by which keys, of which type, and which parameters say so. `member` is the one of
    `breakdowns`, if it stands there."""

    keys: list[str]
    kind: str
    keys_at: str
    kind_at: str
    member: BreakdownMember | None = None

    @property
    def only_key(self) -> str:
        """The one property. Raises a 400 when there are more."""
        if len(self.keys) > 1:
            raise not_supported(self.keys_at, "More than one property is not supported by this release.")
        return self.keys[0]


def asked_breakdown(asked: BreakdownParameters) -> AskedBreakdown | None:
    """The first breakdown there is. As in PostHog, `breakdowns` wins over `breakdown`."""
    if not asked.breakdowns:
        if asked.breakdown is None:
            return None
        return AskedBreakdown(asked.breakdown, asked.breakdown_type or "event", "breakdown", "breakdown_type")
    first, at = asked.breakdowns[0], "breakdowns.0"
    kind_at = "breakdown_type" if first.type is None else f"{at}.type"
    kind = first.type or asked.breakdown_type or "event"
    return AskedBreakdown(first.property, kind, f"{at}.property", kind_at, first)


def refuse_other_values(value: Any) -> None:
    """For validators."""
    if value == OTHER_VALUES:
        raise refuse("The values that a chart sums up as Other cannot be asked for; name them.")
