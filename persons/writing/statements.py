"""The statements of the transaction that takes events: one per table and batch, whatever its size.

In SQL, because Django's ORM spends more time on composing such statements than PostgreSQL on running them
(docs/performance.md). Values are always bound; columns of a batch travel as arrays. Each function works in
the caller's transaction.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from persons.identity.values import Mapping as DistinctId
from persons.identity.values import Person
from persons.models import Outbox
from persons.writing.running import execute, rows


class StoredId(NamedTuple):
    """A distinct id, and the person who owns it with its key, where there is one."""

    mapping: DistinctId
    person: Person | None
    person_key: int | None


# The first of the two numbers of an advisory lock; the second is the project.
_PROJECT_LOCKS = 1_160_716


def hold_project(project_id: int) -> None:
    """Keep the project from being deleted until the transaction ends; waits for a deletion under way.

    Before any other lock: a deletion locks every row of the project. Not a lock of the project's row: others
    could always share that before the deletion gets it.
    """
    execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", _PROJECT_LOCKS, project_id % 2**31)


def lock_project(project_id: int) -> None:
    """Wait for the transactions that hold the project, and let no other one hold it."""
    execute("SELECT pg_advisory_xact_lock(%s, %s)", _PROJECT_LOCKS, project_id % 2**31)


def claim_uuids(project_id: int, uuids: Iterable[UUID]) -> set[UUID]:
    """Note that these events are taken; returns those that had not been taken before.

    Waits for a transaction that is taking one of them right now. In order, so that two transactions cannot
    wait for each other.
    """
    statement = """
        WITH wanted AS MATERIALIZED (SELECT unnest(%s::uuid[]) AS uuid),
        taken AS (
            INSERT INTO persons_eventuuid (project_id, uuid)
            SELECT %s, uuid FROM wanted
            ON CONFLICT DO NOTHING
            RETURNING uuid
        )
        SELECT uuid FROM wanted EXCEPT SELECT uuid FROM taken
    """
    wanted = set(uuids)
    # A text, which costs a fraction of an array of objects. What is answered is usually nothing.
    array = "{" + ",".join([f"{number:032x}" for number in sorted([uuid.int for uuid in wanted])]) + "}"
    return wanted.difference([uuid for (uuid,) in rows(statement, array, project_id)])


def release_uuids(project_id: int, uuids: Collection[UUID]) -> None:
    """Forget events that were refused after all: sent again, they are refused again."""
    if uuids:
        execute(
            "DELETE FROM persons_eventuuid WHERE project_id = %s AND uuid = ANY(%b)", project_id, list(uuids)
        )


_STORED_IDS = """
    SELECT id.distinct_id, id.version, id.on_hold, id.generation,
           person.id, person.uuid, person.created_at, person.properties::text, person.is_identified,
           person.version, person.last_seen_at, person.is_hidden
    FROM persons_persondistinctid AS id
    LEFT JOIN persons_person AS person ON person.id = coalesce(id.person_id, id.hidden_person_id)
