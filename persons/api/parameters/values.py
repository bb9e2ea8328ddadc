from typing import Annotated

from pydantic import Field

from clickhouse.query.values import ValuesQuery
from persons.api.parameters.door import Paging, Whole
from persons.models import Project
from persons.openapi.fields import told

DISTINCT_ID = "distinct_id"
# What PostHog computes of other things, and offers as if it were a property, begins so.
VIRTUAL = "$virt"


class ValuesParameters(Paging):
    """``persons/values/``: of which property, and a part of the values looked for."""

    key: Annotated[
        Annotated[str, Field(max_length=10_000)] | None,
        told(
            "The person property, or `distinct_id`. Without one there are no values.", "plan", "distinct_id"
        ),
    ] = None
    value: Annotated[
        Annotated[str, Field(max_length=100_000)] | None,
        told("Only the values that contain this text.", "pro"),
    ] = None
    limit: Annotated[Whole, told("How many values a page has at most.", 10, ge=1, le=1_000)] = 20


def values_query(project: Project, asked: ValuesParameters) -> ValuesQuery | None:
    """The question that the parameters ask; None when there can be no values."""
    if asked.key is None or asked.key.startswith(VIRTUAL):
        return None
    return ValuesQuery(
        project_id=project.pk, key=asked.key, search=asked.value, limit=asked.limit, offset=asked.offset
    )
