"""Asks everything of expected.py with the client of openapi-python-client. The last line printed is JSON."""

import json
import sys
from typing import Any

from funnel import ask, connect, question
from persons_api_client import AuthenticatedClient
from persons_api_client.api.personal_api_keys import personal_api_keys_create
from persons_api_client.api.persons import (
    persons_bulk_delete_create,
    persons_funnel_correlation_create,
    persons_funnel_create,
    persons_lifecycle_create,
    persons_list,
    persons_properties_at_time_retrieve,
    persons_reset_person_distinct_id_create,
    persons_trends_create,
    persons_values_retrieve,
)
from persons_api_client.models import (
    Breakdown,
    BreakdownType,
    BulkDeletionRequest,
    CorrelationRequest,
    EntityType,
    ErrorResponse,
    Event,
    FunnelCorrelationType,
    FunnelRequest,
    Interval,
    LifecycleRequest,
    LifecycleType,
    Math,
    NewKey,
    NewPersonalAPIKey,
    PersonPage,
    ResetRequest,
    TrendRequest,
    TypedEvent,
    TypedEventType,
)


def main(url: str, key: str, project: str) -> dict[str, Any]:
    client = connect(url, key)
    told: dict[str, Any] = {"funnel": ask(client, project)}
    told["broken_down"] = persons_funnel_create.sync(project, client=client, body=broken_down())
    told["correlation"] = persons_funnel_correlation_create.sync(project, client=client, body=correlation())
    told["trends"] = persons_trends_create.sync(project, client=client, body=trends())
    told["lifecycle"] = persons_lifecycle_create.sync(project, client=client, body=lifecycle())
    told["values"] = persons_values_retrieve.sync(project, client=client, key="seats")
    told["at_time"] = persons_properties_at_time_retrieve.sync(
        project, client=client, distinct_id="ada", timestamp="2024-03-02"
    )
    told["pages"] = pages(client, project)
    told["deleted"] = persons_bulk_delete_create.sync(
        project, client=client, body=BulkDeletionRequest(distinct_ids=["gone"])
    )
    reset = persons_reset_person_distinct_id_create.sync_detailed(
        project, client=client, body=ResetRequest(distinct_id="gone")
    )
    told["reset"] = int(reset.status_code)
    told["refused"] = refused(client, project)
    told["forbidden"] = forbidden(client, url, project)
    return {name: plain(each) for name, each in told.items()}


def broken_down() -> FunnelRequest:
    asked = question()
    asked.breakdowns = [Breakdown(property_="$browser", type_=BreakdownType.EVENT)]
    asked.funnel_step_breakdown = ["Safari"]
    return asked


def correlation() -> CorrelationRequest:
    return CorrelationRequest(
        events=[Event(id="sign up"), Event(id="paid")],
        funnel_correlation_type=FunnelCorrelationType.EVENTS,
        funnel_correlation_person_entity=TypedEvent(id="note created", type_=TypedEventType.EVENTS),
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


def pages(client: AuthenticatedClient, project: str) -> list[PersonPage]:
    found: list[PersonPage] = []
    while not found or found[-1].next_:
        page = persons_list.sync(project, client=client, limit=2, offset=2 * len(found), include_total=True)
        assert isinstance(page, PersonPage)
        found.append(page)
    return found


def refused(client: AuthenticatedClient, project: str) -> Any:
    asked = question()
    asked.funnel_step = 9
    answer = persons_funnel_create.sync_detailed(project, client=client, body=asked)
    assert isinstance(answer.parsed, ErrorResponse)
    return {"status": int(answer.status_code), "error": plain(answer.parsed)}


def forbidden(client: AuthenticatedClient, url: str, project: str) -> Any:
    wanted = NewKey(label="cohorts only", scopes=["cohort:read"])
    narrow = personal_api_keys_create.sync(client=client, body=wanted)
    assert isinstance(narrow, NewPersonalAPIKey)
    answer = persons_list.sync_detailed(project, client=connect(url, narrow.value))
    assert isinstance(answer.parsed, ErrorResponse)
    return {"status": int(answer.status_code), "error": plain(answer.parsed)}


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.to_dict() if hasattr(value, "to_dict") else value


print(json.dumps(main(*sys.argv[1:])))