"""


def stored_ids(project_id: int, distinct_ids: Collection[str]) -> list[StoredId]:
    """What is known of these distinct ids."""
    statement = _STORED_IDS + "WHERE id.project_id = %s AND id.distinct_id = ANY(%b)"
    return [_stored_id(row) for row in rows(statement, project_id, list(distinct_ids))]


def stored_ids_of(person_keys: Collection[int]) -> list[StoredId]:
    """All distinct ids of these persons, the oldest first."""
    keys = list(person_keys)
    statement = _STORED_IDS + "WHERE id.person_id = ANY(%b) OR id.hidden_person_id = ANY(%b) ORDER BY id.id"
    return [_stored_id(row) for row in rows(statement, keys, keys)]


def _stored_id(row: tuple[Any, ...]) -> StoredId:
    distinct_id, id_version, on_hold, generation, key, uuid, *person_columns = row
    mapping = DistinctId(distinct_id, uuid, id_version, on_hold, generation)
    if key is None:
        return StoredId(mapping, None, None)
    created_at, properties, *rest = person_columns
    return StoredId(mapping, Person(uuid, created_at, orjson.loads(properties), *rest), key)


def lock_and_read_persons(keys: Collection[int]) -> list[tuple[int, Person]]:
    """Lock those of these persons that are there, in the order of their keys; returns keys and persons."""
    statement = """
        SELECT id, uuid, created_at, properties::text, is_identified, version, last_seen_at, is_hidden
        FROM persons_person WHERE id = ANY(%b) ORDER BY id FOR UPDATE
    """
    return [
        (key, Person(uuid, created_at, orjson.loads(properties), *rest))
        for key, uuid, created_at, properties, *rest in rows(statement, list(keys))
    ]


def lock_persons(keys: Collection[int]) -> dict[UUID, int]:
    """Lock these persons, in the order of their keys; returns their versions."""
    statement = "SELECT uuid, version FROM persons_person WHERE id = ANY(%b) ORDER BY id FOR UPDATE"
    return dict(rows(statement, list(keys)))


def lock_ids(project_id: int, distinct_ids: Collection[str]) -> dict[str, int]:
    """Lock these distinct ids, in the order of their keys; returns their versions."""
    statement = """
        SELECT distinct_id, version FROM persons_persondistinctid
        WHERE project_id = %s AND distinct_id = ANY(%b) ORDER BY id FOR UPDATE
    """
    return dict(rows(statement, project_id, list(distinct_ids)))


def insert_persons(project_id: int, persons: Sequence[Person]) -> dict[UUID, int]:
    """Store new persons; returns their keys. Raises IntegrityError when one is there already."""
    statement = """
        WITH returned AS (DELETE FROM persons_persontombstone WHERE project_id = %s AND uuid = ANY(%b))
        INSERT INTO persons_person
            (project_id, uuid, created_at, properties, is_identified, version, last_seen_at, is_hidden)
        SELECT %s, * FROM unnest(
            %b::uuid[], %b::timestamptz[], %b::jsonb[], %b::boolean[], %b::bigint[], %b::timestamptz[],
            %b::boolean[]
        )
        RETURNING uuid, id
    """
    if not persons:
        return {}
    uuids = [person.uuid for person in persons]
    return dict(rows(statement, project_id, uuids, project_id, *_columns(persons)))


def update_persons(project_id: int, persons: Sequence[Person]) -> None:
    """Store the new state of persons that are there."""
    statement = """
        UPDATE persons_person AS person
        SET created_at = new.created_at, properties = new.properties, is_identified = new.is_identified,
            version = new.version, last_seen_at = new.last_seen_at, is_hidden = new.is_hidden,
            updated_at = statement_timestamp()
        FROM unnest(
            %b::uuid[], %b::timestamptz[], %b::jsonb[], %b::boolean[], %b::bigint[], %b::timestamptz[],
            %b::boolean[]
        ) AS new (uuid, created_at, properties, is_identified, version, last_seen_at, is_hidden)
        WHERE person.project_id = %s AND person.uuid = new.uuid
    """
    if persons:
        execute(statement, *_columns(persons), project_id)


def _columns(persons: Sequence[Person]) -> tuple[list[Any], ...]:
    return (
        [person.uuid for person in persons],
        [person.created_at for person in persons],
        [orjson.dumps(person.properties).decode() for person in persons],
        [person.is_identified for person in persons],
        [person.version for person in persons],
        [person.last_seen_at for person in persons],
        [person.is_hidden for person in persons],
    )


def touch_persons(seen: Mapping[int, datetime | None]) -> None:
    """Note that persons, by key, have changed without a new version: when they were seen last, or, with None,
    only which distinct ids they have. In order: two transactions must not wait for each other."""
    statement = """
        UPDATE persons_person AS person
        SET last_seen_at = coalesce(new.last_seen_at, person.last_seen_at), updated_at = statement_timestamp()
        FROM (
            SELECT held.id, new.last_seen_at
            FROM persons_person AS held
            JOIN unnest(%b::bigint[], %b::timestamptz[]) AS new (id, last_seen_at) USING (id)
            ORDER BY held.id FOR UPDATE OF held
        ) AS new
        WHERE person.id = new.id
    """
    if seen:
        execute(statement, list(seen), list(seen.values()))


def bury_persons(project_id: int, keys: Collection[int], heirs: Collection[UUID | None]) -> None:
    """Remember persons who are about to be removed, and, in the same order, whom they became part of."""
    statement = """
        INSERT INTO persons_persontombstone (project_id, uuid, key, created_at, merged_into)
        SELECT person.project_id, person.uuid, person.id, person.created_at, new.heir
        FROM unnest(%b::bigint[], %b::uuid[]) AS new (id, heir)
        JOIN persons_person AS person USING (id)
        WHERE person.project_id = %s AND NOT person.is_hidden
        ON CONFLICT (project_id, uuid) DO UPDATE
        SET key = excluded.key, created_at = excluded.created_at, merged_into = excluded.merged_into,
            deleted_at = statement_timestamp()
    """
    if keys:
        execute(statement, list(keys), list(heirs), project_id)


def delete_persons(keys: Collection[int]) -> None:
    """Remove persons who own no distinct ids any more."""
    if keys:
        execute("DELETE FROM persons_person WHERE id = ANY(%b)", list(keys))


def insert_ids(project_id: int, ids: Sequence[DistinctId], keys: Mapping[UUID, int]) -> None:
    """Store new distinct ids; ``keys`` are those of their persons. Raises IntegrityError when one is there
    already."""
    statement = """
        INSERT INTO persons_persondistinctid
            (project_id, distinct_id, person_id, hidden_person_id, on_hold, version, generation)
        SELECT %s, * FROM unnest(
            %b::text[], %b::bigint[], %b::bigint[], %b::boolean[], %b::bigint[], %b::bigint[]
        )
    """
    if ids:
        execute(statement, project_id, *_id_columns(sorted(ids, key=lambda each: each.distinct_id), keys))


def update_ids(project_id: int, ids: Sequence[DistinctId], keys: Mapping[UUID, int]) -> None:
    """Store the new state of distinct ids that are there."""
    statement = """
        UPDATE persons_persondistinctid AS id
        SET person_id = new.person_id, hidden_person_id = new.hidden_person_id, on_hold = new.on_hold,
            version = new.version, generation = new.generation
        FROM unnest(
            %b::text[], %b::bigint[], %b::bigint[], %b::boolean[], %b::bigint[], %b::bigint[]
        ) AS new (distinct_id, person_id, hidden_person_id, on_hold, version, generation)
        WHERE id.project_id = %s AND id.distinct_id = new.distinct_id
    """
    if ids:
        execute(statement, *_id_columns(ids, keys), project_id)


def _id_columns(ids: Sequence[DistinctId], keys: Mapping[UUID, int]) -> tuple[list[Any], ...]:
    owners = [keys[each.person] if each.person else None for each in ids]
    return (
        [each.distinct_id for each in ids],
        [None if each.on_hold else owner for each, owner in zip(ids, owners, strict=True)],
        [owner if each.on_hold else None for each, owner in zip(ids, owners, strict=True)],
        [each.on_hold for each in ids],
        [each.version for each in ids],
        [each.generation for each in ids],
    )


def delete_members(project_id: int, distinct_ids: Collection[str]) -> list[tuple[int, str]]:
    """Take distinct ids out of static cohorts; returns (cohort, distinct id) of those that were in one.

    Locks the cohorts first, as whoever adds members does, in the order of their keys.
    """
    locked = """
        SELECT id FROM persons_cohort WHERE id IN (
            SELECT cohort_id FROM persons_cohortmember WHERE project_id = %s AND distinct_id = ANY(%b)
        )
        ORDER BY id FOR NO KEY UPDATE
    """
    statement = """
        DELETE FROM persons_cohortmember
        WHERE project_id = %s AND distinct_id = ANY(%b) AND cohort_id = ANY(%b)
        RETURNING cohort_id, distinct_id
    """
    ids = list(distinct_ids)
    if cohorts := [cohort for (cohort,) in rows(locked, project_id, ids)]:
        return [(cohort, member) for cohort, member in rows(statement, project_id, ids, cohorts)]
    return []


def next_arrival() -> int:
    """A number that grows from transaction to transaction."""
    ((number,),) = rows("SELECT nextval('persons_outbox_id_seq')")
    return int(number)


def insert_outbox(project_id: int, contents: Sequence[tuple[str, bytes, int]]) -> None:
    """Put (table, lines, number of lines) on their way to ClickHouse."""
    if not contents:
        return
    statement = """
        INSERT INTO persons_outbox (project_id, "table", lines, packed, size, line_count)
        SELECT %s, * FROM unnest(%b::text[], %b::text[], %b::bytea[], %b::integer[], %b::integer[])
    """
    stored = [(table, *Outbox.stored(lines), count) for table, lines, count in contents]
    execute(statement, project_id, *(list(column) for column in zip(*stored, strict=True)))
