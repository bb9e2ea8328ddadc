"""Which events ask for a merge, and which ids are refused for it (ingestion.md 4.6, 4.7)."""

from typing import Any

import orjson

from persons.identity.values import Event

MAX_DISTINCT_ID_LENGTH = 400

# Event name → the property with the id that is to be merged into the event's distinct id.
_MERGED_ID = {"$identify": "$anon_distinct_id", "$create_alias": "alias", "$merge_dangerously": "alias"}
MERGE_EVENTS = frozenset(_MERGED_ID)

# Ids that come of a bug or a placeholder. A merge by one of them would make one person of many.
_REFUSED_IN_ANY_CASE = frozenset(
    {"anonymous", "guest", "distinctid", "distinct_id", "id", "not_authenticated", "email", "undefined"}
    | {"true", "false"}
)
_REFUSED_AS_WRITTEN = frozenset({"[object Object]", "NaN", "None", "none", "null", "0"})


def json_text(value: Any) -> str:
    """A JSON value as an id or key: text as it is, everything else as its JSON (true → "true")."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def is_refused_id(distinct_id: str) -> bool:
    """Whether merges by this id are refused (4.7), bare or wrapped in one pair of quotes."""
    bare = distinct_id
    if len(bare) >= 2 and bare[0] == bare[-1] and bare[0] in "'\"":
        bare = bare[1:-1]
    return not bare.strip() or bare in _REFUSED_AS_WRITTEN or bare.lower() in _REFUSED_IN_ANY_CASE


def wanted_merge(event: Event) -> tuple[str | None, str | None]:
    """The id to be merged into the event's distinct id, or the reason why none is tried, or neither."""
    key = _MERGED_ID.get(event.event)
    if key is None:
        return None, None
    value = event.properties.get(key)
    if value is None:
        # $identify without an anonymous id is how servers set properties: nothing is missing there.
        return None, None if event.event == "$identify" else f"{key} is missing: nothing was merged"
    other = json_text(value)
    if other == event.distinct_id:
        # SDKs send this to update properties, as `$identify` without an anonymous id.
        return None, None
    if len(other) > MAX_DISTINCT_ID_LENGTH:
        return None, f"{key} is longer than {MAX_DISTINCT_ID_LENGTH} characters: nothing was merged"
    for distinct_id in (other, event.distinct_id):
        if is_refused_id(distinct_id):
            return None, f"{quoted(distinct_id)} is no id of a single person: nothing was merged"
    return other, None


def quoted(text: str) -> str:
    """A text in JSON's quotes, so that blanks and quotes in an id can be seen."""
    return orjson.dumps(text).decode()
