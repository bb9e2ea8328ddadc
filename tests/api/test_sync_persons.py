"""`GET persons/` for whoever keeps a copy: cursors, what has changed since, who is no more, chosen fields."""

import csv
import io
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from persons.models import Person, PersonDistinctId, PersonTombstone, Project
from persons.outbox.flush import drain
from tests.api.helpers import Capture, change, event, local, pages, person
from tests.api_client import Api, error_of

HERE = "/api/projects/@current/"
PERSONS = f"{HERE}persons/"
START = datetime(2024, 3, 1, tzinfo=UTC)
ORDERS = [sign + field for field in ("created_at", "updated_at", "last_seen_at") for sign in ("", "-")]


def crowd(project: Project, number: int) -> None:
    """Persons of whom several at a time are alike in everything that orders them."""
    made = Person.objects.bulk_create(
        Person(
            project=project,
            created_at=START + timedelta(hours=each % 3),
            updated_at=START + timedelta(days=each % 2, microseconds=1),
            last_seen_at=START + timedelta(days=each % 4),
        )
        for each in range(number)
    )
    PersonDistinctId.objects.bulk_create(
        PersonDistinctId(project=project, person=each, distinct_id=f"u{number}")
        for number, each in enumerate(made)
    )


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [each["distinct_ids"][0] for each in rows]


def listed(api: Api, **query: Any) -> list[dict[str, Any]]:
    """The rows of all pages."""
    first = api.get(PERSONS, query)
    assert first.status_code == 200, first.content
    rest = pages(api.get, local(first.json()["next"])) if first.json()["next"] else ()
    return list(itertools.chain(first.json()["results"], *(page["results"] for page in rest)))


def copied(lines: Any) -> list[dict[str, Any]]:
    assert lines.status_code == 200
    assert lines.headers["Content-Type"] == "application/x-ndjson"
    content: bytes = lines.getvalue()
    assert int(lines.headers["Content-Length"]) == len(content)
    return [json.loads(line) for line in content.splitlines()]


@pytest.mark.parametrize("order", ORDERS)
def test_a_cursor_goes_through_a_list_in_its_order_whatever_is_equal(
    api: Api, project: Project, order: str
) -> None:
    crowd(project, 11)
    (whole,) = (page["results"] for page in pages(api.get, f"{PERSONS}?order_by={order}&limit=100"))
    moments = [(each[order.removeprefix("-")], each["id"]) for each in whole]
    assert moments == sorted(moments, reverse=order.startswith("-"))
    assert len(whole) == 11
    found = list(pages(api.get, f"{PERSONS}?order_by={order}&limit=3"))
    assert [len(page["results"]) for page in found] == [3, 3, 3, 2]
    assert [row for page in found for row in page["results"]] == whole
    assert all("cursor=" in page["next"] and "offset=" not in page["next"] for page in found[:-1])


@pytest.mark.parametrize("query", [{}, {"properties": [{"key": "plan", "value": "pro"}]}, {"search": "u"}])
def test_a_cursor_skips_nobody_when_others_come_and_go(
    api: Api, capture: Capture, clickhouse: Any, project: Project, query: dict[str, Any]
) -> None:
    people = [change(f"2024-03-0{each}", f"u{each}", set={"plan": "pro"}) for each in range(1, 8)]
    capture(*people[1:])
    page = api.get(PERSONS, {**query, "limit": 2}).json()
    assert names(page["results"]) == ["u7", "u6"]
    capture(change("2024-03-09", "newer", set={"plan": "pro"}), people[0])
    for gone in ("u7", "u6"):
        assert api.send("DELETE", f"{PERSONS}?distinct_id={gone}").status_code == 202
    drain(clickhouse)
    rest = listed(api, **query, limit=2, cursor=page["next_cursor"])
    assert names(rest) == ["u5", "u4", "u3", "u2", "u1"]


