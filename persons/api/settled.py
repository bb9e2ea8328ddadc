from datetime import datetime

from django.db import connection

# What a transaction writes it dates between its start and its end, and only after it has got an xid. So
# whatever is dated before this moment has been committed, and can be read from now on.
_SETTLED = """
    SELECT least(statement_timestamp(), min(xact_start))
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid != pg_backend_pid()
"""


def settled_until() -> datetime:
    """Until when all is known of who changed: before this moment nothing will be dated any more.

    By the clock of PostgreSQL. A change that takes effect late is dated before its transaction ended, when
    somebody may already have read beyond that; so nobody reads beyond the oldest transaction that is writing.
    """
    with connection.cursor() as cursor:
        # Within one transaction PostgreSQL would say what it said before.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(_SETTLED)
        until: datetime = cursor.fetchone()[0]
    return until
