"""What is sent to the endpoints that serializers read (persons/api/serializers.py)."""

from typing import Annotated, Literal

from pydantic import BaseModel

from persons.api.parameters.properties import NodeParameter
from persons.openapi.fields import Named, told


class ProjectChanges(BaseModel):
    """What a PATCH changes of a project."""

    name: Annotated[str | None, told("How it is called.", "Hedgebook", min_length=1, max_length=200)] = None
    timezone: Annotated[
        str,
        told("A name of the IANA time zone database, in which days and hours are counted.", "Europe/Berlin"),
    ] = "UTC"
    week_start_day: Annotated[int, told("0 Sunday, 1 Monday.", 1, ge=0, le=1)] = 0
    test_account_filters: Annotated[
        list[NodeParameter],
        told(
            "Filters that `filter_test_accounts` adds to a question.",
            [{"type": "person", "key": "email", "operator": "not_icontains", "value": "@hedgebook.example"}],
        ),
    ] = []
    person_display_name_properties: Annotated[
        list[str] | None,
        told(
            "Person properties of which the first that is not empty is a person's `name`.", ["email", "name"]
        ),
    ] = None
    distinct_id_reuse: Annotated[
        Annotated[Literal["after_reset", "immediately"], Named("DistinctIdReuse")],
        told("When a deleted distinct id may be used again: after a reset, or at once.", "immediately"),
    ] = "after_reset"


class NewProject(ProjectChanges):
    """A new project."""

    name: Annotated[str, told("How it is called.", "Hedgebook", min_length=1, max_length=200)]


class NewKey(BaseModel):
    """A new personal API key."""

    label: Annotated[str, told("What it is for.", "nightly export", min_length=1, max_length=100)]
    scopes: Annotated[
        list[str],
        told(
            "What it may do: `person:read`, say. `write` implies `read`; `*` is everything.",
            ["person:read"],
            min_length=1,
        ),
    ]
    scoped_projects: Annotated[
        list[int],
        told("The projects it is limited to, by their ids; every project of its user if empty.", []),
    ] = []
