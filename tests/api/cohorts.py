"""Cohorts as they are made by request, and who is in them in either store."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from clickhouse.client import ClickHouse
from clickhouse.sql.fragment import sql
from persons.models import CohortMember
from persons.outbox.flush import drain
from tests.api.helpers import send_bytes
from tests.api_client import Api

HERE = "/api/projects/@current/cohorts/"
ADD = "add_persons_to_static_cohort/"
REMOVE = "remove_person_from_static_cohort/"
LEAF = {"key": "plan", "type": "person", "value": ["paid"], "operator": "exact"}
GROUP = {"type": "AND", "values": [LEAF]}
FILTERS = {"properties": {"type": "OR", "values": [GROUP]}}
DEED = {
    "type": "behavioral",
    "key": "paid",
    "event_type": "events",
    "value": "performed_event",
    "time_value": 30,
    "time_interval": "day",
}
VALUES = "filters.properties.values"


def made(api: Api, **fields: Any) -> dict[str, Any]:
    answer = api.post(HERE, {"name": "Payers", **fields})
    assert answer.status_code == 201, answer.content
    found: dict[str, Any] = answer.json()
    return found


def dynamic(api: Api, *leaves: dict[str, Any], **fields: Any) -> dict[str, Any]:
    values = list(leaves) or [LEAF]
    return made(api, filters={"properties": {"type": "AND", "values": values}}, **fields)


def static(api: Api, *distinct_ids: str, **fields: Any) -> dict[str, Any]:
    return made(api, is_static=True, distinct_ids=list(distinct_ids), **fields)


def in_cohort(cohort_id: Any) -> dict[str, Any]:
    return {"type": "cohort", "key": "id", "value": cohort_id}


def send_form(api: Api, method: str, path: str, fields: dict[str, Any]) -> Any:
    return send_bytes(api, method, path, encode_multipart(BOUNDARY, fields), MULTIPART_CONTENT)


def stored(cohort: dict[str, Any]) -> set[str]:
    members = CohortMember.objects.filter(cohort_id=cohort["id"])
    return set(members.values_list("distinct_id", flat=True))


def members(clickhouse: ClickHouse, cohort: dict[str, Any]) -> set[str]:
    """Who is in a cohort; both stores agree."""
    drain(clickhouse)
    statement = """
        SELECT distinct_id FROM static_cohort_member FINAL
        WHERE team_id = {team_id:Int64} AND cohort_id = {cohort_id:Int64} AND is_deleted = 0
    """
    rows = clickhouse.rows(sql(statement, team_id=cohort["team_id"], cohort_id=cohort["id"]))
    found = {distinct_id for (distinct_id,) in rows}
    assert found == stored(cohort)
    return found


def at_once(api: Api, *requests: Callable[[Api], Any]) -> list[Any]:
    """The answers to requests that are made at the same time."""
    answers: list[Any] = [None] * len(requests)
    start = threading.Barrier(len(requests))

    def ask(place: int) -> None:
        start.wait()
        try:
            answers[place] = requests[place](Api(Client(), api.key))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask, args=[place]) for place in range(len(requests))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return answers


def patched(api: Api, cohort: dict[str, Any], body: Any, action: str = "") -> Any:
    return api.send("PATCH", f"{HERE}{cohort['id']}/{action}", body)
