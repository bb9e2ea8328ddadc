"""The frame around the pages: what settings.UNFOLD names."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy

from persons.admin.access import current_project, user_of, visible_projects

# Who has more finds them all in the list of projects.
_MOST_IN_DROPDOWN = 12


def stylesheet(request: HttpRequest) -> str:
    """The address of our own styles."""
    return static("persons/admin.css")


def script(request: HttpRequest) -> str:
    """The address of our own script."""
    return static("persons/admin.js")


def icon(request: HttpRequest) -> str:
    """The address of what browsers show in a tab."""
    return static("persons/icon.svg")


def subheader(request: HttpRequest) -> str:
    """The name of the current project, below that of the site."""
    if not request.user.is_authenticated:
        return ""
    project = current_project(request)
    return project.name if project else "No project"


def dropdown(request: HttpRequest) -> list[dict[str, Any]]:
    """The projects to choose from."""
    if not request.user.is_authenticated:
        return []
    projects = visible_projects(user_of(request))[:_MOST_IN_DROPDOWN]
    items = [
        {
            "icon": "folder",
            "title": project.name,
            "link": reverse("admin:persons_project_choose", args=[project.pk]),
        }
        for project in projects
    ]
    everything = {
        "icon": "list",
        "title": "All projects",
        "link": reverse("admin:persons_project_changelist"),
    }
    return [*items, everything]


def _item(title: str, icon: str, name: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{name}"), **more}


def _is_on_reset_page(request: HttpRequest) -> bool:
    return request.path == reverse("admin:persons_persondistinctid_reset")


def _is_on_distinct_ids(request: HttpRequest) -> bool:
    return request.path.startswith(reverse("admin:persons_persondistinctid_changelist")) and (
        not _is_on_reset_page(request)
    )


def _is_superuser(request: HttpRequest) -> bool:
    return user_of(request).is_superuser


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The pages, in groups."""
    return [
        {
            "items": [
                _item("Overview", "monitoring", "index"),
                _item(
                    "Reset distinct ids",
                    "restart_alt",
                    "persons_persondistinctid_reset",
                    active=_is_on_reset_page,
                ),
            ]
        },
        {
            "title": "People",
            "separator": True,
            "items": [
                _item("Persons", "group", "persons_person_changelist"),
                _item(
                    "Distinct ids", "tag", "persons_persondistinctid_changelist", active=_is_on_distinct_ids
                ),
                _item("Deletions", "delete", "persons_deletion_changelist"),
                _item("Activity", "history", "persons_activitylog_changelist"),
            ],
        },
        {
            "title": "Settings",
            "separator": True,
            "items": [
                _item("Projects", "folder", "persons_project_changelist"),
                _item("API keys", "key", "persons_personalapikey_changelist"),
                _item("Users", "manage_accounts", "persons_user_changelist", permission=_is_superuser),
            ],
        },
    ]
