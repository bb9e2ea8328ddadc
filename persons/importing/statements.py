"""The statements of an import's transactions that nobody else needs: one per table and batch.

As persons/writing/statements.py: in SQL, since a list of ten thousand values costs Django more than
PostgreSQL.
"""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from persons.writing.running import execute, rows


def noted_names(project_id: int, uuids: Collection[UUID]) -> dict[UUID, str]:
    """Of persons elsewhere, by uuid, the distinct id of whoever has been noted to stand for them."""
    statement = """
        SELECT uuid, distinct_id FROM persons_importedperson WHERE project_id = %s AND uuid = ANY(%b)
    """
    return dict(rows(statement, project_id, list(uuids)))


def own_names(project_id: int, uuids: Collection[UUID]) -> dict[UUID, str]:
    """Of persons here who can be seen, by uuid, the distinct id that came last."""
    statement = """
        SELECT DISTINCT ON (person.id) person.uuid, id.distinct_id
        FROM persons_person AS person
        JOIN persons_persondistinctid AS id ON id.person_id = person.id
        WHERE person.project_id = %s AND person.uuid = ANY(%b)
        ORDER BY person.id, id.id DESC
    """
    return dict(rows(statement, project_id, list(uuids)))


def hidden_among(project_id: int, uuids: Collection[UUID]) -> set[UUID]:
    """Those of these persons that are here and cannot be seen."""
    statement = "SELECT uuid FROM persons_person WHERE project_id = %s AND uuid = ANY(%b) AND is_hidden"
    return {uuid for (uuid,) in rows(statement, project_id, list(uuids))}


def listed_among(project_id: int, uuids: Collection[UUID]) -> dict[UUID, str]:
    """Those of these persons that are as a list of persons has said, and what it said."""
    statement = """
        SELECT uuid, listing FROM persons_importedperson
        WHERE project_id = %s AND uuid = ANY(%b) AND listing <> ''
    """
    return dict(rows(statement, project_id, list(uuids))) if uuids else {}


def note_names(project_id: int, names: Mapping[UUID, str]) -> None:
    """Remember, of persons elsewhere, a distinct id of whoever stands for them."""
    statement = """
        INSERT INTO persons_importedperson (project_id, uuid, distinct_id, listing)
        SELECT %s, *, '' FROM unnest(%b::uuid[], %b::text[]) ON CONFLICT DO NOTHING
    """
    if names:
        ordered = sorted(names.items())
        execute(statement, project_id, *(list(column) for column in zip(*ordered, strict=True)))


def note_unsettled(project_id: int, distinct_ids: Iterable[str]) -> None:
    """Remember distinct ids whose history is to be replayed; in order, so that nobody waits crosswise."""
    statement = """
        INSERT INTO persons_unsettledproperties (project_id, distinct_id)
        SELECT %s, unnest(%b::text[]) ON CONFLICT DO NOTHING
    """
    if ordered := sorted(set(distinct_ids)):
        execute(statement, project_id, ordered)
