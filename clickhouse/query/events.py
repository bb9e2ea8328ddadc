"""What can be asked of events one by one."""

from datetime import UTC, datetime
from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from clickhouse.query.dates import FIRST_YEAR, LAST_YEAR
from clickhouse.query.filters import EVERYTHING, Entity, Filter

EventOrder = Literal["newest", "oldest"]


def _storable(moment: datetime) -> datetime:
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    if moment.year not in years or (in_utc := moment.astimezone(UTC)).year not in years:
        raise ValueError("ClickHouse cannot hold this.")
    return in_utc


class Place(NamedTuple):
    """Where an event stands among all others: by time, by arrival, and, should both be equal, by uuid."""

    timestamp: Annotated[AwareDatetime, AfterValidator(_storable)]
    arrival: Annotated[int, Field(ge=0, lt=2**64)]
    uuid: UUID


class EventsQuery(BaseModel):
    """A page of the events that are of the entity and of which the filter holds.

    They happened at `after` or later, and earlier than `before`. `beyond`: only those that come after this
    place in the order. `distinct_ids`, each in one of `generations`: only those that came with one of these;
    None for any.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project_id: int
    before: AwareDatetime
    after: AwareDatetime | None = None
    entity: Entity = Entity()
    filter: Filter = EVERYTHING
    distinct_ids: tuple[str, ...] | None = None
    generations: tuple[int, ...] = ()
    order: EventOrder = "newest"
    beyond: Place | None = None
    limit: int = Field(default=100, ge=1)
    offset: int = Field(default=0, ge=0)
