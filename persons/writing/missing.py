"""Which row is missing when a transaction fails because another one deleted what it refers to."""

import psycopg.errors
from django.apps import apps
from django.db import IntegrityError, connection
from django.db.models import Model

_REFERRED = """
    SELECT referred.relname
    FROM pg_constraint AS con
    JOIN pg_class AS referring ON referring.oid = con.conrelid
    JOIN pg_class AS referred ON referred.oid = con.confrelid
    WHERE con.conname = %s AND referring.relname = %s
"""


def missing_model(error: IntegrityError) -> type[Model] | None:
    """The model of the missing row; None when the error is about anything else.

    Foreign keys are checked at COMMIT, so call this outside of the transaction.
    """
    cause = error.__cause__
    if not isinstance(cause, psycopg.errors.ForeignKeyViolation):
        return None
    with connection.cursor() as cursor:
        cursor.execute(_REFERRED, [cause.diag.constraint_name, cause.diag.table_name])
        found = cursor.fetchone()
    models = {model._meta.db_table: model for model in apps.get_models()}
    return models.get(found[0]) if found else None
