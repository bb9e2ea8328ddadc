"""What a question counts: the events that make a step of a funnel or a series of a trend."""

from pydantic import BaseModel, ConfigDict, Field


class Entity(BaseModel):
    """Events of one name, or all events (posthog-behaviour.md 0.5).

    `event` is the exact name; None stands for every event.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: str | None = Field(description="The name of the event; null means every event.")
