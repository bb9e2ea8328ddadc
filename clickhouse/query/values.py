"""What can be asked of the values of a property."""

from pydantic import BaseModel, ConfigDict, Field


class ValuesQuery(BaseModel):
    """The values of the person property `key`, those that most persons have first; a page of them.

    `search` is a part of the values asked for, in upper or lower case; None asks for all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project_id: int
    key: str
    search: str | None = None
    limit: int = Field(default=20, ge=1)
    offset: int = Field(default=0, ge=0)
