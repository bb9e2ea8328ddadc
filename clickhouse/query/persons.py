"""What can be asked of persons as they are now."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from clickhouse.query.filters import EVERYTHING, Filter


class PersonsQuery(BaseModel):
    """The persons of whom a filter holds, which must be about persons alone; a page of them, newest first.

    `after`: when the last person before the page was created, and its key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project_id: int
    filter: Filter = EVERYTHING
    limit: int = Field(default=100, ge=1)
    offset: int = Field(default=0, ge=0)
    after: tuple[datetime, int] | None = None
