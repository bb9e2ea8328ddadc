"""Documents and filters that get in each other's way."""

from typing import Any, NamedTuple

from hypothesis import strategies as st

from persons.api.parameters.properties import OPERATORS

FILTERS_PER_EXAMPLE = 20

KEYS = [
    "plan", "a.b", "a", "", "$browser", 'qu"ote`', "back\\slash", "{x:String}", "é 😀", "%", "%2E", "1",
    "tab\t",
]  # fmt: skip
TEXTS = [
    "", "pro", "Pro", "PRO plan", "5", "5.0", "05", "-3", "1e3", "1000", "inf", "nan", "true", "false",
    "null", '{"c": {"e": [1.0, true], "d": "x"}, "b": null}', "[ 1, 2 ]", '["pro",null]',
    "100%", "a_b", "axb", "back\\slash", "it's", 'quo"te', "{x}", "-- ", "{text:String}",
    "é", "É", "ж", "Ж", "😀", "line\nbreak", "[1,2]", '{"b":1}', " 5", "x" * 300,
]  # fmt: skip
DATES = [
    "2024-03-15", "2024-03-14", "2024-3-5", "2024-03-15T00:00:00", "2024-03-14T23:00:00Z",
    "2024-03-15T18:20:30Z", "2024-03-15 18:20:30.999999", "2024-03-15T18:20:30.25+01:00",
    "2024-03-31T01:59:59", "2024-02-30", "2024-13-01", "1710526830", "1710526830.75", "1710526830123",
    "171052683", "Friday", "20240315",
]  # fmt: skip
VERSIONS = [
    "1.2.3", "v1.2.3", "1.2", "1", "1.2.3-beta", "1.2.3-beta.2", "1.2.3-beta.11", "1.2.3-1", "1.3.0",
    "1.3.0-0", "2.0.0-alpha", "0.2.3", "0.2.4", "0.0.3", "1.10.0", "1.2.3+build", "01.2.3",
    "1.2.3.4", "1.2.x",
]  # fmt: skip
NUMBERS = [
    0, 5, -3, 5.0, 5.5, 0.1, 1000, 1e16, 2**53, 2**53 + 1, 2**53 - 1, 2.0**60, -(2**63), 2**64 - 1, 0.000001,
]  # fmt: skip
SCALARS: list[Any] = [*TEXTS, *DATES, *VERSIONS, *NUMBERS, True, False]
DOCUMENTS: list[Any] = [
    None,
    {},
    [],
    {"b": 1},
    [1, 2],
    ["pro", None],
    {"c": {"d": "x"}},
    {"b": None, "c": {"d": "x", "e": [1, True]}},
    {"b": None, "c": {"d": "x", "e": [1, "true"]}},
]

BOUNDS = [[-3, 5], [5, 5.5], ["-3", 1000], ["Pro", "pro"], ["", "z"], [5, "5.0"]]
PARTS = ["PRO", "r", "%", "_", "\\", "É", "ж", "", "'", '"', "5", 5, 5.0, True, "😀", "X{"]
PATTERNS = [
    "pro", "^5", "[a-z]+$", "(?i)PRO", r"\d\.\d", "a.b", "", r"\\", "line.break", "^$", r"\{x\}",
]  # fmt: skip
MOMENTS = ["2024-03-15", "2024-03-14T23:00:00Z", "2024-03-15T18:20:30", "-24h", "-0h"]
VERSION_BOUNDS = ["1.2.3", "1.2", "1.2.3-beta.2", "v1.3.0", "0.2.3", "1.2.3-1", "1.2.3+other"]
VERSION_RANGES = ["1.2.3", "1.2", "1", "0.2.3", "0.0.3", "0", "0.0", "1.2.3-beta"]

# What filters ask for, where it is not any value.
ASKED: dict[str, list[Any]] = {
    "is_set": [None, "is_set"],
    "is_not_set": [None, "is_not_set"],
    **dict.fromkeys(("between", "not_between"), BOUNDS),
    **dict.fromkeys(("icontains", "not_icontains"), PARTS),
    **dict.fromkeys(("regex", "not_regex"), PATTERNS),
    **{operator: MOMENTS for operator in OPERATORS if operator.startswith("is_date")},
    **{operator: VERSION_BOUNDS for operator in OPERATORS if operator.startswith("semver")},
    **dict.fromkeys(("semver_tilde", "semver_caret"), VERSION_RANGES),
    "semver_wildcard": ["1.2.*", "1.*", "*", "0.*"],
}
WITHOUT_LISTS = ("is_set", "is_not_set", "between", "not_between")


def values_for(operator: str) -> st.SearchStrategy[Any]:
    one = st.sampled_from(ASKED.get(operator, SCALARS))
    return one if operator in WITHOUT_LISTS else one | st.lists(one | st.none(), max_size=3)


def leaves() -> st.SearchStrategy[dict[str, Any]]:
    subjects = st.one_of(
        st.tuples(st.sampled_from(["event", "person"]), st.sampled_from(KEYS)),
        st.tuples(st.just("event_metadata"), st.sampled_from(["event", "distinct_id"])),
    )
    return st.tuples(subjects, st.sampled_from(OPERATORS)).flatmap(
        lambda drawn: st.fixed_dictionaries(
            {
                "type": st.just(drawn[0][0]),
                "key": st.just(drawn[0][1]),
                "operator": st.just(drawn[1]),
                "value": values_for(drawn[1]),
            },
            optional={"negation": st.booleans()},
        )
    )


def groups(members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"type": st.sampled_from(["AND", "OR"]), "values": st.lists(members, max_size=3)}
    )


filters: st.SearchStrategy[Any] = st.one_of(
    st.lists(leaves(), min_size=1, max_size=1),
    st.lists(leaves(), max_size=2),
    st.recursive(groups(leaves()), groups, max_leaves=6),
)
scalars: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(DATES),
    st.sampled_from(VERSIONS),
    st.sampled_from(NUMBERS),
    st.sampled_from([True, False, 5, "5", "pro"]),
)
documents = st.dictionaries(
    st.sampled_from(KEYS), scalars | st.sampled_from(DOCUMENTS), min_size=len(KEYS) - 3, max_size=len(KEYS)
)
events = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["pro", "5", "é"]),
        "distinct_id": st.sampled_from(["Pro", "2024-03-15", "x"]),
        "properties": documents,
        "person": st.integers(0, 2),
    }
)


class Example(NamedTuple):
    events: list[dict[str, Any]]
    persons: list[dict[str, Any]]
    filters: list[Any]


examples = st.builds(
    Example,
    st.lists(events, min_size=5, max_size=8),
    st.lists(documents, min_size=3, max_size=3),
    st.lists(filters, min_size=FILTERS_PER_EXAMPLE, max_size=FILTERS_PER_EXAMPLE),
)
