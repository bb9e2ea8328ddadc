"""Which events a statement reads."""

from collections.abc import Iterable, Sequence

from clickhouse.query.dates import DateRange
from clickhouse.query.filters import EVERYTHING, Entity
from clickhouse.sql.conditions import any_of
from clickhouse.sql.filters import of_entity
from clickhouse.sql.fragment import Fragment, sql
from clickhouse.sql.persons import hashes_of


def in_range(project_id: int, date_range: DateRange) -> Fragment:
    """The project's events of the range, both ends included.

    The days are said in the words of the sort key as well: of timestamps alone the engine makes nothing, and
    reads all days of an event.
    """
    return sql(
        """
team_id = {project:Int64}
  AND toDate32(timestamp) >= toDate32({date_from:DateTime64(6, 'UTC')})
  AND toDate32(timestamp) <= toDate32({date_to:DateTime64(6, 'UTC')})
  AND timestamp >= {date_from:DateTime64(6, 'UTC')}
  AND timestamp <= {date_to:DateTime64(6, 'UTC')}
""".strip(),
        project=project_id,
        date_from=date_range.date_from,
        date_to=date_range.date_to,
    )


def of_any_entity(project_id: int, entities: Iterable[Entity]) -> list[Fragment]:
    """Conditions that the events of all the entities satisfy and no others. Names come as one list, which
    the sort key can use."""
    wanted = list(dict.fromkeys(entities))
    conditions = []
    if all(entity.names is not None for entity in wanted):
        names = sorted({name for entity in wanted for name in entity.names or ()})
        conditions.append(sql("events.event IN {events:Array(String)}", events=names))
    if any(entity.first_time or entity.filter != EVERYTHING for entity in wanted):
        conditions.append(any_of(of_entity(project_id, entity) for entity in wanted))
    return conditions


def came_with(distinct_ids: Sequence[str], generations: Sequence[int]) -> Fragment:
    """Whether a row of `events_with_merges` came with one of these distinct ids while it was of this
    generation. By the hash alone: two ids of a project share one with a probability of 2^-64."""
    return sql("events.distinct_id_hash IN\n(\n    {hashes}\n)", hashes=hashes_of(distinct_ids, generations))


def of_distinct_ids(project_id: int, distinct_ids: Sequence[str], generations: Sequence[int]) -> Fragment:
    """The events that came with these distinct ids while they were of these generations.

    The hash has the generation in it, and is read several times faster than the distinct id.
    """
    return sql(
        """
team_id = {project:Int64}
  AND distinct_id_hash IN
  (
      {hashes}
  )
  AND distinct_id IN {ids:Array(String)}
""".strip(),
        project=project_id,
        hashes=hashes_of(distinct_ids, generations),
        ids=list(distinct_ids),
    )
