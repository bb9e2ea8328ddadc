"""What can be asked of events one by one."""

from typing import Literal, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from clickhouse.query.filters import EVERYTHING, Entity, Filter

EventOrder = Literal["newest", "oldest"]


class Place(NamedTuple):
    """Where an event stands among all others: by time, by arrival, and, should both be equal, by uuid."""

    timestamp: AwareDatetime
    arrival: int
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
