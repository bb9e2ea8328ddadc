"""Asks everything of expected.py with the client of openapi-generator. The last line printed is JSON."""

import json
import sys
from typing import Any

from funnel import ask, connect, question
from persons_sdk import (
    ApiClient,
    ApiException,
    Breakdown,
    BreakdownType,
    BulkDeletionRequest,
    CorrelationRequest,
    EntityType,
    ErrorResponse,
    Event,
    FunnelCorrelationType,
    Interval,
    LifecycleRequest,
    LifecycleType,
    Math,
    NewKey,
    PersonalApiKeysApi,
    PersonsApi,
    ResetRequest,
    TrendRequest,
    TypedEntity,
    TypedEvent,
)


def main(url: str, key: str, project: str) -> dict[str, Any]:
    client = connect(url, key)
    persons = PersonsApi(client)
    told: dict[str, Any] = {"funnel": ask(client, project)}
    told["broken_down"] = persons.persons_funnel_create(project, broken_down())
    told["correlation"] = persons.persons_funnel_correlation_create(project, correlation())
    told["trends"] = persons.persons_trends_create(project, trends())
    told["lifecycle"] = persons.persons_lifecycle_create(project, lifecycle())
    told["values"] = persons.persons_values_retrieve(project, key="seats")
    told["at_time"] = persons.persons_properties_at_time_retrieve(
        project, distinct_id="ada", timestamp="2024-03-02"
    )
    told["pages"] = pages(persons, project)
    told["deleted"] = persons.persons_bulk_delete_create(
        project, bulk_deletion_request=BulkDeletionRequest(distinct_ids=["gone"])
    )
    reset = persons.persons_reset_person_distinct_id_create_with_http_info(
        project, reset_request=ResetRequest(distinct_id="gone")
    )
    told["reset"] = reset.status_code
    told["refused"] = refused(persons, project)
    told["forbidden"] = forbidden(client, url, project)
    return {name: plain(each) for name, each in told.items()}


def broken_down() -> Any:
    asked = question()
    asked.breakdowns = [Breakdown(property="$browser", type=BreakdownType.EVENT)]
    asked.funnel_step_breakdown = ["Safari"]
    return asked


def correlation() -> CorrelationRequest:
    return CorrelationRequest(
        events=[Event(id="sign up"), Event(id="paid")],
        funnel_correlation_type=FunnelCorrelationType.EVENTS,
        funnel_correlation_person_entity=TypedEntity(TypedEvent(id="note created", type="events")),
        funnel_correlation_person_converted=True,
        date_from="2024-03-01",
        date_to="2024-03-31",
    )


def trends() -> TrendRequest:
    return TrendRequest(
        events=[Event(id="paid", math=Math.SUM, math_property="amount")],
        entity_id="paid",
        entity_type=EntityType.EVENTS,
        entity_math=Math.SUM,
        date_from="2024-03-01",
        date_to="2024-03-31",
    )


def lifecycle() -> LifecycleRequest:
    return LifecycleRequest(
        events=[Event(id="paid")],
        interval=Interval.DAY,
        target_date="2024-03-03",
        lifecycle_type=LifecycleType.RESURRECTING,
    )


def pages(persons: PersonsApi, project: str) -> list[Any]:
    found = [persons.persons_list(project, limit=2, include_total=True)]
    while found[-1].next:
        found.append(persons.persons_list(project, limit=2, offset=2 * len(found), include_total=True))
    return found


def refused(persons: PersonsApi, project: str) -> Any:
    asked = question()
    asked.funnel_step = 9
    try:
        return persons.persons_funnel_create(project, asked)
    except ApiException as error:
        assert isinstance(error.data, ErrorResponse)
        return {"status": error.status, "error": plain(error.data)}


def forbidden(client: ApiClient, url: str, project: str) -> Any:
    wanted = NewKey(label="cohorts only", scopes=["cohort:read"])
    narrow = PersonalApiKeysApi(client).personal_api_keys_create(wanted)
    try:
        return PersonsApi(connect(url, narrow.value)).persons_list(project)
    except ApiException as error:
        assert isinstance(error.data, ErrorResponse)
        return {"status": error.status, "error": plain(error.data)}


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(each) for each in value]
    return json.loads(value.to_json()) if hasattr(value, "to_json") else value


print(json.dumps(main(*sys.argv[1:])))