def test_persons_of_a_cohort_come_by_cursor_as_well(api: Api, capture: Capture, clickhouse: Any) -> None:
    capture(*(event("a", f"u{each}", f"2024-03-0{each}T00:00:00Z") for each in range(1, 6)))
    asked = {"name": "c", "is_static": True, "distinct_ids": ["u1", "u2", "u4", "u5"]}
    cohort = api.post(f"{HERE}cohorts/", asked).json()["id"]
    drain(clickhouse)
    path = f"{HERE}cohorts/{cohort}/persons/"
    first = api.get(f"{path}?limit=3").json()
    rest = api.get(f"{path}?limit=3&cursor={first['next_cursor']}").json()
    assert names(first["results"] + rest["results"]) == ["u5", "u4", "u2", "u1"]
    assert (rest["next"], rest["next_cursor"]) == (None, None)


def test_each_moment_bounds_what_it_is_about(api: Api, project: Project) -> None:
    for number, moment in enumerate(("2024-03-01T00:00:00Z", "2024-03-02T00:00:00Z", "2024-03-03T00:00:00Z")):
        made = person(project, f"u{number}")
        Person.objects.filter(pk=made.pk).update(updated_at=moment, last_seen_at=moment)
    never_seen = person(project, "never seen")
    Person.objects.filter(pk=never_seen.pk).update(updated_at="2024-02-01T00:00:00Z")
    project.timezone = "Europe/Berlin"
    project.save()
    for query, found in (
        ({"updated_after": "2024-03-02T00:00:00Z"}, ["u2", "u1"]),
        ({"updated_after": "2024-03-02T00:00:00.000001Z"}, ["u2"]),
        ({"updated_before": "2024-03-02T00:00:00Z"}, ["never seen", "u0"]),
        ({"updated_after": "2024-03-02"}, ["u2", "u1"]),
        ({"updated_after": "2024-03-01T01:00:00", "updated_before": "2024-03-03"}, ["u1", "u0"]),
        ({"updated_after": "2024-03-02", "updated_before": "2024-03-02"}, []),
        ({"last_seen_after": "2024-03-02T00:00:00Z"}, ["u2", "u1"]),
        ({"order_by": "last_seen_at"}, ["u0", "u1", "u2"]),
        ({"updated_after": "-1d"}, []),
        ({"updated_after": ""}, ["never seen", "u2", "u1", "u0"]),
        ({"updated_after": "2024-03-02", "distinct_id": "u0"}, []),
    ):
        assert names(listed(api, **query)) == found, query


def test_what_is_not_settled_yet_is_left_to_the_next_time(api: Api, project: Project) -> None:
    """A change takes effect when its transaction ends, and is dated before: who had read on would miss it."""
    person(project, "before")
    settings = connection.get_connection_params()
    keys = ("host", "port", "dbname", "user", "password")
    with psycopg.connect(**{key: settings[key] for key in keys if settings.get(key)}) as other:
        [(started,)] = other.execute("SELECT now() FROM pg_current_xact_id()").fetchall()
        person(project, "meanwhile")
        page = api.get(PERSONS, {"order_by": "updated_at"}).json()
        assert names(page["results"]) == ["before"]
        assert datetime.fromisoformat(page["complete_until"]) <= started
        lines = api.get(f"{HERE}persons.ndjson/?order_by=updated_at")
        assert names(copied(lines)) == ["before"]
        assert datetime.fromisoformat(lines.headers["X-Complete-Until"]) <= started
        # Who is not asking for changes sees what there is.
        assert names(listed(api)) == ["meanwhile", "before"]
        other.rollback()
    page = api.get(PERSONS, {"updated_after": page["complete_until"]}).json()
    assert names(page["results"]) == ["meanwhile"]
    assert datetime.fromisoformat(page["complete_until"]) > started


