"""What can be asked of the history of persons' properties."""

from pydantic import BaseModel, ConfigDict

from clickhouse.query.dates import UtcDatetime


class HistoryQuery(BaseModel):
    """The updates of some persons, up to a moment, that moment included; all there are for None.

    `distinct_ids` are all of theirs, `numbers` say of each whose it is: any numbers, one per person.
    `with_events`: also by which event each came.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    project_id: int
    distinct_ids: tuple[str, ...]
    numbers: tuple[int, ...]
    until: UtcDatetime | None = None
    with_events: bool = False
