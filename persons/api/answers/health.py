from typing import Annotated

from pydantic import BaseModel

from persons.openapi.fields import told

_Status = Annotated[str, told("`ok` or `down`.", "ok")]


class Liveness(BaseModel):
    """The process answers."""

    status: Annotated[str, told("`ok`.", "ok")]


class StoreHealth(BaseModel):
    """Whether a store answers."""

    status: _Status
    version: str | None = None
    error: Annotated[str | None, told("What kind of failure it is, when it is down.")] = None


class OutboxHealth(BaseModel):
    """How far ClickHouse is behind."""

    pending: Annotated[int, told("How many rows ClickHouse does not have yet.")]
    oldest_seconds: Annotated[float, told("How old the oldest of them is.")]


class Health(BaseModel):
    """How the service is."""

    status: _Status
    postgres: StoreHealth
    clickhouse: StoreHealth
    outbox: Annotated[OutboxHealth | None, told("Null when PostgreSQL is down.")]
