"""Whose event it is, and who counts as a person: two fragments that every question about persons needs.

Both read ReplacingMergeTree tables with FINAL. At 400,000 persons and 20,000 overrides that costs 5 to
25 ms, depending on how much is merged already; grouping by id and taking the argMax costs 25 to 50.
"""

from collections.abc import Sequence

from clickhouse.sql.conditions import where
from clickhouse.sql.fragment import Fragment, sql

# The merged person is NULL for a distinct id that was never merged.
PERSON_OF_EVENT = Fragment("ifNull(merged.person_id, events.person_id)")


# As in schema/0007_generations_of_distinct_ids.sql.
HASHES = """
SELECT cityHash64(if(generation = 0, id, concat(id, '\\0', toString(generation))))
FROM (SELECT {ids:Array(String)} AS id, {generations:Array(UInt32)} AS generation)
ARRAY JOIN id, generation
""".strip()


def hashes_of(distinct_ids: Sequence[str], generations: Sequence[int]) -> Fragment:
    """What `distinct_id_hash` is in the events that came with these distinct ids in these generations."""
    return sql(HASHES, ids=list(distinct_ids), generations=list(generations))


def events_with_merges(project_id: int) -> Fragment:
    """What follows FROM when PERSON_OF_EVENT is to be selected (posthog-behaviour.md 7).

    A distinct id that was merged into another person after some of its events belongs to that person with
    all of them. Conditions on events are pushed below the join.
    """
    return sql(
        """
events
LEFT ANY JOIN
(
    SELECT cityHash64(distinct_id) AS distinct_id_hash, toNullable(person_id) AS person_id
    FROM person_distinct_id_overrides FINAL
    WHERE team_id = {project:Int64} AND is_deleted = 0
) AS merged ON merged.distinct_id_hash = events.distinct_id_hash
""".strip(),
        project=project_id,
    )


def can_be_seen(project_id: int) -> Fragment:
    """Whether an event belongs to somebody who is there, or to nobody because it made no person.

    Not those of deleted persons, and not what came with a distinct id on hold (spec/decisions.md 12.1). It is
    one condition, because the engine would ask the second part first, and read every distinct id for it.
    """
    return sql(
        """
NOT (
    {person_of_event} IN
    (
        SELECT id
        FROM person FINAL
        WHERE team_id = {project:Int64} AND is_deleted = 1
    )
    OR events.distinct_id IN
    (
        SELECT distinct_id
        FROM person_distinct_id2 FINAL
        WHERE team_id = {project:Int64} AND is_deleted = 1
    )
)
""".strip(),
        person_of_event=PERSON_OF_EVENT,
        project=project_id,
    )


def live_persons(project_id: int, *conditions: Fragment) -> Fragment:
    """The ids of the persons that exist, and of whose row the conditions hold: not those that were deleted,
    nor those that never were.

    Personless events carry the id of a person that has no row (ingestion.md). Test the few persons that
    are left at the end against this, not every event, and before LIMIT.
    """
    return sql("SELECT id\n{persons}", persons=from_live_persons(project_id, *conditions))


def from_live_persons(project_id: int, *conditions: Fragment) -> Fragment:
    """The same persons, for whatever is to be selected of them."""
    exists = sql("team_id = {project:Int64}\n  AND is_deleted = 0", project=project_id)
    return sql("FROM person FINAL\nWHERE {conditions}", conditions=where(exists, *conditions))
