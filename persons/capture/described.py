"""What SDKs send and are answered, for the OpenAPI description. What is really taken is much wider
(persons/capture/decoding.py)."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel

from persons.openapi.fields import Named, told

_TOKEN = "phc_YOUR_PROJECT_TOKEN"  # noqa: S105 - for whoever reads it to replace


class CapturedEvent(BaseModel):
    """Something that happened."""

    event: Annotated[str, told("Its name.", "sign up", max_length=200)]
    distinct_id: Annotated[str, told("Who did it.", "user-1", max_length=400)]
    timestamp: Annotated[datetime | None, told("When; now if absent.", "2024-03-01T10:00:00Z")] = None
    uuid: Annotated[
        UUID | None, told("The same uuid is the same event, however often it comes; made if absent.")
    ] = None
    properties: Annotated[
        dict[str, Any],
        told(
            "Any JSON under any name. `$set`, `$set_once` and `$unset` change the person.",
            {"plan": "pro", "$set": {"email": "user-1@example.com"}},
        ),
    ] = {}


_EVENTS = [{"event": "sign up", "distinct_id": "user-1", "timestamp": "2024-03-01T10:00:00Z"}]


class Batch(BaseModel):
    """Events of one project."""

    api_key: Annotated[str, told("The project's token.", _TOKEN)]
    batch: Annotated[list[CapturedEvent], told("At most 10,000.", _EVENTS, min_length=1, max_length=10_000)]
    historical_migration: Annotated[bool, told("Takes timestamps as they are.", True)] = False
    sent_at: Annotated[
        datetime | None,
        told("The sender's clock when it sent this, to correct timestamps by.", "2024-03-01T10:00:05Z"),
    ] = None


class BatchV1(BaseModel):
    """Events of the project whose token is in the Authorization header."""

    batch: Annotated[list[CapturedEvent], told("At most 10,000.", _EVENTS, min_length=1, max_length=10_000)]
    historical_migration: Annotated[bool, told("Takes timestamps as they are.", True)] = False


class Refused(BaseModel):
    """What was not done."""

    index: Annotated[int, told("Which event of the batch, from 0.")]
    uuid: Annotated[UUID, told("The event's.")]
    reason: str
    stored: Annotated[bool, told("The event was taken, and only something about it was not done.")]


class Taken(BaseModel):
    """The events can no longer be lost."""

    status: Annotated[str, told("`Ok`.", "Ok")]
    refused: Annotated[list[Refused] | None, told("What was not done, if anything.")] = None


class TakenEvent(BaseModel):
    """What became of an event."""

    result: Annotated[Literal["ok", "warning", "drop"], Named("CaptureResult")]
    details: str | None


class TakenV1(BaseModel):
    """What became of each event, by its uuid."""

    results: dict[str, TakenEvent]
