"""What can be asked of a correlation (docs/semantics/funnels.md)."""

from pydantic import BaseModel, ConfigDict, Field

from clickhouse.query.filters import Entity
from clickhouse.query.funnel import FunnelQuery


class CorrelationQuery(BaseModel):
    """Which of the persons of a funnel did something on their way through it.

    `funnel` says who is looked at; its own page does not count. `entity` is what they did, and events whose
    name is among `excluded_names`, those of the funnel's steps, do not count; without `entity` it is all
    persons of the funnel. `converted`: those who got to the last step, or those who did not; None for both.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    funnel: FunnelQuery
    entity: Entity | None = None
    excluded_names: tuple[str, ...] = ()
    converted: bool | None = None
    limit: int = Field(default=100, ge=1, le=10_000)
    offset: int = Field(default=0, ge=0)
