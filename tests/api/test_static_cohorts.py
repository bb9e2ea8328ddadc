"""Who is in a static cohort: those who were put there, in both stores, and nobody else."""

import json
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from persons.api import cohort_members
from persons.api.parameters import cohort_csv
from persons.installation import owner
from persons.models import Cohort, CohortMember, Outbox, Person, PersonDistinctId, Project
from persons.outbox.flush import drain
from tests.api.cohorts import (
    ADD,
    FILTERS,
    HERE,
    REMOVE,
    at_once,
    dynamic,
    made,
    members,
    patched,
    send_form,
    static,
    stored,
)
from tests.api.helpers import Capture, event, person, project_of, send_bytes
from tests.api_client import Api, error_of

MEGABYTE = 1024 * 1024


def file(content: str | bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("a.csv", content.encode() if isinstance(content, str) else content)


def test_a_static_cohort_has_those_who_were_put_there(
    clickhouse: ClickHouse, api: Api, project: Project
) -> None:
    person(project, "a1", "a2")
    person(project, "b1", "b2")
    lonely = person(project)
    PersonDistinctId.objects.create(project=project, distinct_id="personless")
    person(project_of(owner()), "theirs")
    unknown, b = uuid4(), Person.objects.get(mappings__distinct_id="b2", project=project)
    path = f"/api/projects/{project.pk}/cohorts/"
    body = {
        "name": "Some",
        "is_static": True,
        "distinct_ids": ["a2", "nobody", "a2", "personless", "theirs", ""],
        "uuids": [str(b.uuid), str(unknown), str(lonely.uuid).upper()],
        "_create_static_person_ids": [str(b.uuid)],
    }
    answer = api.post(path, body)
    assert answer.status_code == 201
    cohort = answer.json()
    assert (cohort["is_static"], cohort["filters"]) == (True, {})
    nobody = ["nobody", "personless", "theirs", "", str(unknown), str(lonely.uuid)]
    assert (cohort["not_found"], cohort["not_found_count"]) == (nobody, 6)
    assert members(clickhouse, cohort) == {"a2", "b1"}
    assert "X-Ignored-Parameters" not in answer.headers


def test_a_static_cohort_may_begin_with_nobody(api: Api, project: Project) -> None:
    cohort = made(api, is_static="true", filters={"properties": {"type": "OR", "values": []}})
    assert (cohort["not_found"], cohort["not_found_count"]) == ([], 0)
    shown = {name: each for name, each in cohort.items() if not name.startswith("not_found")}
    assert api.get(f"{HERE}{cohort['id']}/").json() == {**shown, "count": 0}


@pytest.mark.parametrize(
    ("fields", "attr"),
    [
        ({"filters": FILTERS}, "filters"),
        ({"is_static": False, "distinct_ids": ["a"]}, "distinct_ids"),
        ({"distinct_ids": "a"}, "distinct_ids"),
        ({"distinct_ids": ["a", 5]}, "distinct_ids.1"),
        ({"uuids": [str(uuid4()), "x"]}, "uuids.1"),
        ({"uuids": [None]}, "uuids.0"),
        ({"_create_static_person_ids": ["x"]}, "_create_static_person_ids.0"),
        ({"csv": "a"}, "csv"),
    ],
)
def test_what_a_static_cohort_cannot_be_is_refused(
    api: Api, project: Project, fields: dict[str, Any], attr: str
) -> None:
    answer = api.post(HERE, {"name": "a", "is_static": True, **fields})
    assert error_of(answer) == (400, "invalid_input", attr)
    assert not Cohort.objects.exists()


@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_a_cohort_does_not_become_of_the_other_kind(api: Api, project: Project, kind: str) -> None:
    cohort = static(api) if kind == "static" else dynamic(api)
    body = {"name": "a", "is_static": not cohort["is_static"], "filters": FILTERS}
    for method in ("PATCH", "PUT"):
        answer = api.send(method, f"{HERE}{cohort['id']}/", body)
        assert error_of(answer) == (400, "invalid_input", "is_static")


def test_ids_that_are_sent_later_are_added(clickhouse: ClickHouse, api: Api, project: Project) -> None:
    added = [person(project, name).uuid for name in "abcde"]
    cohort = static(api, "a")
    answer = patched(api, cohort, {"distinct_ids": ["b", "x"]}).json()
    assert (answer["not_found"], answer["not_found_count"]) == (["x"], 1)
    assert answer["updated_at"] > cohort["updated_at"]
    assert patched(api, cohort, {"uuids": [str(added[2]), str(added[0])]}).status_code == 200
    assert api.send("PUT", f"{HERE}{cohort['id']}/", {"name": "a", "distinct_ids": ["d"]}).status_code == 200
    answer = patched(api, cohort, {"person_ids": [str(added[4]), str(uuid4())]}, ADD)
    assert (answer.json()["success"], answer.json()["not_found_count"]) == (True, 1)
    assert members(clickhouse, cohort) == set("abcde")


def test_a_person_is_taken_out_by_all_its_distinct_ids(
    clickhouse: ClickHouse, api: Api, project: Project
) -> None:
    gone = person(project, "a1", "a2", "a3")
    person(project, "b")
    cohort, other = static(api, "a1", "a3", "b"), static(api, "a1")
    answer = patched(api, cohort, {"person_id": str(gone.uuid)}, REMOVE)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert members(clickhouse, cohort) == {"b"}
    assert members(clickhouse, other) == {"a1"}


def test_a_merged_person_is_taken_out_by_the_ids_it_has_now(
    clickhouse: ClickHouse, api: Api, project: Project, capture: Capture
) -> None:
    capture(event("e", "a", "2024-03-01T10:00:00Z"), event("e", "b", "2024-03-01T10:00:00Z"))
    cohort = static(api, "a", "b")
    merged = {"properties": {"alias": "b"}}
    capture(event("$merge_dangerously", "a", "2024-03-02T10:00:00Z", **merged))
    survivor = Person.objects.get(project=project)
    answer = patched(api, cohort, {"person_id": str(survivor.uuid)}, REMOVE)
    assert answer.status_code == 200
    assert members(clickhouse, cohort) == set()


@pytest.mark.parametrize("flushed", [True, False], ids=["each change sent by itself", "all sent at once"])
def test_who_comes_and_goes_ends_up_the_same_in_both_stores(
    clickhouse: ClickHouse, api: Api, project: Project, flushed: bool
) -> None:
    a, b = person(project, "a"), person(project, "b")
    cohort = static(api)
    for turn in range(3):
        for each, name in ((a, "a"), (b, "b")):
            patched(api, cohort, {"distinct_ids": [name]})
            if (turn, name) != (2, "b"):
                body = {"person_id": str(each.uuid)}
                assert patched(api, cohort, body, REMOVE).status_code == 200
            if flushed:
                members(clickhouse, cohort)
    assert members(clickhouse, cohort) == {"b"}


@pytest.mark.django_db(transaction=True)
def test_who_comes_and_goes_at_once_ends_up_the_same_in_both_stores(
    clickhouse: ClickHouse, api: Api, project: Project
) -> None:
    names = [f"d{number}" for number in range(1_000)]
    uuid = str(person(project, *names).uuid)
    cohort = static(api)
    for _ in range(15):
        patched(api, cohort, {"distinct_ids": names})
        came, went = at_once(
            api,
            partial(patched, cohort=cohort, body={"distinct_ids": names}),
            partial(patched, cohort=cohort, body={"person_id": uuid}, action=REMOVE),
        )
        assert (came.status_code, went.status_code) == (200, 200)
        assert members(clickhouse, cohort) in (set(), set(names))


@pytest.mark.django_db(transaction=True)
def test_a_project_that_is_deleted_while_a_cohort_grows_leaves_nothing(
    clickhouse: ClickHouse, api: Api, project: Project
) -> None:
    uuids = [str(person(project, f"d{number}").uuid) for number in range(300)]
    cohort = static(api)
    there = f"/api/projects/{project.pk}/"
    grown, made_new, deleted = at_once(
        api,
        lambda client: patched(client, cohort, {"uuids": uuids}),
        lambda client: client.post(f"{there}cohorts/", {"name": "a", "is_static": True, "uuids": uuids}),
        lambda client: client.send("DELETE", there),
    )
    assert (grown.status_code, made_new.status_code, deleted.status_code) in [
        (first, second, 204) for first in (200, 404) for second in (201, 404)
    ]
    drain(clickhouse)
    statement = "SELECT count() FROM static_cohort_member WHERE team_id = {team_id:Int64}"
    assert clickhouse.rows(sql(statement, team_id=project.pk)) == [(0,)]
    assert not CohortMember.objects.exists()


def test_who_is_in_a_cohort_already_is_not_sent_again(
    clickhouse: ClickHouse, api: Api, project: Project
) -> None:
    person(project, "a")
    cohort = static(api, "a")
    drain(clickhouse)
    patched(api, cohort, {"distinct_ids": ["a"]})
    assert not Outbox.objects.exists()


@pytest.mark.parametrize(
    ("action", "body", "error"),
    [
        (ADD, {}, (400, "required", "person_ids")),
        (ADD, {"person_ids": ["x"]}, (400, "invalid_input", "person_ids.0")),
        (ADD, {"person_ids": "x"}, (400, "invalid_input", "person_ids")),
        (REMOVE, {}, (400, "required", "person_id")),
        (REMOVE, {"person_id": "x"}, (400, "invalid_input", "person_id")),
    ],
)
def test_persons_to_add_or_remove_are_named_by_uuid(
    api: Api, project: Project, action: str, body: dict[str, Any], error: tuple[Any, ...]
) -> None:
    assert error_of(patched(api, static(api), body, action)) == error


def test_who_is_not_in_a_cohort_cannot_be_removed(api: Api, project: Project) -> None:
    person(project, "in")
    out = person(project, "out")
    cohort = static(api, "in")
    theirs = person(Project.objects.create(name="another"), "in")
    for uuid in (out.uuid, uuid4(), theirs.uuid):
        answer = patched(api, cohort, {"person_id": str(uuid)}, REMOVE)
        assert error_of(answer) == (404, "not_found", None)
    assert stored(cohort) == {"in"}


def test_persons_are_not_put_into_a_dynamic_cohort_nor_taken_out(api: Api, project: Project) -> None:
    cohort, uuid = dynamic(api), str(person(project, "a").uuid)
    for name, body in (
        (ADD, {"person_ids": [uuid]}),
        (REMOVE, {"person_id": uuid}),
    ):
        assert error_of(patched(api, cohort, body, name)) == (400, "invalid_input", next(iter(body)))


def test_more_ids_than_a_chunk_are_stored_and_the_first_of_nobody_are_named(
    clickhouse: ClickHouse, api: Api, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cohort_members, "_CHUNK", 7)
    names = [f"d{number}" for number in range(50)]
    for name in names:
        person(project, name)
    nobody = [f"x{number}" for number in range(1_003)]
    cohort = static(api, *[each for both in zip(nobody, names, strict=False) for each in both], *nobody[50:])
    assert (cohort["not_found"], cohort["not_found_count"]) == (nobody[:1_000], 1_003)
    assert Outbox.objects.count() > 1
    assert max(Outbox.objects.values_list("line_count", flat=True)) <= 7
    assert members(clickhouse, cohort) == set(names)
    api.send("DELETE", f"{HERE}{cohort['id']}/")
    assert members(clickhouse, cohort) == set()


# Files.


@pytest.mark.parametrize(
    "content",
    [
        "a\nb\n",
        "a\r\nb",
        "a\rb\r",
        "\ufeffa\nb\n",
        "\n  \na\n\n,\nb,\n\n",
        "a;x\nb;y\n",
        "a\tx\nb\ty\n",
        '"a","x,;\ny"\n"b"\n',
        "distinct_id\na\nb\n",
        "\ufeffname;Distinct ID \nx;a\ny;b\nz;\nw\n",
        'name\t"distinct-id"\nx\t"a"\ny\tb\n',
        "name,distinct_ids,id\nx,a,5\ny,b,6\n",
        "name,ID\nx,a\ny,b\n",
        "a\nb\na\nb\n",
    ],
)
def test_a_file_of_distinct_ids_makes_a_static_cohort(
    clickhouse: ClickHouse, api: Api, project: Project, content: str
) -> None:
    for name in "ab":
        person(project, name)
    answer = send_form(api, "POST", HERE, {"name": "Some", "description": "d", "csv": file(content)})
    assert answer.status_code == 201, answer.content
    cohort = answer.json()
    assert (cohort["name"], cohort["description"], cohort["is_static"]) == ("Some", "d", True)
    assert (cohort["not_found"], members(clickhouse, cohort)) == ([], {"a", "b"})


@pytest.mark.parametrize(
    "content", ["uuid\n{0}\n {1}\n", "distinct_id,Person ID\nx,{0}\ny,{1}\n", "id,uuid\n5,{0}\n6,{1}\n"]
)
def test_a_file_of_uuids_is_known_by_its_header(
    clickhouse: ClickHouse, api: Api, project: Project, content: str
) -> None:
    uuids = [str(person(project, name).uuid) for name in "ab"]
    form = {"name": "Some", "is_static": "true", "csv": file(content.format(*uuids))}
    cohort = send_form(api, "POST", HERE, form).json()
    assert (cohort["not_found"], members(clickhouse, cohort)) == ([], {"a", "b"})


def test_a_distinct_id_of_a_file_is_taken_as_it_is(
    clickhouse: ClickHouse, api: Api, project: Project
) -> None:
    names = ["a,b", 'say "a"', " spaced ", "zeilen\numbruch", "ümläut", "1;2", "x" * 400]
    for name in names:
        person(project, name)
    quoted = "\n".join('"' + name.replace('"', '""') + '",x' for name in names)
    cohort = send_form(api, "POST", HERE, {"name": "Some", "csv": file(quoted)}).json()
    assert (cohort["not_found"], members(clickhouse, cohort)) == ([], set(names))


def test_what_a_file_names_and_nobody_has_is_not_found(api: Api, project: Project) -> None:
    unknown = str(uuid4())
    for content, nobody in ((f"uuid\n{unknown}\nTotal: 1\n", [unknown, "Total: 1"]), ("x\ny\n", ["x", "y"])):
        cohort = send_form(api, "POST", HERE, {"name": "Some", "csv": file(content)}).json()
        assert (cohort["not_found"], cohort["not_found_count"]) == (nobody, 2)


def test_a_file_that_is_sent_later_is_added(clickhouse: ClickHouse, api: Api, project: Project) -> None:
    for name in "ab":
        person(project, name)
    cohort = static(api, "a")
    answer = send_form(api, "PATCH", f"{HERE}{cohort['id']}/", {"csv": file("distinct_id\nb\nx\n")})
    assert (answer.status_code, answer.json()["not_found"]) == (200, ["x"])
    assert answer.json()["name"] == cohort["name"]
    assert members(clickhouse, cohort) == {"a", "b"}


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"\n\n ,\n", 400),
        (b"distinct_id\n", 400),
        (b"distinct_id\n \n,\n", 400),
        (b"a\n\xe9\n", 400),
        ("a\nb\n".encode("utf-16"), 400),
        (b"a\x00b\n", 400),
        (b'a\n"b\n', 400),
        (b'a\n"b"c\n', 400),
        (b"a\n" + b"x" * 200_000, 400),
        (b"a\n" * 11, 400),
        (b"x" * 20 * MEGABYTE, 413),
    ],
    ids=lambda each: repr(each[:12]) if isinstance(each, bytes) else str(each),
)
def test_a_file_that_cannot_be_read_is_refused(
    api: Api, project: Project, monkeypatch: pytest.MonkeyPatch, content: bytes, status: int
) -> None:
    monkeypatch.setattr(cohort_csv, "MAX_IDS", 10)
    answer = send_form(api, "POST", HERE, {"name": "Some", "csv": file(content)})
    code = "invalid_input" if status == 400 else "payload_too_large"
    assert error_of(answer) == (status, code, "csv")
    assert not Cohort.objects.exists()


