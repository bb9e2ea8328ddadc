"""Persons as CSV: the same persons as in JSON, all of them in one file, one row each."""

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from persons.api.files import csv as file
from persons.api.files import spool
from persons.api.files.answer import actors_file
from persons.api.files.cells import cell
from persons.installation import owner
from persons.models import Person, PersonDistinctId, Project
from persons.outbox.flush import drain
from tests.api.helpers import actors_of, api_with, event, person, project_of, stranger
from tests.api.tables import table
from tests.api_client import Api, error_of

HERE = "/api/projects/@current/"
COLUMNS = ["id", "uuid", "name", "distinct_ids", "created_at", "is_identified"]
FUNNEL = {"events": [{"id": "a"}, {"id": "b"}], "funnel_step": 1, "date_from": "2024-03-01"}
DID_A = {
    "type": "behavioral",
    "value": "performed_event",
    "key": "a",
    "event_type": "events",
    "time_value": 100,
    "time_interval": "year",
}
SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
    st.text("=+-@\t\r\n ,;\"'019.eE\uff1d\x01", max_size=5),
    st.sampled_from(
        ["=1+1", "'=1", " \t-1", "-1.5", "+49 30", "-1e-7", "a,b", 'say "hi"', "a\r\nb", "é", "None"]
    ),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e15, 1e15) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)


def would_run(text: str) -> bool:
    """Whether a spreadsheet takes a cell for a formula."""
    bare = text.lstrip("".join(map(chr, range(33))) + "\xa0\u3000")
    return text[:1] in ("\t", "\r") or (bare[:1] in (*SIGNS,) and not is_number(text))


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text == text.strip() and "_" not in text and text[-1:] in "0123456789."


def assert_shows(text: str, value: Any) -> None:
    """The text of a cell shows a value: nothing of it is lost, and nothing runs."""
    assert not would_run(text)
    if value is None:
        assert text == ""
    elif isinstance(value, str):
        assert text in (value, f"'{value}")
        if not would_run(value.lstrip("'")):
            assert text == value
    else:
        assert json.loads(text) == value


def assert_same(answer: Any, people: list[dict[str, Any]]) -> None:
    """The file has exactly the persons of a JSON answer, in its order."""
    columns, rows = table(answer)
    keys = sorted({key for each in people for key in each["properties"]})
    assert columns == [*COLUMNS, *(f"properties.{key}" for key in keys)]
    assert not any(map(would_run, columns))
    assert [row["uuid"] for row in rows] == [each["uuid"] for each in people]
    for row, expected in zip(rows, people, strict=True):
        for name in COLUMNS:
            assert_shows(row[name], expected[name])
        for key in keys:
            assert_shows(row[f"properties.{key}"], expected["properties"].get(key))


def people_of(answer: Any) -> list[dict[str, Any]]:
    page: dict[str, Any] = answer.json()
    assert page["next"] is None
    results: list[dict[str, Any]] = page["results"]
    return actors_of(page) if "initial" in page else results


def many(project: Project, number: int, **properties: Any) -> list[Person]:
    start = datetime(2024, 3, 1, tzinfo=UTC)
    persons = Person.objects.bulk_create(
        Person(project=project, created_at=start + timedelta(seconds=each), properties=properties)
        for each in range(number)
    )
    PersonDistinctId.objects.bulk_create(
        PersonDistinctId(project=project, person=each, distinct_id=f"u{each.pk}") for each in persons
    )
    return persons


@pytest.mark.usefixtures("ann_and_bob")
def test_a_list_is_one_row_per_person(api: Api, project: Project) -> None:
    ann, bob = Person.objects.filter(project=project).order_by("created_at")
    answer = api.get(f"{HERE}persons.csv")
    assert answer.getvalue().decode() == (
        "id,uuid,name,distinct_ids,created_at,is_identified,"
        "properties.email,properties.note,properties.plan,properties.tags,properties.visits\r\n"
        f'{bob.pk},{bob.uuid},bob,"[""bob""]",2024-03-02T10:00:00.250000Z,false,'
        ',"""=1""",,"[""x"",1]",\r\n'
        f'{ann.pk},{ann.uuid},ann@example.com,"[""ann""]",2024-03-01T10:00:00Z,false,'
        "ann@example.com,,,,3\r\n"
    )
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="persons.csv"'


