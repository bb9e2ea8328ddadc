"""Fills the outbox of a data folder with a million events, as if ClickHouse had been away.

python -m benchmarks.backlog FOLDER
"""

import os
import sys
import uuid
from typing import Any

import django
import orjson

ROWS, LINES = 10_000, 100


def main(folder: str) -> None:
    """Migrate the folder's PostgreSQL and write the rows."""
    os.environ |= {"PERSONS_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "persons_api.settings"}
    django.setup()
    from persons.installation import new_project
    from persons.management.postgres import postgres_at_hand
    from persons.models import Outbox

    with postgres_at_hand():
        project = new_project("backlog")
        lines = b"\n".join(orjson.dumps(_event(project.pk, number)) for number in range(LINES)).decode()
        for _ in range(0, ROWS, 500):
            Outbox.objects.bulk_create(
                Outbox(project=project, table="events", lines=lines, line_count=LINES) for _ in range(500)
            )


def _event(team_id: int, number: int) -> dict[str, Any]:
    return {
        "team_id": team_id,
        "event": "e",
        "timestamp": "2024-03-01T10:00:00Z",
        "uuid": uuid.uuid4(),
        "distinct_id": f"user-{number}",
        "person_id": uuid.uuid4(),
        "properties": {"note": "x" * 250},
        "created_at": "2024-03-01T10:00:00Z",
        "arrival": number,
    }


if __name__ == "__main__":
    main(sys.argv[1])
