"""Somebody who keeps a copy of all persons by asking for what has changed."""

from typing import Any

from persons.api.listing import all_of, listing, page_of
from persons.api.parameters.persons import ListParameters, Times
from persons.models import Project

NO_TIMES = Times(None, None, None)


class Follower:
    """Asks from the latest `updated_at` on that it has seen, in small pages."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.copy: dict[Any, dict[str, Any]] = {}
        self.latest: Any = None

    def follow(self) -> None:
        asked = ListParameters(include_deleted=True, limit=2)
        times, place = Times(self.latest, None, None), None
        while True:
            page = page_of(listing(self.project, asked, times, place))
            for row in page.rows:
                self.latest = row["updated_at"]
                if row.pop("is_deleted"):
                    self.copy.pop(row["uuid"], None)
                else:
                    self.copy[row["uuid"]] = row
            if (place := page.end) is None:
                return


def everybody(project: Project) -> dict[Any, dict[str, Any]]:
    """All persons as they are listed."""
    with all_of(listing(project, ListParameters(), NO_TIMES, None)) as rows:
        return {row["uuid"]: row for row in rows}