@pytest.mark.usefixtures("ann_and_bob")
def test_every_kind_of_answer_has_the_persons_of_its_json(clickhouse: ClickHouse, api: Api) -> None:
    asked = {"name": "Some", "is_static": True, "distinct_ids": ["bob"]}
    cohort = api.post(f"{HERE}cohorts/", asked).json()["id"]
    drain(clickhouse)
    for path, name, query, number in (
        ("persons", "persons", {}, 2),
        ("persons", "persons", {"distinct_id": "ann"}, 1),
        ("persons", "persons", {"search": "ANN"}, 1),
        (f"cohorts/{cohort}/persons", f"cohort-{cohort}", {}, 1),
        ("persons/funnel", "funnel", FUNNEL, 2),
    ):
        answer = api.get(f"{HERE}{path}", {**query, "format": "csv"})
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}.csv"'
        people = people_of(api.get(f"{HERE}{path}", query))
        assert len(people) == number
        assert_same(answer, people)


@settings(
    max_examples=int(os.environ.get("CSV_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(properties=[{"=1+1": "=1+1", "'=": "'=1", ",": ",", "": "", "a\r\nb": "a\r\nb"}], ids=['=a,"b"'])
@given(
    properties=st.lists(st.dictionaries(texts, values, max_size=4), max_size=4),
    ids=st.lists(texts, max_size=3, unique=True),
)
def test_whatever_the_properties_are_a_reader_gets_them_back_and_nothing_runs(
    api: Api, project: Project, properties: list[dict[str, Any]], ids: list[str]
) -> None:
    Person.objects.filter(project=project).delete()
    for number, each in enumerate(properties):
        made = Person.objects.create(project=project, created_at=datetime.now(UTC), properties=each)
        PersonDistinctId.objects.bulk_create(
            PersonDistinctId(project=project, person=made, distinct_id=f"{each}{number}") for each in ids
        )
    assert_same(api.get(f"{HERE}persons.csv"), people_of(api.get(f"{HERE}persons")))


@given(text=texts, other=texts)
def test_what_was_there_can_be_told_from_the_apostrophe_before_a_formula(text: str, other: str) -> None:
    assert (cell(text) == cell(other)) == (text == other)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-1", "-1"),
        ("+49301234", "+49301234"),
        ("-1.5e-7", "-1.5e-7"),
        ("-.5", "-.5"),
        ("-1+1", "'-1+1"),
        ("+49 30", "'+49 30"),
        ("-", "'-"),
        ("- 1", "'- 1"),
        ("-\u0661", "'-\u0661"),
        ("  =1", "'  =1"),
        ("\n=1", "'\n=1"),
        ("\ta", "'\ta"),
        ("\uff1d1", "'\uff1d1"),
        ("@a", "'@a"),
        ("'=1", "''=1"),
        ("'a", "'a"),
        ("a=1", "a=1"),
        (" a", " a"),
    ],
)
def test_an_apostrophe_goes_before_formulas_and_not_before_numbers(text: str, shown: str) -> None:
    assert cell(text) == shown


def test_the_order_of_property_columns_is_fixed(api: Api, project: Project) -> None:
    for created, key in enumerate(["b", "a", "B", "é", "10", "9", "a b"], start=1):
        person(project, key, created_at=f"2024-03-0{created}T10:00:00Z", **{key: 1})
    columns, _ = table(api.get(f"{HERE}persons.csv"))
    assert columns[len(COLUMNS) :] == [f"properties.{key}" for key in ("10", "9", "B", "a", "a b", "b", "é")]


def test_only_what_occurs_among_the_persons_of_the_answer_is_a_column(api: Api, project: Project) -> None:
    person(project, "a", email="a@example.com", here=None)
    person(project, "b", email="b@example.com", elsewhere=1)
    columns, rows = table(api.get(f"{HERE}persons.csv?email=a@example.com"))
    assert columns[len(COLUMNS) :] == ["properties.email", "properties.here"]
    assert rows[0]["properties.here"] == ""


def test_a_row_has_at_most_1000_distinct_ids(api: Api, project: Project) -> None:
    names = [f"d{each}" for each in range(1001)]
    person(project, *names)
    _, (row,) = table(api.get(f"{HERE}persons.csv"))
    assert json.loads(row["distinct_ids"]) == names[:1000]


def test_there_is_no_limit_unless_one_is_given(clickhouse: ClickHouse, api: Api, project: Project) -> None:
    number = 2_345
    api.capture(project, [event("a", f"u{each}", "2024-03-01T10:00:00Z") for each in range(number)])
    drain(clickhouse)
    cohort = api.post(f"{HERE}cohorts/", {"name": "All", "filters": {"properties": [DID_A]}}).json()["id"]
    for path, query in (
        ("persons", {}),
        ("persons", {"properties": [DID_A]}),
        (f"cohorts/{cohort}/persons", {}),
        ("persons/funnel", FUNNEL),
    ):
        in_json = people_of(api.get(f"{HERE}{path}", {**query, "limit": 10_000}))
        everybody = [each["uuid"] for each in in_json]
        assert len(set(everybody)) == number

        def in_csv(**page: int) -> list[str]:
            answer = api.get(f"{HERE}{path}.csv", {**query, **page})  # noqa: B023 - called at once
            return [row["uuid"] for row in table(answer)[1]]

        assert in_csv() == everybody
        assert in_csv(limit=1) == everybody[:1]
        assert in_csv(limit=1_500, offset=500) == everybody[500:2_000]
        assert in_csv(offset=2_000) == everybody[2_000:]
        assert in_csv(offset=number, limit=5) == []
        assert in_csv(offset=2**62) == []


def test_nobody_is_a_header_alone(api: Api, project: Project) -> None:
    for path, query in (("persons", {}), ("persons", {"search": "x"}), ("persons/funnel", FUNNEL)):
        assert api.get(f"{HERE}{path}.csv", query).getvalue().decode() == ",".join(COLUMNS) + "\r\n"


@pytest.mark.usefixtures("ann_and_bob")
def test_persons_of_other_projects_are_not_in_it(api: Api, project: Project) -> None:
    other = project_of(owner())
    person(other, "theirs")
    _, rows = table(api.get(f"/api/projects/{other.pk}/persons.csv"))
    assert [row["name"] for row in rows] == ["theirs"]
    assert table(api.get(f"/api/projects/{other.pk}/persons/funnel.csv", FUNNEL))[1] == []


@pytest.mark.usefixtures("ann_and_bob")
def test_a_person_that_is_gone_meanwhile_is_left_out(api: Api, project: Project) -> None:
    # As between the deletion here and its arrival in ClickHouse.
    Person.objects.get(project=project, mappings__distinct_id="ann").delete()
    for path, query in (("persons/funnel", FUNNEL), ("persons", {"search": "n"})):
        assert {row["name"] for row in table(api.get(f"{HERE}{path}.csv", query))[1]} <= {"bob"}


def test_the_key_needs_the_same_scopes_as_for_json(api: Api, project: Project) -> None:
    assert error_of(Api(api.client, "").get(f"{HERE}persons.csv")) == (401, "not_authenticated", None)
    limited = api_with(api, ["cohort:read"])
    foreign = project_of(stranger())
    for key, path in (
        (limited, f"{HERE}persons.csv"),
        (limited, f"{HERE}persons/funnel.csv"),
        (limited, f"{HERE}cohorts/1/persons.csv"),
        (api, f"/api/projects/{foreign.pk}/persons.csv"),
    ):
        assert error_of(key.get(path, Accept="text/csv")) == (403, "permission_denied", None)
    assert error_of(api.post(f"{HERE}persons.csv")) == (405, "method_not_allowed", None)


def test_more_properties_than_a_table_has_columns_are_refused(
    api: Api, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "MAX_PROPERTIES", 3)
    person(project, "a", email="a@example.com", x=1)
    person(project, "b", y=1, z=1)
    assert error_of(api.get(f"{HERE}persons.csv")) == (400, "invalid_input", "format")
    assert len(table(api.get(f"{HERE}persons.csv?limit=1&offset=1"))[1]) == 1


def test_there_may_be_four_files_on_their_way_at_once(api: Api, project: Project) -> None:
    person(project, "u1")
    for _ in range(2 * spool.MOST_AT_ONCE):
        table(api.get(f"{HERE}persons.csv"))
    unread = [api.get(f"{HERE}persons.csv") for _ in range(spool.MOST_AT_ONCE)]
    refusal = api.get(f"{HERE}persons.csv")
    assert error_of(refusal) == (503, "unavailable", None)
    assert int(refusal.headers["Retry-After"]) >= 1
    assert api.get(f"{HERE}persons").status_code == 200
    table(unread.pop())
    table(api.get(f"{HERE}persons.csv"))
    for answer in unread:
        table(answer)


def test_analytics_rows_may_have_a_value(clickhouse: ClickHouse, project: Project) -> None:
    persons = many(project, 2_500)
    numbers = [7, -1.5, None, *range(3, 2_500)]
    uuids = [str(each.uuid) for each in persons]
    statement = sql(
        "SELECT pair.1 AS actor_id, pair.2 AS value FROM"
        " (SELECT arrayJoin(arrayZip({uuids:Array(UUID)}, {numbers:Array(Nullable(Float64))})) AS pair)",
        uuids=uuids,
        numbers=numbers,
    )
    columns, rows = table(actors_file("csv", "some", project, statement, limit=2_400, with_values=True))
    assert columns == [*COLUMNS, "value_at_data_point"]
    assert [row["id"] for row in rows] == uuids[:2_400]
    assert [row["value_at_data_point"] for row in rows[:3]] == ["7.0", "-1.5", ""]
    assert float(rows[-1]["value_at_data_point"]) == 2_399
