"""What people call a person."""

import re
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from persons.models.project import Project

_ANONYMOUS = re.compile(r"[a-z0-9]+(-[a-z0-9]+){4}")


def display_name(
    project: Project, properties: dict[str, Any], distinct_ids: Sequence[str], uuid: UUID
) -> Any:
    """The first of the project's display properties that is not empty, as it is; else a distinct id, one
    that is not anonymous if there is one; else the uuid."""
    for name in project.person_display_name_properties or ():
        if properties.get(name) not in (None, ""):
            return properties[name]
    return next(iter(known_ids_first(distinct_ids)), str(uuid))


def known_ids_first(distinct_ids: Iterable[str]) -> list[str]:
    """Ids that somebody chose before ids that an SDK made up; otherwise in the given order."""
    return sorted(distinct_ids, key=lambda name: _ANONYMOUS.fullmatch(name) is not None)