def test_whatever_changes_a_person_counts_and_what_changes_nothing_does_not(
    api: Api, capture: Capture, project: Project
) -> None:
    at = "2024-03-01T10:00:00Z"
    capture(change("2024-03-01T10:00:00", "u1", set={"plan": "free"}), event("$identify", "u2", at))

    def changed() -> set[str]:
        found = listed(api, updated_after=changed_before, order_by="updated_at")
        return {each for row in found for each in row["distinct_ids"]}

    uuid = listed(api, distinct_id="u1")[0]["uuid"]
    attached, again = {"$anon_distinct_id": "phone"}, {"$anon_distinct_id": "tablet"}
    everybody = {"u1", "u2", "phone", "tablet"}
    acts: list[tuple[Callable[[], Any], set[str]]] = [
        (lambda: capture(change("2024-03-01T10:01:00", "u1", set={"plan": "pro"})), {"u1"}),
        (lambda: capture(change("2024-03-01T10:01:00", "u1", set={"plan": "pro"})), set()),
        (lambda: capture(event("seen later", "u1", "2024-03-02T10:00:00Z")), {"u1"}),
        (lambda: capture(event("$identify", "u2", at, properties=attached)), {"u2", "phone"}),
        # Identified already: all that is new is the id.
        (lambda: capture(event("$identify", "u2", at, properties=again)), {"u2", "phone", "tablet"}),
        (lambda: api.send("PATCH", f"{PERSONS}{uuid}/", {"properties": {"a": 1}}), {"u1"}),
        (lambda: capture(event("$merge_dangerously", "u1", at, properties={"alias": "u2"})), everybody),
        (lambda: api.post(f"{PERSONS}{uuid}/split/", {"distinct_ids_to_split": ["phone"]}), everybody),
    ]
    for act, who in acts:
        with connection.cursor() as cursor:
            cursor.execute("SELECT statement_timestamp()")
            changed_before = cursor.fetchone()[0].isoformat()
        act()
        assert changed() == who


