"""Where to ask what somebody was like."""

from persons.models import Project


def address(project: Project) -> str:
    return f"/api/projects/{project.pk}/persons/properties_at_time/"