@pytest.mark.parametrize(
    ("fields", "attr"),
    [
        ({"csv": file("a")}, "name"),
        ({"name": "a", "csv": file("a"), "filters": json.dumps(FILTERS)}, "filters"),
        ({"name": "a", "csv": file("a"), "is_static": "false"}, "csv"),
        ({"name": file("a"), "csv": file("a")}, "name"),
        ({"name": "a\0", "csv": file("a")}, "name"),
        ({"name": "a", "csv": "a"}, "csv"),
        ({"name": "a", "csv": file("a"), "uuids": '["x"]'}, "uuids.0"),
    ],
)
def test_the_texts_of_a_form_are_checked(api: Api, project: Project, fields: Any, attr: str) -> None:
    answer = send_form(api, "POST", HERE, fields)
    assert (answer.status_code, answer.json()["attr"]) == (400, attr)
    cohort = dynamic(api)
    answer = send_form(api, "PATCH", f"{HERE}{cohort['id']}/", {"csv": file("a")})
    assert error_of(answer) == (400, "invalid_input", "csv")


@pytest.mark.parametrize("body", [b"x", b"--x\r\nnonsense"])
def test_a_form_without_parts_has_no_fields(api: Api, project: Project, body: bytes) -> None:
    answer = send_bytes(api, "POST", HERE, body, "multipart/form-data; boundary=x")
    assert error_of(answer) == (400, "required", "name")
    answer = send_bytes(api, "POST", HERE, body, "multipart/form-data")
    assert error_of(answer) == (400, "parse_error", None)
    answer = send_bytes(api, "POST", HERE, body, "application/x-www-form-urlencoded")
    assert error_of(answer) == (415, "unsupported_media_type", None)


def test_a_key_may_be_a_text_of_the_form(api: Api, project: Project) -> None:
    person(project, "a")
    form = {"name": "a", "csv": file("a"), "personal_api_key": api.key}
    assert send_form(Api(api.client, ""), "POST", HERE, form).status_code == 201