def test_who_is_no_more_is_told_once_and_whom_it_became_part_of(
    api: Api, capture: Capture, project: Project
) -> None:
    capture(*(event("e", each, "2024-03-01T10:00:00Z") for each in ("a", "b", "c", "d")))
    known = {each["distinct_ids"][0]: each for each in listed(api)}
    for survivor, loser in (("b", "a"), ("c", "b")):
        merge = event("$merge_dangerously", survivor, "2024-03-02T10:00:00Z", properties={"alias": loser})
        capture(merge)
    assert api.send("DELETE", f"{PERSONS}?distinct_id=d").status_code == 202
    capture(event("e", "d", "2024-03-03T10:00:00Z"))  # of a person whom nobody can see
    rows = listed(api, include_deleted=True, limit=1)
    assert [row["updated_at"] for row in rows] == sorted(row["updated_at"] for row in rows)
    gone = {row["uuid"]: row for row in rows if row["is_deleted"]}
    assert gone.keys() == {known[each]["uuid"] for each in "abd"}
    heirs = {each: gone[known[each]["uuid"]].get("merged_into") for each in "abd"}
    assert heirs == {"a": known["b"]["uuid"], "b": known["c"]["uuid"], "d": None}
    for each in "abd":
        row = gone[known[each]["uuid"]]
        assert (row["id"], row["created_at"]) == (known[each]["id"], known[each]["created_at"])
        assert (row["distinct_ids"], row["properties"]) == ([], {})
        assert row["deleted_at"] == row["updated_at"]
    (live,) = (row for row in rows if not row["is_deleted"])
    assert (live["uuid"], live["distinct_ids"]) == (known["c"]["uuid"], ["a", "b", "c"])
    assert api.get(PERSONS, {"include_deleted": True, "include_total": True}).json()["count"] == 4
    # A split brings the first one back: under its uuid there is somebody again.
    split = {"distinct_ids_to_split": ["a"]}
    assert api.post(f"{PERSONS}{live['uuid']}/split/", split).status_code == 201
    rows = listed(api, include_deleted=True, limit=2)
    assert len(rows) == 4
    assert {row["uuid"]: row["is_deleted"] for row in rows} == {
        known[each]["uuid"]: each in "bd" for each in "abcd"
    }
    assert names(listed(api)) != []
    assert api.send("DELETE", f"/api/projects/{project.pk}/").status_code == 204
    assert not PersonTombstone.objects.filter(project_id=project.pk).exists()


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "é"}, "cursor"),
        ({"cursor": "WzE"}, "cursor"),
        ({"cursor": "W251bGwsMSwiYSJd"}, "cursor"),
        ({"cursor": "own", "email": "a@example.com"}, "cursor"),
        ({"cursor": "own", "order_by": "updated_at"}, "cursor"),
        ({"cursor": "own", "include_deleted": True}, "cursor"),
        ({"cursor": "own", "search": "a"}, "cursor"),
        ({"cursor": "own", "offset": 0}, "offset"),
        ({"updated_after": "yesterday"}, "updated_after"),
        ({"updated_before": "2024-02-30"}, "updated_before"),
        ({"last_seen_after": "9999-01-01"}, "last_seen_after"),
        ({"order_by": "name"}, "order_by"),
        ({"order_by": ""}, None),
        ({"include_deleted": "maybe"}, "include_deleted"),
        ({"include_deleted": True, "order_by": "created_at"}, "order_by"),
        ({"include_deleted": True, "distinct_id": "a"}, "include_deleted"),
        ({"include_deleted": True, "key_identifier": "a"}, "include_deleted"),
        ({"include_deleted": True, "id": "1"}, "include_deleted"),
        ({"include_deleted": True, "uuid": "0190d3f1-1c3e-5a6b-8c7d-2f4e6a8b0c1d"}, "include_deleted"),
        ({"include_deleted": True, "is_identified": False}, "include_deleted"),
        ({"include_deleted": True, "filter_test_accounts": True}, "include_deleted"),
        ({"include_deleted": True, "offset": 1}, "offset"),
        ({"search": "a", "updated_after": "-1d"}, "updated_after"),
        ({"search": "a", "order_by": "created_at"}, "order_by"),
        ({"cohort": 1, "include_deleted": True}, "include_deleted"),
        ({"fields": "email"}, "fields"),
        ({"fields": "properties"}, None),
        ({"fields": "id,,uuid"}, None),
        ({"fields": "[1]"}, "fields"),
        ({"fields": '["id"'}, "fields"),
        ({"format": "xml"}, "format"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    api: Api, project: Project, query: dict[str, Any], attr: str | None
) -> None:
    crowd(project, 2)
    if query.get("cursor") == "own":
        query = {**query, "cursor": api.get(PERSONS, {"limit": 1}).json()["next_cursor"]}
    answer = api.get(PERSONS, query)
    if attr is None:
        assert answer.status_code == 200
    else:
        assert error_of(answer) == (400, "invalid_input", attr)


def test_only_the_fields_that_are_asked_for_come(api: Api, project: Project) -> None:
    properties: dict[str, Any] = {"email": "u1@example.com", "a,b": 1}
    person(project, "u1", **properties)
    uuid = str(Person.objects.get(project=project).uuid)
    for fields, expected in (
        ("distinct_ids", {"uuid": uuid, "distinct_ids": ["u1"]}),
        ("uuid, properties.email,properties.plan", {"uuid": uuid, "properties": {"email": "u1@example.com"}}),
        ('["properties.a,b"]', {"uuid": uuid, "properties": {"a,b": 1}}),
        ("properties", {"uuid": uuid, "properties": {"email": "u1@example.com", "a,b": 1}}),
    ):
        assert listed(api, fields=fields) == [expected]
        assert copied(api.get(f"{HERE}persons.ndjson", {"fields": fields})) == [expected]
    asked = {"fields": "properties.plan,updated_at,properties.email", "include_deleted": True}
    (header, row) = csv.reader(io.StringIO(api.get(f"{HERE}persons.csv", asked).getvalue().decode()))
    assert header == ["uuid", "updated_at", "is_deleted", "properties.email", "properties.plan"]
    assert (row[0], row[2:]) == (uuid, ["false", "u1@example.com", ""])


def test_lines_of_json_are_the_rows_of_all_pages(api: Api, capture: Capture, project: Project) -> None:
    crowd(project, 1_003)
    capture(change("2024-03-01", "a", set={"plan": "pro"}), change("2024-03-02", "b", set={"plan": "pro"}))
    capture(event("$merge_dangerously", "a", "2024-03-03T00:00:00Z", properties={"alias": "b"}))
    for path, query in (
        ("persons", {"limit": 10_000}),
        ("persons", {"limit": 1_001, "offset": 1, "order_by": "updated_at"}),
        ("persons", {"limit": 10_000, "include_deleted": True}),
        ("persons", {"limit": 10, "properties": [{"key": "plan", "value": "pro"}]}),
    ):
        rows = api.get(f"{HERE}{path}", query).json()["results"]
        assert copied(api.get(f"{HERE}{path}.ndjson/", query)) == rows
        assert len(rows) > 0
    assert len(copied(api.get(f"{HERE}persons", {"format": "ndjson"}))) == 1_004
    assert len(copied(api.get(f"{HERE}persons", Accept="application/x-ndjson"))) == 1_004
    funnel = {"events": [{"id": "$set"}, {"id": "$set"}], "funnel_step": 1, "date_from": "2024-03-01"}
    (actor,) = copied(api.post(f"{HERE}persons/funnel.ndjson/", funnel))
    assert actor["id"] == actor["uuid"]
    assert actor["properties"] == {"plan": "pro"}


def test_a_table_reads_the_file_as_it_is(api: Api, project: Project) -> None:
    import pandas

    texts = ['say "hi"', "a,b", "a\r\nb", "é", " x ", "007", "NA"]
    for number, text in enumerate(texts):
        person(project, f"u{number}", text=text, number=number / 2, created_at="2024-03-01T10:00:00Z")
    file = io.BytesIO(api.get(f"{HERE}persons.csv").getvalue())
    table = pandas.read_csv(file, dtype={"properties.text": str}, keep_default_na=False)
    assert list(table["properties.text"]) == texts[::-1]
    assert list(table["properties.number"]) == [number / 2 for number in range(len(texts))][::-1]
    assert [json.loads(each) for each in table["distinct_ids"]] == [[f"u{each}"] for each in range(6, -1, -1)]
    lines = io.BytesIO(api.get(f"{HERE}persons.ndjson").getvalue())
    assert list(pandas.read_json(lines, lines=True)["id"]) == list(table["id"])


def test_all_distinct_ids_of_a_person_come_page_by_page(api: Api, project: Project) -> None:
    own = [f"d{each % 7}-{each}" for each in range(23)]
    made = person(project, *own)
    person(project, "somebody else's")
    path = f"{PERSONS}{made.uuid}/distinct_ids/"
    found = list(pages(api.get, f"{path}?limit=10"))
    assert [len(page["results"]) for page in found] == [10, 10, 3]
    assert list(itertools.chain(*(page["results"] for page in found))) == own
    assert {page["count"] for page in found} == {23}
    assert api.get(path).json()["results"] == own
    assert error_of(api.get(f"{path}?cursor=x")) == (400, "invalid_input", "cursor")
    assert error_of(api.get(f"{path}?limit=10001")) == (400, "invalid_input", "limit")
    assert error_of(api.get(f"{PERSONS}999999/distinct_ids/")) == (404, "not_found", None)
    of_persons = api.get(PERSONS, {"limit": 1}).json()["next_cursor"]
    assert error_of(api.get(f"{path}?cursor={of_persons}")) == (400, "invalid_input", "cursor")
